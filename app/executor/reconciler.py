"""Keeping the store in line with what Step Functions says about runs."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog

from app.executor import lineage, observations
from app.executor.history import last_job
from app.executor.history.payloads import DEFAULT_BYTES
from app.executor.lru_cache import LRUCache
from app.executor.observations import Observation
from app.executor.sfn.history_reader import HistoryReader
from app.executor.starter import start_window_over
from app.store import Store, WorkflowChanges
from workflow_manager import errors
from workflow_manager.models import Job, Workflow, WorkflowStatus, is_resolved

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger(__name__)

MAX_TRIES: Final = 5
"""Writes of one observation that may lose to other writers before it is left to the next one."""

MAX_REMEMBERED: Final = 10_000
"""Workflows of which is remembered when they were asked about; that matters for a second."""

TOO_LATE_REASON: Final = "Its execution had just started, and {} before it could be stopped"


class Reconciler:
    """Asks Step Functions about runs, and writes the answers.

    Writing is idempotent: the same answer twice, or from two replicas, gives the same stored state.
    """

    def __init__(
        self, sfn: "SFNClient", store: Store, *, now: Callable[[], datetime], payload_bytes: int = DEFAULT_BYTES
    ) -> None:
        self._sfn = sfn
        self._store = store
        self._histories = HistoryReader(sfn, payload_bytes=payload_bytes)
        self._now = now
        self._asked_at: LRUCache[str, datetime] = LRUCache(MAX_REMEMBERED)

    def asked_at(self, workflow_id: str) -> datetime | None:
        """Return when this process last had an answer about an active workflow."""
        return self._asked_at.get(workflow_id)

    async def observe(self, workflow: Workflow, *, cancelled_by: str | None = None) -> Workflow:
        """Bring a workflow up to date from its history: status, output, reason and jobs.

        Nothing is written when nothing changed. ``cancelled_by`` is who has just stopped it. Raises
        ``ExecutionNotFound`` and ``Unavailable``.
        """
        if workflow.status.terminal and not workflow.details_pending:
            return workflow
        observation = await self.read_history(workflow)
        return await self.record(workflow.id, observation, before=workflow, cancelled_by=cancelled_by)

    async def read_history(self, workflow: Workflow, *, wait: bool = True) -> Observation:
        """Read the history of a run. Raises ``ExecutionNotFound`` when Step Functions has forgotten it.

        Without ``wait``, raises ``ExecutionBusy`` instead of waiting for the turn of a run with many payloads.
        """
        return await self._histories.read(workflow, wait=wait)

    def heavy(self, workflow_id: str) -> bool:
        """Tell whether a run is known to have many payloads; such runs are refreshed one at a time."""
        return self._histories.heavy(workflow_id)

    def weigh(self, workflow: Workflow) -> None:
        """Learn from what is stored of a run whether it has many payloads."""
        self._histories.weigh(workflow)

    def busy(self, workflow_id: str) -> bool:
        """Tell whether a run would have to wait for its turn."""
        return self._histories.busy(workflow_id)

    def turn(self, workflow_id: str) -> AbstractAsyncContextManager[object]:
        """Wait for the turn of a run to be refreshed; of those with many payloads one is held at a time."""
        return self._histories.turn(workflow_id)

    async def read_job(self, workflow: Workflow, job_id: str) -> Job | None:
        """Read one job of a run with all of its payloads. Raises ``ExecutionNotFound``, ``Unavailable``."""
        observation = await self._histories.read_payloads(workflow, {int(job_id)})
        return next((job for job in observation.jobs or () if job.id == job_id), None)

    async def read_for_resume(self, workflow: Workflow, state: str) -> tuple[Job, ...]:
        """Read the jobs of a run, with the input and the variables that a state was entered with last."""
        return (await self._histories.read_for_resume(workflow, state)).jobs or ()

    async def describe(self, execution_arn: str) -> Observation:
        """Ask for everything but the jobs. Raises ``ExecutionNotFound`` and ``Unavailable``."""
        return observations.from_description(await self._sfn.describe_execution(executionArn=execution_arn))

    async def look(self, workflow: Workflow) -> Workflow:
        """Ask whether the run of an ended workflow was redriven, and take it up again if so.

        Raises ``ExecutionNotFound``, ``Unavailable``, ``VersionConflict``.
        """
        observation = await self.describe(workflow.execution_arn)
        if not observations.is_later(observation, workflow.redrives):
            return workflow
        return await self.record(workflow.id, observation, before=workflow)

    async def record(
        self,
        workflow_id: str,
        observation: Observation,
        *,
        before: Workflow | None = None,
        revision: int | None = None,
        defer_details: bool = False,
        resumes: bool = False,
        cancelled_by: str | None = None,
    ) -> Workflow:
        """Write what was observed, and return the workflow as it is then.

        ``before`` is the workflow as it was read; of one that was not read, ``revision`` is known, that it was redriven
        as often as was observed, and whether it ``resumes`` another one: when it succeeded, all that it resumes is
        resolved first. What failed is read, as its fingerprint needs its definition. Whatever was written meanwhile is
        kept: a terminal status stays unless the run was redriven, and only its missing details are filled in. With
        ``defer_details`` those of a workflow that succeeded are not waited for. Raises ``WorkflowNotFound``.
        """
        failed = observation.status is WorkflowStatus.FAILED and observation.jobs is not None
        resolves = resumes and observation.status is WorkflowStatus.SUCCEEDED
        if before is None and (revision is None or resolves or failed):
            before = await self._store.get_workflow(workflow_id)
        for _ in range(MAX_TRIES):
            try:
                return await self._write(
                    workflow_id,
                    observation,
                    before,
                    revision,
                    defer_details=defer_details,
                    cancelled_by=cancelled_by,
                )
            except errors.VersionConflict:
                before = await self._store.get_workflow(workflow_id)
        raise errors.VersionConflict

    async def end(
        self,
        workflow: Workflow,
        status: WorkflowStatus,
        reason: str,
        *,
        stop_pending: bool = False,
        cancelled_by: str | None = None,
    ) -> Workflow:
        """End a workflow that has no execution to ask about. Raises ``VersionConflict`` when it changed meanwhile.

        With ``stop_pending`` it stays among the active ones until ``finish_stop`` is sure that nothing runs.
        """
        moment = self._now()
        changes: WorkflowChanges = {
            "status": status,
            "status_reason": reason,
            "stopped_at": moment,
            "last_updated": moment,
            "observed_at": moment,
            "resolved_by_user": is_resolved(status),
        }
        if status is WorkflowStatus.FAILED:
            changes |= observations.fingerprint_changes(workflow, {**changes, "jobs": ()})
        if stop_pending:
            changes["stop_pending"] = True
        if workflow.status is WorkflowStatus.QUEUED and workflow.redrives:
            changes["redrives"] = workflow.redrives - 1  # the last one was never observed
        if cancelled_by is not None:
            changes["cancelled_by"] = cancelled_by
        ended = await self._store.update_workflow(workflow.id, changes, revision=workflow.revision)
        self._note(ended, previous=workflow.status)
        return ended

    async def finish_stop(self, workflow: Workflow) -> Workflow:
        """Stop what may have started while its workflow was cancelled; nothing is left to do once it cannot start.

        Raises ``Unavailable``, and ``VersionConflict`` when another process does the same.
        """
        try:
            await self._sfn.stop_execution(executionArn=workflow.execution_arn, cause=workflow.status_reason or "")
        except errors.ExecutionNotFound:
            if not start_window_over(workflow, self._now()):
                return workflow
            return await self._store.update_workflow(workflow.id, {"stop_pending": False}, revision=workflow.revision)
        try:
            observation = await self.read_history(workflow)
        except errors.ExecutionNotFound:
            return workflow  # it was there a moment ago: the history lags behind
        redriven = workflow.redriven_at is not None
        if not observation.status.terminal or (redriven and not start_window_over(workflow, self._now())):
            return workflow  # or a redrive may still be made
        # All that was observed is written: nothing is known of the run yet, whatever is stored.
        changes = observations.changes(observations.within(workflow, observation), before=None, now=self._now())
        changes["stop_pending"] = False
        if observations.is_later(observation, workflow.redrives):
            changes["redrives"] = observation.redrives or 0
        elif observation.status is not workflow.status and not redriven:
            too_late = TOO_LATE_REASON.format(observation.status)
            changes["status_reason"] = "\n".join(filter(None, (workflow.status_reason, too_late)))
        return await self._store.update_workflow(workflow.id, changes, revision=workflow.revision)

    async def settle_details(self, workflow: Workflow, observation: Observation) -> Workflow:
        """Write that there are no more details of an ended workflow than were observed. Raises ``VersionConflict``."""
        jobs = observation.jobs or ()
        changes: WorkflowChanges = {
            "jobs": jobs,
            "last_job": last_job(jobs, status=workflow.status),
            "details_pending": False,
        }
        changes |= observations.fingerprint_changes(workflow, changes)
        return await self._store.update_workflow(workflow.id, changes, revision=workflow.revision)

    async def _write(
        self,
        workflow_id: str,
        observation: Observation,
        before: Workflow | None,
        revision: int | None,
        *,
        defer_details: bool,
        cancelled_by: str | None,
    ) -> Workflow:
        if before is not None:
            revision = before.revision
            news = observations.against(before, observation)
            if news is None:
                return before
            observation = news
        changes = observations.changes(observation, before=before, now=self._now())
        if cancelled_by is not None and observation.status is WorkflowStatus.CANCELLED:
            # Also when the poller saw the end first: it does not know who stopped the run.
            changes["cancelled_by"] = cancelled_by
        if before is not None and changes and observation.status is WorkflowStatus.SUCCEEDED:
            # Before the write: after a crash in between, the next observation repeats it.
            await self._resolve_resumed(before)
        if before is not None and not changes:
            self._note(before, previous=before.status)
            return before
        if defer_details and changes.get("details_pending") and changes["status"] is WorkflowStatus.SUCCEEDED:
            changes["details_deferred"] = True
        changed = await self._store.update_workflow(workflow_id, changes, revision=revision or 0)
        self._note(changed, previous=before.status if before else None)
        return changed

    async def _resolve_resumed(self, retry: Workflow) -> None:
        """Resolve every failure that a workflow resumes, over generations: it has succeeded."""
        _, *resumed = await lineage.ancestors(self._store, retry)
        for original in resumed:
            try:
                await self._resolve(original, retry.id)
            except (errors.WorkflowNotFound, errors.RecordUnreadable) as gone:
                # It must not keep the success of its retry from being written.
                log.warning("workflow not resolved", action="resolve", workflow_id=original.id, error=gone.message)

    async def _resolve(self, original: Workflow, retry_id: str) -> None:
        for _ in range(MAX_TRIES):
            if original.status is not WorkflowStatus.FAILED or original.resolved_by_user:
                return
            try:
                await self._store.update_workflow(
                    original.id,
                    {"resolved_by_user": True, "resolved_by": retry_id, "last_updated": self._now()},
                    revision=original.revision,
                )
            except errors.VersionConflict:
                original = await self._store.get_workflow(original.id)
                continue
            log.info("workflow resolved", action="resolve", workflow_id=original.id, resolved_by=retry_id)
            return
        raise errors.VersionConflict

    def _note(self, workflow: Workflow, *, previous: WorkflowStatus | None) -> None:
        if not workflow.status.terminal:
            self._asked_at.put(workflow.id, self._now())
        if workflow.status is not previous:
            log.info(
                "workflow status changed",
                action="workflow-status",
                workflow_id=workflow.id,
                status=workflow.status.value,
                reason=workflow.status_reason,
            )
