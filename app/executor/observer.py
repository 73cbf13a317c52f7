"""Observing executions: what Step Functions says now becomes the state of the workflow."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog

from app import errors
from app.executor import history, reasons
from app.models import Job, Workflow, WorkflowStatus, is_resolved, to_milliseconds
from app.store import Store, WorkflowChanges

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient
    from types_aiobotocore_stepfunctions.type_defs import DescribeExecutionOutputTypeDef, HistoryEventTypeDef

log = structlog.get_logger(__name__)

HISTORY_PAGE_EVENTS: Final = 1_000
"""Largest page of GetExecutionHistory."""

STATUSES: Final = {
    "PENDING_REDRIVE": WorkflowStatus.RUNNING,
    "RUNNING": WorkflowStatus.RUNNING,
    "SUCCEEDED": WorkflowStatus.SUCCEEDED,
    "FAILED": WorkflowStatus.FAILED,
    "TIMED_OUT": WorkflowStatus.FAILED,
    "ABORTED": WorkflowStatus.CANCELLED,
}
"""Status of an execution to status of its workflow."""

MAX_TRIES: Final = 5
"""Writes of one observation that may lose to other writers before it is left to the next one."""


class Observer:
    """Asks Step Functions about workflows and keeps the store in line with the answers."""

    def __init__(self, sfn: "SFNClient", store: Store, *, now: Callable[[], datetime]) -> None:
        self._sfn = sfn
        self._store = store
        self._now = now
        self._asked_at: dict[str, datetime] = {}

    def asked_at(self, workflow_id: str) -> datetime | None:
        """Return when this process last had an answer about an active workflow."""
        return self._asked_at.get(workflow_id)

    async def observe(self, workflow: Workflow) -> Workflow:
        """Bring a workflow up to date: status, output, cause and jobs; nothing is written when nothing changed.

        Raises ``ExecutionNotFound`` and ``Unavailable``.
        """
        if workflow.status.terminal:
            return workflow
        answer = await self._sfn.describe_execution(executionArn=workflow.execution_arn)
        jobs = history.fold(
            await self._events(workflow.execution_arn), state_machine=workflow.workflow_definition.state_machine
        )
        self._asked_at[workflow.id] = self._now()
        observed = await self._write(workflow, answer, jobs)
        if observed.status.terminal:
            self._asked_at.pop(workflow.id, None)
        return observed

    async def jobs(self, workflow: Workflow) -> tuple[Job, ...]:
        """Fold the whole history of a run. Raises ``ExecutionNotFound`` when Step Functions has forgotten it."""
        events = await self._events(workflow.execution_arn)
        return history.fold(events, state_machine=workflow.workflow_definition.state_machine)

    async def end(self, workflow: Workflow, status: WorkflowStatus, reason: str) -> Workflow:
        """End a workflow that has no execution to ask about. Raises ``VersionConflict`` when it changed meanwhile."""
        moment = self._now()
        changes: WorkflowChanges = {
            "status": status,
            "status_reason": reason,
            "stopped_at": moment,
            "last_updated": moment,
            "observed_at": moment,
            "resolved_by_user": workflow.resolved_by_user or is_resolved(status),
        }
        ended = await self._store.update_workflow(workflow.id, changes, revision=workflow.revision)
        self._asked_at.pop(workflow.id, None)
        _log_change(workflow, ended)
        return ended

    async def _events(self, execution_arn: str) -> "list[HistoryEventTypeDef]":
        events: list[HistoryEventTypeDef] = []
        page = await self._sfn.get_execution_history(executionArn=execution_arn, maxResults=HISTORY_PAGE_EVENTS)
        events.extend(page["events"])
        while token := page.get("nextToken"):
            page = await self._sfn.get_execution_history(
                executionArn=execution_arn, maxResults=HISTORY_PAGE_EVENTS, nextToken=token
            )
            events.extend(page["events"])
        return events

    async def _write(
        self, workflow: Workflow, answer: "DescribeExecutionOutputTypeDef", jobs: tuple[Job, ...]
    ) -> Workflow:
        for _ in range(MAX_TRIES):
            changes = self._changes(workflow, answer, jobs)
            if workflow.status.terminal or not changes:
                return workflow
            try:
                changed = await self._store.update_workflow(workflow.id, changes, revision=workflow.revision)
            except errors.VersionConflict:
                workflow = await self._store.get_workflow(workflow.id)
                continue
            _log_change(workflow, changed)
            return changed
        return workflow

    def _changes(
        self, workflow: Workflow, answer: "DescribeExecutionOutputTypeDef", jobs: tuple[Job, ...]
    ) -> WorkflowChanges:
        status = STATUSES[answer["status"]]
        if status is workflow.status and jobs == workflow.jobs:
            return {}
        moment = self._now()
        changes: WorkflowChanges = {
            "status": status,
            "started_at": to_milliseconds(answer["startDate"]),
            "jobs": jobs,
            "last_job": history.last_job(jobs, status=status),
            "last_updated": moment,
            "observed_at": moment,
        }
        if status.terminal:
            changes["stopped_at"] = to_milliseconds(answer["stopDate"])
            changes["status_reason"] = reasons.status_reason(answer)
            changes["output"] = answer.get("output")
            changes["resolved_by_user"] = workflow.resolved_by_user or is_resolved(status)
        return changes


def _log_change(before: Workflow, after: Workflow) -> None:
    if before.status is not after.status:
        log.info(
            "workflow is " + after.status,
            action="workflow-status",
            workflow_id=after.id,
            status=after.status,
            reason=after.status_reason,
        )
