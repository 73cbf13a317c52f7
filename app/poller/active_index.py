"""Taking in what became active: from the store to those who ask, start, or read details."""

from collections import OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Final

import structlog

from app.poller.details_queue import Details
from app.poller.dispatch.backlog import Backlog
from app.poller.schedule import PollSchedule
from app.poller.tracking import ActiveSet, Tracked, state_machine_of
from app.store import Store, paging
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

log = structlog.get_logger(__name__)

PAGE: Final = 500
"""Active workflows read from the store at once."""

OVERLAP: Final = timedelta(seconds=15)
"""Part of the active index that is read again each time: clocks of replicas differ, and indexes lag behind."""

WHOLE_SECONDS: Final = 60.0
"""How often the whole active index is read, to forget what others ended."""

MOST_IN_DOUBT: Final = 200
"""Waiting workflows with an earlier attempt to start that are described after each full read. Such a workflow may run
unobserved, even while its queue admits nothing."""

DEFERRED_PAGE: Final = 200
DEFERRED_SECONDS: Final = 5.0
"""How many deferred workflows are taken up at once, and how often: more than their histories can be read."""


@dataclass(frozen=True, slots=True)
class _Known(Container[str]):
    """Workflows that need not be read. A waiting one with an earlier attempt may have been cancelled and still run."""

    active: ActiveSet
    waiting: Backlog
    whole: bool

    def __contains__(self, workflow_id: object) -> bool:
        waits = self.waiting.untouched(workflow_id) if self.whole else workflow_id in self.waiting
        return waits or workflow_id in self.active


class ActiveIndexReader:
    """Reads the index of active workflows, incrementally and now and then as a whole. ``clock`` gives seconds."""

    def __init__(
        self,
        store: Store,
        active: ActiveSet,
        schedule: PollSchedule,
        details: Details,
        waiting: Backlog,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._active = active
        self._schedule = schedule
        self._details = details
        self._waiting = waiting
        self._clock = clock
        self._read_until: str | None = None
        self._whole_at = -inf
        self.complete = False
        """Whether everything that is active is known."""
        self._deferred_at = -inf
        self._generation = 0
        self._in_doubt: OrderedDict[str, Tracked] = OrderedDict()

    async def read(self) -> None:
        """Take in what became active since the last time."""
        began = self._clock()
        whole = began - self._whole_at >= WHOLE_SECONDS
        known = _Known(self._active, self._waiting, whole)
        generation = self._generation
        seen = await self._read_index(None if whole else self._read_until, known)
        if whole and generation == self._generation:
            self._whole_at = began
            self.complete = True
            self._drop_others(seen, since=began - OVERLAP.total_seconds())
            self._ask_for_those_in_doubt()

    async def read_deferred(self) -> None:
        """Want the details of workflows for which there was no time before, if it is not too soon to look again."""
        moment = self._clock()
        if moment - self._deferred_at < DEFERRED_SECONDS:
            return
        self._deferred_at = moment
        for workflow in await self._store.list_deferred_workflows(limit=DEFERRED_PAGE):
            self._details.enqueue(self._tracked(workflow))

    def follow(self, workflow: Workflow) -> None:
        """Ask about a workflow from now on, or for its details, whatever it still needs."""
        self._waiting.remove(workflow.id)
        if not workflow.status.terminal or workflow.stop_pending:
            self._schedule.track(self._tracked(workflow))
        elif workflow.details_pending:
            self._details.enqueue(self._tracked(workflow))

    def forget(self) -> None:
        """Forget what others look after now; a new leader reads it again."""
        self._generation += 1
        self._in_doubt.clear()
        self._schedule.clear()
        self._details.clear()
        self._waiting.clear()
        self.complete = False
        self._whole_at = -inf

    async def _read_index(self, token: str | None, known: Container[str]) -> set[str]:
        seen: set[str] = set()
        while True:
            page = await self._store.list_active_workflows(limit=PAGE, page_token=token, known=known)
            seen.update(page.ids)
            for workflow in page.workflows:
                await self._take_in(workflow)
            if page.last:
                self._read_until = paging.encode(page.last._replace(created_at=page.last.created_at - OVERLAP))
            if (token := page.next_token) is None:
                return seen

    def _ask_for_those_in_doubt(self) -> None:
        for _ in range(min(MOST_IN_DOUBT, len(self._in_doubt))):
            _, tracked = self._in_doubt.popitem(last=False)
            if tracked.id in self._waiting and tracked.id not in self._active:
                self._schedule.track(tracked)

    def _drop_others(self, seen: Container[str], *, since: float) -> None:
        self._waiting.keep(seen, since=since)
        for tracked in self._schedule.everything():
            if tracked.id not in seen and tracked.since <= since:
                self._schedule.forget(tracked)

    async def _take_in(self, workflow: Workflow) -> None:
        if workflow.status is WorkflowStatus.QUEUED and (workflow.start_pending or workflow.id in self._waiting):
            if workflow.revision > 0 and workflow.id in self._waiting:
                self._in_doubt.setdefault(workflow.id, self._tracked(workflow))
            self._waiting.add(workflow)
        elif workflow.status is WorkflowStatus.SUCCEEDED and not workflow.stop_pending and self._details.full:
            await self._defer(workflow)
        else:
            self.follow(workflow)

    async def _defer(self, workflow: Workflow) -> None:
        """Move a workflow out of the active ones: another replica has written its end, and there is no time for it."""
        try:
            await self._store.update_workflow(workflow.id, {"details_deferred": True}, revision=workflow.revision)
        except (errors.VersionConflict, errors.WorkflowNotFound):
            log.debug("workflow changed concurrently", action="defer-skip", workflow_id=workflow.id)

    def _tracked(self, workflow: Workflow) -> Tracked:
        return Tracked(
            id=workflow.id,
            machine=state_machine_of(workflow.execution_arn),
            queue=workflow.queue,
            status=workflow.status,
            revision=workflow.revision,
            since=self._clock(),
            resumes=workflow.retry_for is not None,
            redrives=workflow.redrives,
        )
