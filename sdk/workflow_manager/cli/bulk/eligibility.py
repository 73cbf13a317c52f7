"""Which workflows a verb can be about, and finding those that it is about."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple

from workflow_manager import errors, models
from workflow_manager.cli.options.filters import Filters
from workflow_manager.client import WorkflowFilters, WorkflowManager
from workflow_manager.statuses import ACTIVE_STATUSES, WorkflowStatus

PAGE_SIZE: Final = 1_000

_ENDINGS: Final = {
    WorkflowStatus.SUCCEEDED: "succeeded",
    WorkflowStatus.FAILED: "failed",
    WorkflowStatus.CANCELLED: "was cancelled",
}


class Eligibility(NamedTuple):
    """Which workflows a verb can be about: those of some statuses, ``usual`` unless others are asked for."""

    usual: Sequence[WorkflowStatus]
    possible: frozenset[WorkflowStatus]
    unresolved: bool = False
    """Whether those that somebody has resolved are refused."""
    spares_resolved: bool = False
    """Whether filters leave those out; one that is named is not refused."""
    spares_resumed: bool = False
    """Whether those are refused that another workflow resumes."""

    def why_not(self, workflow: models.Workflow) -> str | None:
        """Tell why the verb cannot be about a workflow; None when it can."""
        if workflow.status not in self.possible:
            return f"it {_ENDINGS.get(workflow.status, f'is {workflow.status}')}"
        if self.unresolved and workflow.resolved_by_user:
            return "it is already resolved"
        if self.spares_resumed and workflow.retries:
            return f"it was resumed before as {workflow.retries[-1]}"
        return None


ACTIVE: Final = (WorkflowStatus.QUEUED, WorkflowStatus.RUNNING)
FAILED: Final = (WorkflowStatus.FAILED,)
CANCELLABLE: Final = Eligibility(ACTIVE, ACTIVE_STATUSES)
RESOLVABLE: Final = Eligibility(FAILED, frozenset(FAILED), unresolved=True)
REFRESHABLE: Final = Eligibility(ACTIVE, frozenset(WorkflowStatus))
# What was resumed before goes on in another workflow, which fits itself if it failed as well.
RESUMABLE: Final = Eligibility(
    FAILED,
    frozenset(WorkflowStatus).difference(ACTIVE),
    spares_resolved=True,
    spares_resumed=True,
)
RESUMABLE_AGAIN: Final = RESUMABLE._replace(spares_resumed=False)


async def select(manager: WorkflowManager, filters: Filters, scope: Eligibility) -> list[models.Workflow]:
    """Return the summaries of all that fit, the oldest first; `errors.NotFound` for an unknown definition."""
    for status in filters.statuses:
        if status not in scope.possible:
            words = " or ".join(sorted(scope.possible))
            raise errors.InvalidRequest(f"This command is for workflows that are {words}, not {status}.")
    found = [
        workflow
        for status in filters.statuses or scope.usual
        async for workflow in _listed(manager, _without_resolved(filters, scope, status), status)
        if not (scope.spares_resumed and workflow.retries)
    ]
    if not found:
        await check_definition(manager, filters)
    found.sort(key=lambda workflow: (workflow.created_at, workflow.id))
    return found


def _without_resolved(filters: Filters, scope: Eligibility, status: WorkflowStatus) -> Filters:
    """Leave out what somebody has resolved; what ended without a failure counts as resolved by itself."""
    spares = (scope.unresolved or scope.spares_resolved) and status is WorkflowStatus.FAILED
    return filters._replace(resolved=False) if spares else filters


async def check_definition(manager: WorkflowManager, filters: Filters) -> None:
    """Raise `errors.DefinitionNotFound` when nothing can be found because there is no such definition."""
    if filters.definition_name is not None:
        await manager.get_definition(filters.definition_name, version=filters.version)


def query_of(
    filters: Filters, statuses: Sequence[WorkflowStatus], *, page_size: int, oldest_first: bool, summary_only: bool
) -> WorkflowFilters:
    """Return what the service is asked for; it knows no version of a definition."""
    # One status is what services of every age can list.
    return {
        "status": statuses[0] if len(statuses) == 1 else None,
        "statuses": statuses if len(statuses) > 1 else None,
        "definition_name": filters.definition_name,
        "namespace": filters.namespace,
        "queue": filters.queue,
        "tags": filters.tags,
        "created_after": filters.created_after,
        "created_before": filters.created_before,
        "resolved_by_user": filters.resolved,
        "resolved_by": filters.resolved_by,
        "oldest_first": oldest_first,
        "summary_only": summary_only,
        "omit_input": summary_only or None,
        "limit": page_size,
    }


def is_of_version(workflow: models.Workflow, version: int | None) -> bool:
    """Tell whether a workflow is one of a version of its definition; every version without one."""
    return version is None or workflow.workflow_definition.version == version


async def _listed(
    manager: WorkflowManager, filters: Filters, status: WorkflowStatus
) -> AsyncGenerator[models.Workflow, None]:
    query = query_of(filters, (status,), page_size=PAGE_SIZE, oldest_first=True, summary_only=True)
    async with aclosing(manager.iter_workflows(**query)) as found:
        async for workflow in found:
            if is_of_version(workflow, filters.version):
                yield workflow
