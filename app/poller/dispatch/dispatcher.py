"""Dispatching: the workflows that are to be started, in their order, as their queues and AWS have room."""

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from math import floor
from typing import Final, NamedTuple, TypeVar

import structlog

from app.executor import CircuitBreaker, NotTried, Outbox, Queues, Quotas
from app.executor.queues import CATCH_UP_SECONDS, KnownQueues, QueueState
from app.executor.sfn.quotas import Priority, with_priority
from app.poller.dispatch.backlog import Backlog
from app.poller.dispatch.fair_share import fair_shares, first_left_out
from app.poller.tracking import ActiveSet
from app.store import Store
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

log = structlog.get_logger(__name__)

T = TypeVar("T")

MOST_A_TURN: Final = 300
"""Starts of one turn: as many as AWS's quota refills in a second, so that new limits soon count."""

TURN_SECONDS: Final = 1.0
"""A turn starts no more than the quota lets it start in this time: others may have become more urgent by then."""

WIDTH: Final = 32
"""Starts under way at the same time; at some 100 ms each they keep up with the quota, and leave room for people."""

CHECKS_A_TURN: Final = 25
"""Running workflows of a full queue that are read in each round: another replica may have recorded their end."""


class DispatchRound(NamedTuple):
    """The result of one round."""

    started: Sequence[Workflow]
    moved: Sequence[Workflow]
    """Workflows of the backlog that were found to be started, or ended, already."""
    full: bool
    """Whether as many were tried as a turn may: others may wait that could be started at once."""


class _Candidates(NamedTuple):
    """A queue in a turn."""

    line: QueueState
    """As it was read."""
    counted: QueueState
    """As it is now."""
    revision: int
    again: Sequence[str]
    """Workflows that were admitted before and have not started."""
    catch_up: float


