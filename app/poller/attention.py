"""Attending to one workflow: asking about it, starting it, giving it up."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog

from app import errors
from app.executor import Executor, Observer
from app.executor.launcher import LAG, settled
from app.executor.observations import Observation
from app.executor.quotas import Lane, calling_as
from app.models import Workflow, WorkflowStatus
from app.poller.agenda import Agenda
from app.poller.tracking import ActiveSet, Tracked
from app.store import Store

log = structlog.get_logger(__name__)

GRACE: Final = timedelta(seconds=5)
"""Time that the request which recorded a workflow has to start it, before the poller does."""

ZOMBIE_SIGHTINGS: Final = 2
"""Times that Step Functions must deny a started execution before its workflow is given up: answers lag behind."""

ZOMBIE_REASON: Final = "Step Functions does not know the execution any more (zombie)"


class Outcome(StrEnum):
    """What came of attending to a workflow."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    STARTED = "started"
    SKIPPED = "skipped"


class Attendant:
    """Brings single workflows up to date. Errors that are about one workflow end here: logged, and skipped."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        observer: Observer,
        active: ActiveSet,
        agenda: Agenda,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._executor = executor
        self._observer = observer
        self._active = active
        self._agenda = agenda
        self._now = now
        self._clock = clock

    async def read(self, tracked: Tracked, *, lane: Lane = Lane.STATUS) -> Outcome:
        """Read the history of a workflow: its status and all of its details."""
        return await self._guarded(tracked, self._read, lane)

    async def describe(self, tracked: Tracked) -> Outcome:
        """Ask for the status of a workflow, its output and its reason."""
        return await self._guarded(tracked, self._describe, Lane.STATUS)

    async def record(self, tracked: Tracked, observation: Observation) -> Outcome:
        """Write what a list said of a workflow."""

        async def write(tracked: Tracked) -> Outcome:
            return await self._write(tracked, observation)

        return await self._guarded(tracked, write, Lane.STATUS)

    async def look_up(self, tracked: Tracked) -> Outcome:
        """Learn from the store what others have written of a workflow."""
        return await self._guarded(tracked, self._look_up, Lane.STATUS)

    def note(self, tracked: Tracked, workflow: Workflow, *, changed: bool = True) -> Outcome:
        """Remember how a workflow is stored; one that has ended is followed no longer, but its details are wanted."""
        tracked.status = workflow.status
        tracked.revision = workflow.revision
        tracked.missing = 0
        if workflow.status.terminal and not workflow.stop_pending:
            self._active.remove(tracked)
            if workflow.details_pending:
                self._agenda.want_details(tracked)
        return Outcome.CHANGED if changed else Outcome.UNCHANGED

    async def _guarded(self, tracked: Tracked, attend: Callable[[Tracked], Awaitable[Outcome]], lane: Lane) -> Outcome:
        tracked.asked_at = self._clock()
        try:
            with calling_as(lane):
                return await attend(tracked)
        except errors.WorkflowNotFound:
            self._active.remove(tracked)
            return Outcome.SKIPPED
        except errors.VersionConflict:
            log.debug("workflow changed meanwhile", action="poll-skip", workflow_id=tracked.id)
        except errors.Unavailable as silence:
            log.warning("workflow skipped", action="poll-skip", workflow_id=tracked.id, error=silence.message)
        except Exception:  # one bad workflow must not stop the rest
            log.exception("workflow skipped", action="poll-skip", workflow_id=tracked.id)
        self._put_off_details(tracked)
        return Outcome.SKIPPED

    async def _read(self, tracked: Tracked) -> Outcome:
        workflow = await self._store.get_workflow(tracked.id)
        if workflow.stop_pending:
            stopped = await self._observer.finish_stop(workflow)
            return self.note(tracked, stopped, changed=stopped.revision != workflow.revision)
        if workflow.status.terminal and not workflow.details_pending:
            return self.note(tracked, workflow, changed=workflow.revision != tracked.revision)
        try:
            observation = await self._observer.read_history(workflow)
        except errors.ExecutionNotFound:
            return await self._attend_missing(tracked, workflow)
        recorded = await self._observer.record(tracked.id, observation, before=workflow)
        return self.note(tracked, recorded, changed=recorded.revision != workflow.revision)

    async def _describe(self, tracked: Tracked) -> Outcome:
        if tracked.status.terminal:
            return await self._read(tracked)
        try:
            observation = await self._observer.describe(tracked.execution_arn)
        except errors.ExecutionNotFound:
            return await self._attend_missing(tracked, await self._store.get_workflow(tracked.id))
        return await self._write(tracked, observation)

    async def _write(self, tracked: Tracked, observation: Observation) -> Outcome:
        if observation.status is tracked.status:
            tracked.missing = 0
            return Outcome.UNCHANGED
        recorded = await self._observer.record(tracked.id, observation, revision=tracked.revision)
        return self.note(tracked, recorded)

    async def _attend_missing(self, tracked: Tracked, workflow: Workflow) -> Outcome:
        if workflow.status.terminal:
            return await self._forget_details(tracked, workflow)
        if workflow.status is WorkflowStatus.QUEUED:
            if self._now() - workflow.last_updated < GRACE:
                return Outcome.UNCHANGED
            with calling_as(Lane.DISPATCH):
                started = await self._executor.start_queued(workflow)
            self.note(tracked, started)
            return Outcome.STARTED
        if self._now() - (workflow.started_at or workflow.last_updated) < LAG:
            return Outcome.UNCHANGED
        tracked.missing += 1
        if tracked.missing < ZOMBIE_SIGHTINGS:
            return Outcome.UNCHANGED
        ended = await self._observer.end(workflow, WorkflowStatus.FAILED, ZOMBIE_REASON)
        return self.note(tracked, ended)

    async def _forget_details(self, tracked: Tracked, workflow: Workflow) -> Outcome:
        """Give up on details that Step Functions does not have any more."""
        if not settled(workflow, self._now()):
            self._put_off_details(tracked)
            return Outcome.UNCHANGED
        updated = await self._store.update_workflow(workflow.id, {"details_pending": False}, revision=workflow.revision)
        return self.note(tracked, updated)

    def _put_off_details(self, tracked: Tracked) -> None:
        """Have the details of an ended workflow asked for again, which is not followed otherwise."""
        if tracked.status.terminal and self._active.get(tracked.id) is not tracked:
            self._agenda.put_off(tracked)

    async def _look_up(self, tracked: Tracked) -> Outcome:
        workflow = await self._store.get_workflow(tracked.id)
        if workflow.revision == tracked.revision:
            return Outcome.UNCHANGED
        return self.note(tracked, workflow)
