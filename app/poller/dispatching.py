"""Dispatching: the workflows that are to be started, in their order, as their queues and AWS have room."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from math import ceil
from typing import Final, NamedTuple

import structlog

from app import errors
from app.executor import Outage, Outbox, Queues
from app.executor.queues import UNLIMITED, Line
from app.executor.quotas import Lane, calling_as
from app.models import Workflow, WorkflowStatus
from app.poller.tracking import ActiveSet
from app.poller.waiting import WaitingRoom
from app.store import Store

log = structlog.get_logger(__name__)

NO_LINE: Final = (Line(UNLIMITED), 0)

MOST_A_TURN: Final = 300
"""Starts of one turn: as many as AWS's quota refills in a second, so that new limits soon count."""

WIDTH: Final = 32
"""Starts under way at the same time; at some 100 ms each they keep up with the quota, and leave room for people."""

CHECKS_A_TURN: Final = 25
"""Running workflows of a full queue that are looked up in each turn: somebody else may have seen their end."""


class Turn(NamedTuple):
    """What one turn did."""

    started: Sequence[Workflow]
    moved: Sequence[Workflow]
    """Workflows of the waiting room that were found to be started, or ended, already."""


class Dispatcher:
    """Starts the workflows of the waiting room.

    Whom a limited queue lets through is written down before anything starts, under the revision that was read. So two
    dispatchers never let through more than the limit, and a restart finds whom it has let through.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        queues: Queues,
        outage: Outage,
        active: ActiveSet,
        waiting: WaitingRoom,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._queues = queues
        self._outage = outage
        self._active = active
        self._waiting = waiting
        self._now = now
        self._width = asyncio.Semaphore(WIDTH)
        self._turn = 0

    async def step(self) -> Turn:
        """Start whom AWS and the queues have room for.

        When they are ``MOST_A_TURN``, others may wait that could be started at once.
        """
        lines = await self._queues.lines()
        most = 1 if self._outage.suspected else MOST_A_TURN
        ready: list[Workflow] = []
        moved: list[Workflow] = []
        names = self._in_turn({*self._waiting.queues(), *lines})
        for position, queue in enumerate(names):
            share = ceil((most - len(ready)) / (len(names) - position))
            line, revision = lines.get(queue, NO_LINE)
            ready += await self._ready(queue, line, revision, most=share, moved=moved)
        with calling_as(Lane.DISPATCH):
            started = await asyncio.gather(*(self._start(workflow) for workflow in ready))
        return Turn([workflow for workflow in started if workflow is not None], moved)

    def _in_turn(self, queues: Iterable[str]) -> list[str]:
        """Return queues in an order that lets another one begin each time."""
        names = sorted(queues)
        self._turn += 1
        first = self._turn % max(1, len(names))
        return names[first:] + names[:first]

    async def _ready(
        self, queue: str, line: Line, revision: int, *, most: int, moved: list[Workflow]
    ) -> Sequence[Workflow]:
        """Return those of a queue that go now; what a limited queue lets through is written down."""
        counted = await self._counted(queue, line)
        moment = self._now().timestamp()
        turns = counted.turns(moment, most=most)
        again = await self._queued(self._waiting.ready(counted.running)[:turns], moved)
        new = await self._new(queue, counted, most=turns - len(again), moved=moved)
        ready = [*again, *new]
        after = counted.let_through([workflow.id for workflow in ready], moment)
        if revision and after != line:
            try:
                await self._queues.write(queue, after, revision=revision)
            except errors.VersionConflict:
                return ()  # somebody else dispatched, or changed the limits; the next turn sees what came of it
        return ready

    async def _counted(self, queue: str, line: Line) -> Line:
        running = frozenset(line.running)
        others = [
            tracked
            for tracked in self._active.in_queue(queue).values()
            if tracked.id not in running and not tracked.status.terminal
        ]
        looked_up = [each for each in line.running if each not in self._active and each not in self._waiting]
        if self._waiting.depth(queue) and not line.room(most=1):
            looked_up += self._sample(line.running)
        outcomes = await asyncio.gather(*(self._has_ended(each) for each in looked_up))
        ended = {each for each, has_ended in zip(looked_up, outcomes, strict=True) if has_ended}
        return line.counted(ended=ended, others=len(others), queued=self._waiting.depth(queue))

    def _sample(self, running: Sequence[str]) -> Sequence[str]:
        """Return some of those that run, others each time."""
        first = self._turn * CHECKS_A_TURN % max(1, len(running))
        return running[first : first + CHECKS_A_TURN]

    async def _has_ended(self, workflow_id: str) -> bool:
        try:
            return (await self._store.get_workflow(workflow_id)).status.terminal
        except errors.WorkflowNotFound:
            return True

    async def _new(self, queue: str, line: Line, *, most: int, moved: list[Workflow]) -> Sequence[Workflow]:
        """Return those that a queue has room for; who was cancelled meanwhile does not take the turn of another."""
        wanted, tried = line.room(most=most), set(line.running)
        new: list[Workflow] = []
        while ids := self._waiting.first(queue, wanted - len(new), besides=tried):
            tried.update(ids)
            new += await self._queued(ids, moved)
        return new

    async def _queued(self, workflow_ids: Sequence[str], moved: list[Workflow]) -> Sequence[Workflow]:
        """Return those that are still queued; the others leave the waiting room and are ``moved``."""
        queued = []
        for workflow in await asyncio.gather(*(self._look_up(each) for each in workflow_ids)):
            if workflow is None:
                continue
            if workflow.status is WorkflowStatus.QUEUED:
                queued.append(workflow)
            else:
                self._waiting.drop(workflow.id)
                moved.append(workflow)
        return queued

    async def _look_up(self, workflow_id: str) -> Workflow | None:
        try:
            return await self._store.get_workflow(workflow_id)
        except errors.WorkflowNotFound:
            self._waiting.drop(workflow_id)
        except errors.WorkflowManagerError:
            raise
        except Exception:  # one bad workflow must not stop the rest
            log.exception("workflow skipped", action="dispatch-skip", workflow_id=workflow_id)
            self._waiting.put_off(workflow_id)
        return None

    async def _start(self, workflow: Workflow) -> Workflow | None:
        """Start a workflow. One that cannot be started now is tried again, and others go first meanwhile."""
        try:
            async with self._width:
                if self._outage.suspected and not self._outage.may_try():
                    return None
                started = await self._outbox.start_queued(workflow)
        except errors.VersionConflict:
            log.debug("start left to somebody else", action="dispatch-skip", workflow_id=workflow.id)
        except errors.Unavailable as silence:
            log.warning("start postponed", action="start-later", workflow_id=workflow.id, error=silence.message)
        except errors.WorkflowManagerError as refusal:
            log.error("start postponed", action="dispatch-refused", workflow_id=workflow.id, error=refusal.message)  # noqa: TRY400
        except Exception:  # one bad workflow must not stop the rest
            log.exception("start postponed", action="dispatch-skip", workflow_id=workflow.id)
        else:
            self._waiting.drop(workflow.id)
            return started
        self._waiting.put_off(workflow.id)
        return None
