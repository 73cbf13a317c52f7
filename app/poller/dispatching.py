"""Dispatching: the workflows that wait in a limited queue, started in their order as it has room."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from app import errors
from app.executor import Executor, Queues
from app.executor.queues import UNLIMITED, Line
from app.executor.quotas import Lane, calling_as
from app.models import Workflow, WorkflowStatus
from app.poller.tracking import ActiveSet
from app.store import Store

log = structlog.get_logger(__name__)

NO_LINE: Final = (Line(UNLIMITED), 0)


class Place(NamedTuple):
    """Where a workflow stands in its queue: higher priority first, then the older one."""

    urgency: int
    created_at: datetime
    workflow_id: str


class Dispatcher:
    """Lets workflows through the limits of their queue.

    Who was let through is written down before anything starts, under the revision that was read, so that two
    dispatchers never let through more than the limit, and a restart finds whom it has let through.
    """

    def __init__(
        self, store: Store, executor: Executor, queues: Queues, active: ActiveSet, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._active = active
        self._executor = executor
        self._queues = queues
        self._now = now
        self._waiting: defaultdict[str, dict[str, Place]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    def depths(self) -> dict[str, int]:
        """Return how many workflows wait in each queue."""
        return {queue: len(waiting) for queue, waiting in self._waiting.items() if waiting}

    def oldest(self) -> datetime | None:
        """Return when the workflow was submitted that has waited for longest."""
        return min((place.created_at for waiting in self._waiting.values() for place in waiting.values()), default=None)

    def hold(self, workflow: Workflow) -> None:
        """Have a workflow wait for its turn."""
        self._waiting[workflow.queue][workflow.id] = Place(-workflow.priority, workflow.created_at, workflow.id)

    def holds(self, workflow_id: str, queue: str) -> bool:
        """Tell whether a workflow waits for its turn."""
        return workflow_id in self._waiting.get(queue, {})

    def drop(self, workflow: Workflow) -> None:
        """Have a workflow wait no longer."""
        self._waiting[workflow.queue].pop(workflow.id, None)

    def clear(self) -> None:
        """Forget everything; the store remembers."""
        self._waiting.clear()

    async def step(self) -> list[Workflow]:
        """Let through whom the queues have room for; returns the workflows that are to be followed from now on."""
        lines = await self._queues.lines()
        started: list[Workflow] = []
        with calling_as(Lane.DISPATCH):
            for queue in {*self._waiting, *lines}:
                line, revision = lines.get(queue, NO_LINE)
                admitted = await self._admitted(queue, line, revision)
                outcomes = await asyncio.gather(*(self._start(queue, workflow_id) for workflow_id in admitted))
                started += [workflow for workflow in outcomes if workflow is not None]
        return started

    async def _admitted(self, queue: str, line: Line, revision: int) -> list[str]:
        """Return those of a queue that may start now, or have ended meanwhile."""
        waiting = sorted(self._waiting[queue].values())
        in_order = [place.workflow_id for place in waiting]
        if not line.limits.limited:
            return in_order
        ended = frozenset([workflow_id for workflow_id in line.running if await self._has_ended(workflow_id)])
        after = line.admit(in_order, ended=ended, moment=self._now().timestamp())
        if after != line:
            try:
                await self._queues.write(queue, after, revision=revision)
            except errors.VersionConflict:
                return []  # somebody else dispatched; the next turn sees what came of it
        return [workflow_id for workflow_id in in_order if workflow_id in after.running or workflow_id in ended]

    async def _has_ended(self, workflow_id: str) -> bool:
        if self._active.get(workflow_id) is not None:
            return False
        try:
            return (await self._store.get_workflow(workflow_id)).status.terminal
        except errors.WorkflowNotFound:
            return True

    async def _start(self, queue: str, workflow_id: str) -> Workflow | None:
        try:
            workflow: Workflow | None = await self._store.get_workflow(workflow_id)
            if workflow is not None and workflow.status is WorkflowStatus.QUEUED:
                workflow = await self._executor.start_queued(workflow)
        except errors.WorkflowNotFound:
            workflow = None
        except errors.VersionConflict:
            return None  # cancelled, or somebody else starts it; the next turn sees what came of it
        except errors.Unavailable as silence:
            log.warning("start postponed", action="start-later", workflow_id=workflow_id, error=silence.message)
            return None
        self._waiting[queue].pop(workflow_id, None)
        return workflow
