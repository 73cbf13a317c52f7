"""Attending to one workflow: asking about it, and giving it up."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog

from app.executor import Reconciler
from app.executor.observations import Observation, is_later, is_stale
from app.executor.sfn.quotas import Priority, with_priority
from app.executor.starter import LAG, start_window_over
from app.poller.details_queue import Details
from app.poller.dispatch.backlog import Backlog
from app.poller.schedule import PollSchedule
from app.poller.tracking import Tracked, state_machine_of
from app.store import Store
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

log = structlog.get_logger(__name__)

GRACE: Final = timedelta(seconds=5)
"""Time that the request which recorded a workflow has to start it, before the dispatcher does."""

DENIED_SECONDS: Final = 5.0
"""So long after Step Functions first denied a started execution it must deny it again before its workflow is given up:
answers lag behind, and two at the same moment are one."""

ZOMBIE_REASON: Final = "Step Functions does not know the execution any more (zombie)"

DETAIL_TRIES: Final = 8
"""Readings, some minutes in all, after which the details of an ended workflow are what they are: its history lags
behind for longer than it ever should."""


class RefreshOutcome(StrEnum):
    """The result of refreshing a workflow."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    WAITING = "waiting"
    SKIPPED = "skipped"


class WorkflowRefresher:
    """Brings single workflows up to date. Errors that are about one workflow end here: logged, and skipped."""

    def __init__(
        self,
        store: Store,
        reconciler: Reconciler,
        schedule: PollSchedule,
        details: Details,
        waiting: Backlog,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._reconciler = reconciler
        self._schedule = schedule
        self._details = details
        self._waiting = waiting
        self._now = now
        self._clock = clock
        self._heavy: OrderedDict[str, Tracked] = OrderedDict()
        """Workflows with many payloads, in the order in which they are to be read."""

    async def read(self, tracked: Tracked, *, lane: Priority = Priority.STATUS) -> RefreshOutcome:
        """Read the history of a workflow: its status and all of its details.

        Where it has many payloads that is left to ``read_heavy``, and only the status is asked for.
        """

        async def read(tracked: Tracked) -> RefreshOutcome:
            return await self._read_unless_heavy(tracked, lane)

        try:
            return await self._guarded(tracked, read, lane)
        finally:
            self._details.release(tracked)

    def next_heavy(self) -> Tracked | None:
        """Take the workflow with many payloads that waits longest to be read."""
        while self._heavy:
            _, tracked = self._heavy.popitem(last=False)
            if tracked.status.terminal or self._schedule.follows(tracked):
                return tracked
        return None

    async def read_heavy(self, tracked: Tracked) -> RefreshOutcome:
        """Read the history of a workflow with many payloads, when it is its turn; others go on meanwhile."""
        return await self._guarded(tracked, self._read_in_turn, Priority.DETAIL)

    async def describe(self, tracked: Tracked) -> RefreshOutcome:
        """Ask for the status of a workflow, its output and its reason."""
        return await self._guarded(tracked, self._describe, Priority.STATUS)

    async def record(self, tracked: Tracked, observation: Observation) -> RefreshOutcome:
        """Write what a list said of a workflow."""

        async def write(tracked: Tracked) -> RefreshOutcome:
            return await self._write(tracked, observation)

        return await self._guarded(tracked, write, Priority.STATUS)

    async def adopt(self, machine: str, workflow_id: str, observation: Observation) -> Workflow | None:
        """Take up an ended workflow again that a list shows as redriven; None when it is none of ours, or no news."""
        try:
            workflow = await self._store.get_workflow(workflow_id)
            if state_machine_of(workflow.execution_arn) != machine or not is_later(observation, workflow.redrives):
                return None
            recorded = await self._reconciler.record(workflow_id, observation, before=workflow)
        except (errors.WorkflowNotFound, errors.RecordUnreadable):
            return None
        except errors.WorkflowManagerError as trouble:
            log.warning("redrive not adopted", action="adopt-skip", workflow_id=workflow_id, error=trouble.message)
            return None
        return None if recorded.status.terminal else recorded

    async def look_up(self, tracked: Tracked) -> RefreshOutcome:
        """Learn from the store what others have written of a workflow."""
        return await self._guarded(tracked, self._look_up, Priority.STATUS)

    def note(self, tracked: Tracked, workflow: Workflow, *, changed: bool = True) -> RefreshOutcome:
        """Update the tracked state of a workflow; an ended one is no longer polled, but its details are queued."""
        tracked.status = workflow.status
        tracked.revision, tracked.redrives = workflow.revision, workflow.redrives
        self._seen(tracked)
        if workflow.status is not WorkflowStatus.QUEUED:
            self._waiting.remove(tracked.id)
        if workflow.status.terminal and not workflow.stop_pending:
            self._schedule.forget(tracked)
            if workflow.details_pending and not workflow.details_deferred:
                self._details.enqueue(tracked)
        return RefreshOutcome.CHANGED if changed else RefreshOutcome.UNCHANGED

    async def _guarded(
        self, tracked: Tracked, attend: Callable[[Tracked], Awaitable[RefreshOutcome]], lane: Priority
    ) -> RefreshOutcome:
        tracked.asked_at = self._clock()
        try:
            with with_priority(lane):
                return await attend(tracked)
        except (errors.WorkflowNotFound, errors.RecordUnreadable):
            # Once readable again, it is found in the index of active workflows.
            self._schedule.forget(tracked)
            return RefreshOutcome.SKIPPED
        except errors.VersionConflict:
            log.debug("workflow changed concurrently", action="poll-skip", workflow_id=tracked.id)
        except errors.Unavailable as silence:
            log.warning("workflow skipped", action="poll-skip", workflow_id=tracked.id, error=silence.message)
        except errors.WorkflowManagerError as refusal:
            log.error("workflow skipped", action="poll-refused", workflow_id=tracked.id, error=refusal.message)  # noqa: TRY400
        except Exception:  # one bad workflow must not stop the rest
            log.exception("workflow skipped", action="poll-skip", workflow_id=tracked.id)
        if tracked.status.terminal and not self._schedule.follows(tracked):
            self._details.defer(tracked, self._clock())
        return RefreshOutcome.SKIPPED

    def _seen(self, tracked: Tracked) -> None:
        tracked.seen_at, tracked.denied_at = self._clock(), None

    async def _read_unless_heavy(self, tracked: Tracked, lane: Priority) -> RefreshOutcome:
        if not self._reconciler.heavy(tracked.id):
            try:
                return await self._read(tracked, wait=False)
            except errors.ExecutionBusy:
                pass  # it turned out to be one of them
        self._heavy.setdefault(tracked.id, tracked)
        if tracked.status.terminal or lane is Priority.DETAIL:
            return RefreshOutcome.UNCHANGED
        return await self._describe(tracked)

    async def _read_in_turn(self, tracked: Tracked) -> RefreshOutcome:
        async with self._reconciler.turn(tracked.id):
            return await self._read(tracked)

    async def _read(self, tracked: Tracked, *, wait: bool = True) -> RefreshOutcome:
        workflow = await self._store.get_workflow(tracked.id)
        if workflow.stop_pending:
            stopped = await self._reconciler.finish_stop(workflow)
            return self.note(tracked, stopped, changed=stopped.revision != workflow.revision)
        if workflow.status.terminal and not workflow.details_pending:
            return self.note(tracked, workflow, changed=workflow.revision != tracked.revision)
        try:
            observation = await self._reconciler.read_history(workflow, wait=wait)
        except errors.ExecutionNotFound:
            return await self._attend_missing(tracked, workflow)
        if workflow.status is WorkflowStatus.QUEUED and is_stale(observation, workflow.redrives):
            return await self._attend_missing(tracked, workflow)  # its redrive, that is
        recorded = await self._reconciler.record(tracked.id, observation, before=workflow)
        if recorded.status.terminal and recorded.details_pending:
            return await self._attend_reopened(tracked, recorded, observation)
        if workflow.status.terminal and not recorded.status.terminal:
            self._schedule.track(tracked)
        return self.note(tracked, recorded, changed=recorded.revision != workflow.revision)

    async def _describe(self, tracked: Tracked) -> RefreshOutcome:
        if tracked.status.terminal:
            return await self._read(tracked)
        try:
            observation = await self._reconciler.describe(tracked.execution_arn)
        except errors.ExecutionNotFound:
            return await self._attend_missing(tracked, await self._store.get_workflow(tracked.id))
        return await self._write(tracked, observation)

    async def _write(self, tracked: Tracked, observation: Observation) -> RefreshOutcome:
        if is_stale(observation, tracked.redrives):
            if tracked.status is not WorkflowStatus.QUEUED:
                return RefreshOutcome.UNCHANGED
            return await self._attend_missing(tracked, await self._store.get_workflow(tracked.id))
        later = is_later(observation, tracked.redrives)
        if observation.status is tracked.status and not later:
            self._seen(tracked)
            return RefreshOutcome.UNCHANGED
        recorded = await self._reconciler.record(
            tracked.id,
            observation,
            revision=None if later else tracked.revision,
            defer_details=self._details.full,
            resumes=tracked.resumes,
        )
        return self.note(tracked, recorded)

    async def _attend_missing(self, tracked: Tracked, workflow: Workflow) -> RefreshOutcome:
        """Attend to a workflow whose execution Step Functions does not know, or not yet, or not any more."""
        moment = self._now()
        if workflow.status.terminal:
            return await self._attend_forgotten(tracked, workflow)
        if workflow.status is WorkflowStatus.QUEUED:
            if moment - workflow.last_updated < GRACE:
                return RefreshOutcome.UNCHANGED
            self._schedule.forget(tracked)
            self._waiting.add(workflow)
            return RefreshOutcome.WAITING
        if moment - (workflow.started_at or workflow.last_updated) < LAG:
            return RefreshOutcome.UNCHANGED
        tracked.denied_at = tracked.denied_at or self._clock()
        if self._clock() - tracked.denied_at < DENIED_SECONDS:
            return RefreshOutcome.UNCHANGED
        ended = await self._reconciler.end(workflow, WorkflowStatus.FAILED, ZOMBIE_REASON)
        return self.note(tracked, ended)

    async def _attend_forgotten(self, tracked: Tracked, workflow: Workflow) -> RefreshOutcome:
        """Give up on details that Step Functions does not have any more."""
        if workflow.stop_pending:
            return await self._read(tracked)
        if not start_window_over(workflow, self._now()):
            self._details.defer(tracked, self._clock())
            return RefreshOutcome.UNCHANGED
        updated = await self._store.update_workflow(workflow.id, {"details_pending": False}, revision=workflow.revision)
        return self.note(tracked, updated)

    async def _attend_reopened(self, tracked: Tracked, workflow: Workflow, observation: Observation) -> RefreshOutcome:
        """Handle an ended workflow whose history has no end: the history lags behind, or the run was redriven."""
        tracked.status, tracked.revision = workflow.status, workflow.revision
        self._schedule.forget(tracked)
        if tracked.tries < DETAIL_TRIES:
            self._details.defer(tracked, self._clock())
            return RefreshOutcome.UNCHANGED
        return self.note(tracked, await self._reconciler.settle_details(workflow, observation))

    async def _look_up(self, tracked: Tracked) -> RefreshOutcome:
        workflow = await self._store.get_workflow(tracked.id)
        if workflow.revision == tracked.revision:
            return RefreshOutcome.UNCHANGED
        return self.note(tracked, workflow)