class Dispatcher:
    """Starts the workflows of the backlog.

    Whom a limited queue lets through is written down before anything starts, under the revision that was read. So two
    dispatchers never let through more than the limit, and a restart finds whom it has let through.

    A turn counts what runs in each queue, divides the starts that AWS allows among the queues, chooses who goes, and
    starts those.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        queues: Queues,
        quotas: Quotas,
        circuit_breaker: CircuitBreaker,
        active: ActiveSet,
        waiting: Backlog,
        *,
        now: Callable[[], datetime],
        interval_seconds: float,
        stopping: asyncio.Event,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._queues = queues
        self._quotas = quotas
        self._circuit_breaker = circuit_breaker
        self._active = active
        self._waiting = waiting
        self._now = now
        self._catch_up = max(CATCH_UP_SECONDS, 2 * interval_seconds)
        self._stopping = stopping
        self._width = asyncio.Semaphore(WIDTH)
        self._turn = 0
        self._first = ""
        """The queue that the next round begins with: the first that got less than others in the last round."""
        self._known = KnownQueues()
        self._admitted: dict[str, int] = {}
        """Workflows that this turn let through, each with the revision of its queue that says so. Who was let through
        before is not among them: another replica may be starting it."""
        self._given_back: dict[str, int] = {}
        """Those of them whose start failed before it could have any effect. Under a later revision of their queue,
        another replica may have started them."""

    async def step(self) -> DispatchRound:
        """Start whom AWS and the queues have room for."""
        self._turn += 1
        self._known = await self._queues.known()
        moment, most = self._now().timestamp(), self._most()
        candidates = await self._candidates(most)
        demands = {name: self._demand(name, queue, moment) for name, queue in candidates.items()}
        self._given_back.clear()
        self._admitted.clear()
        ready: list[Workflow] = []
        moved: list[Workflow] = []
        given = fair_shares(demands, most)
        self._first = first_left_out(demands, given)
        for name, share in given.items():
            chosen = self._chosen(name, candidates[name], moment, most=share, moved=moved)
            ready += await self._survived(name, chosen) or ()
        with with_priority(Priority.DISPATCH):
            started = await asyncio.gather(*(self._start(workflow) for workflow in ready))
        full = len(ready) == most and not self._circuit_breaker.is_open
        return DispatchRound([workflow for workflow in started if workflow is not None], moved, full)

    def _most(self) -> int:
        """Return how many may start in this turn."""
        if self._circuit_breaker.is_open:
            return 1
        bucket = self._quotas.bucket("StartExecution")
        if bucket is None:
            return MOST_A_TURN
        return min(MOST_A_TURN, max(1, floor(bucket.available + bucket.refill_per_second * TURN_SECONDS)))

    @property
    def limited(self) -> Collection[str]:
        """Queues in which workflows wait because of a limit or a pause."""
        return self._known.limited

    async def _candidates(self, most: int) -> dict[str, _Candidates]:
        """Count the limited queues, the next queue in turn, and as many others as can get a start."""
        candidates: dict[str, _Candidates] = {}
        unlimited = 0
        for name in self._in_turn():
            if name not in self._known.limited:
                unlimited += 1
                if unlimited > most + 1:
                    continue
            queue = await self._survived(name, self._counted(name, *self._known.get(name)))
            if queue is not None:
                candidates[name] = queue
        return candidates

    def _in_turn(self) -> list[str]:
        """Return the queues to look at, in the order in which they may start workflows."""
        used = self._known.limited & self._active.queues()
        names = sorted({*self._waiting.queues(), *self._known.unsettled, *used})
        first = bisect_left(names, self._first)
        return names[first:] + names[:first]

    async def _survived(self, queue: str, work: Awaitable[T]) -> T | None:
        """Do what is about one queue; what goes wrong there must not stop the others."""
        try:
            return await work
        except errors.VersionConflict:
            return None  # another replica dispatched, or the limits changed; the next round sees the result
        except errors.Unavailable as silence:
            log.warning("queue skipped", action="dispatch-skip", queue=queue, error=silence.message)
        except errors.WorkflowManagerError as refusal:
            log.error("queue skipped", action="dispatch-refused", queue=queue, error=refusal.message)  # noqa: TRY400
        return None

    def _demand(self, queue: str, candidates: _Candidates, moment: float) -> int:
        """Return how many of a queue could start now."""
        again = len(candidates.again)
        new = candidates.counted.room(most=self._waiting.triable(queue))
        return candidates.counted.turns(moment, most=again + new, catch_up=candidates.catch_up)

    async def _chosen(
        self, queue: str, candidates: _Candidates, moment: float, *, most: int, moved: list[Workflow]
    ) -> Sequence[Workflow]:
        """Return those of a queue that go now; what a limited queue lets through is written down."""
        line, counted, revision, again, catch_up = candidates
        ready = [*await self._queued(again[:most], moved)]
        new = await self._new(queue, counted, most=most - len(ready), moved=moved)
        ready += new
        after = counted.admit([workflow.id for workflow in ready], moment, catch_up=catch_up)
        if revision and (after != line or ready):
            await self._queues.write(queue, after, revision=revision)
            self._admitted.update((workflow.id, revision + 1) for workflow in new)
        elif after.idle:
            self._known.settled(queue)
        return ready

    async def _counted(self, queue: str, line: QueueState, revision: int) -> _Candidates:
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
        gone = {each for each, has_ended in zip(looked_up, outcomes, strict=True) if has_ended}
        gone |= {each for each in running if self._given_back.get(each) == revision}
        counted = line.counted(ended=gone, others=len(others), queued=self._waiting.depth(queue))
        again = self._waiting.ready(counted.running)
        return _Candidates(line, counted, revision, again, catch_up=self._catch_up if line.queued else 0.0)

    def _sample(self, running: Sequence[str]) -> Sequence[str]:
        """Return some of the running workflows, different ones each time."""
        first = self._turn * CHECKS_A_TURN % max(1, len(running))
        return running[first : first + CHECKS_A_TURN]

    async def _has_ended(self, workflow_id: str) -> bool:
        try:
            return (await self._store.get_workflow(workflow_id)).status.terminal
        except errors.WorkflowNotFound:
            return True
        except errors.RecordUnreadable:
            return False  # it keeps its place, and no other
        except errors.WorkflowManagerError:
            raise
        except Exception:  # an unreadable workflow keeps its own slot, and no other
            log.exception("workflow skipped", action="dispatch-skip", workflow_id=workflow_id)
            return False

    async def _new(self, queue: str, line: QueueState, *, most: int, moved: list[Workflow]) -> Sequence[Workflow]:
        """Return the workflows that a queue has room for; workflows cancelled meanwhile take no slot."""
        wanted, tried = line.room(most=most), set(line.running)
        new: list[Workflow] = []
        while ids := self._waiting.first(queue, wanted - len(new), besides=tried):
            tried.update(ids)
            new += await self._queued(ids, moved)
        return new

    async def _queued(self, workflow_ids: Sequence[str], moved: list[Workflow]) -> Sequence[Workflow]:
        """Return the workflows that are still queued; the others leave the backlog and are ``moved``."""
        queued = []
        for workflow in await asyncio.gather(*(self._look_up(each) for each in workflow_ids)):
            if workflow is None:
                continue
            if workflow.status is WorkflowStatus.QUEUED:
                queued.append(workflow)
            else:
                self._waiting.remove(workflow.id)
                moved.append(workflow)
        return queued

    async def _look_up(self, workflow_id: str) -> Workflow | None:
        try:
            return await self._store.get_workflow(workflow_id)
        except (errors.WorkflowNotFound, errors.RecordUnreadable):
            self._waiting.remove(workflow_id)
        except errors.WorkflowManagerError:
            raise
        except Exception:  # one bad workflow must not stop the rest
            log.exception("workflow skipped", action="dispatch-skip", workflow_id=workflow_id)
            self._waiting.defer(workflow_id)
        return None

    async def _start(self, workflow: Workflow) -> Workflow | None:
        """Start a workflow. If it cannot start now, it is deferred, and others go first."""
        try:
            async with self._width:
                if self._stopping.is_set() or (self._circuit_breaker.is_open and not self._circuit_breaker.allow()):
                    return None
                started = await self._outbox.start_queued(workflow)
        except errors.VersionConflict:
            log.debug("start left to another replica", action="dispatch-skip", workflow_id=workflow.id)
        except NotTried as silence:
            log.warning("start postponed", action="start-later", workflow_id=workflow.id, error=silence.message)
            if revision := self._admitted.get(workflow.id):
                self._given_back[workflow.id] = revision
        except errors.Unavailable as silence:
            log.warning("start postponed", action="start-later", workflow_id=workflow.id, error=silence.message)
        except errors.WorkflowManagerError as refusal:
            log.error("start postponed", action="dispatch-refused", workflow_id=workflow.id, error=refusal.message)  # noqa: TRY400
        except Exception:  # one bad workflow must not stop the rest
            log.exception("start postponed", action="dispatch-skip", workflow_id=workflow.id)
        else:
            self._waiting.remove(workflow.id)
            return started
        self._waiting.defer(workflow.id)
        return None
