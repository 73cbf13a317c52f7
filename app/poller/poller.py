"""The background task that keeps active workflows up to date and starts those that are still queued."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from app import errors
from app.executor import Executor, Observer
from app.models import Workflow, WorkflowStatus
from app.store import Store

log = structlog.get_logger(__name__)

ACTIVE_PAGE: Final = 500
"""Active workflows read from the store at once."""

GRACE: Final = timedelta(seconds=5)
"""Time that the request which recorded a workflow has to start it, before the poller does."""

ZOMBIE_SIGHTINGS: Final = 2
"""Rounds in which a started execution must be unknown before its workflow is given up: answers lag behind."""

ZOMBIE_REASON: Final = "Step Functions does not know the execution any more (zombie)"


@dataclass(frozen=True, slots=True)
class RoundReport:
    """What one round of the poller did."""

    active: int
    changed: int
    started: int
    skipped: int


class Poller:
    """Asks Step Functions about every active workflow, round after round.

    Polling is idempotent: twice, or by two replicas, gives the same stored state.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        observer: Observer,
        *,
        now: Callable[[], datetime],
        interval_seconds: float,
        concurrency: int,
    ) -> None:
        self._store = store
        self._executor = executor
        self._observer = observer
        self._now = now
        self._interval_seconds = interval_seconds
        self._slots = asyncio.Semaphore(concurrency)
        self._stopping = asyncio.Event()
        self._missing: dict[str, int] = {}

    async def run(self) -> None:
        """Poll until ``stop``. An error that is not about one workflow ends the loop and is raised."""
        log.info("poller started", action="poller-start", interval_seconds=self._interval_seconds)
        while not self._stopping.is_set():
            await self.poll_once()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), timeout=self._interval_seconds)
        log.info("poller stopped", action="poller-stop")

    def stop(self) -> None:
        """Ask ``run`` to return after the current round."""
        self._stopping.set()

    async def poll_once(self) -> RoundReport:
        """Bring every active workflow up to date once; returns when all are done."""
        outcomes = []
        async for page in self._pages():
            outcomes += await asyncio.gather(*(self._attend(workflow) for workflow in page))
        return RoundReport(
            active=len(outcomes),
            changed=outcomes.count("changed"),
            started=outcomes.count("started"),
            skipped=outcomes.count("skipped"),
        )

    async def _pages(self) -> AsyncIterator[list[Workflow]]:
        token = None
        while True:
            page = await self._store.list_active_workflows(limit=ACTIVE_PAGE, page_token=token)
            yield list(page.workflows)
            if (token := page.next_token) is None:
                return

    async def _attend(self, workflow: Workflow) -> str:
        async with self._slots:
            try:
                return await self._observe(workflow)
            except (errors.VersionConflict, errors.WorkflowNotFound):
                return "skipped"  # somebody else takes care of it
            except errors.Unavailable as silence:
                log.warning("workflow skipped", action="poll-skip", workflow_id=workflow.id, error=silence.message)
            except Exception:  # one bad workflow must not stop the rest
                log.exception("workflow skipped", action="poll-skip", workflow_id=workflow.id)
        return "skipped"

    async def _observe(self, workflow: Workflow) -> str:
        try:
            observed = await self._observer.observe(workflow)
        except errors.ExecutionNotFound:
            return await self._attend_missing(workflow)
        self._missing.pop(workflow.id, None)
        return "unchanged" if observed.revision == workflow.revision else "changed"

    async def _attend_missing(self, workflow: Workflow) -> str:
        if workflow.status is WorkflowStatus.QUEUED:
            if self._now() - workflow.last_updated < GRACE:
                return "unchanged"
            await self._executor.start_queued(workflow)
            return "started"
        sightings = self._missing.get(workflow.id, 0) + 1
        self._missing[workflow.id] = sightings
        if sightings < ZOMBIE_SIGHTINGS:
            return "unchanged"
        await self._observer.end(workflow, WorkflowStatus.FAILED, ZOMBIE_REASON)
        del self._missing[workflow.id]
        return "changed"
