"""Which workflows a verb accepts, and selecting them by filters."""

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
    """The workflows that a verb accepts; filters select ``default_statuses`` unless --status is given."""

    default_statuses: Sequence[WorkflowStatus]
    allowed: frozenset[WorkflowStatus]
    unresolved: bool = False
    """Whether resolved workflows are refused."""
    excludes_resolved: bool = False
    """Whether filters skip resolved workflows; one given by its id is accepted."""
    refuses_resumed: bool = False
    """Whether workflows that were resumed before are refused."""

    def refusal_reason(self, workflow: models.Workflow) -> str | None:
        """Return why the verb does not accept a workflow; None if it does."""
        if workflow.status not in self.allowed:
            return f"it {_ENDINGS.get(workflow.status, f'is {workflow.status}')}"
        if self.unresolved and workflow.resolved_by_user:
            return "it is already resolved"
        if self.refuses_resumed and workflow.retries:
            return f"it was resumed before as {workflow.retries[-1]}"
        return None


ACTIVE: Final = (WorkflowStatus.QUEUED, WorkflowStatus.RUNNING)
FAILED: Final = (WorkflowStatus.FAILED,)
CANCELLABLE: Final = Eligibility(ACTIVE, ACTIVE_STATUSES)
RESOLVABLE: Final = Eligibility(FAILED, frozenset(FAILED), unresolved=True)
REFRESHABLE: Final = Eligibility(ACTIVE, frozenset(WorkflowStatus))
# A resumed workflow continues in its retry, which is eligible itself if it failed too.
RESUMABLE: Final = Eligibility(
    FAILED,
    frozenset(WorkflowStatus).difference(ACTIVE),
    excludes_resolved=True,
    refuses_resumed=True,
)
RECOVERABLE: Final = Eligibility(
    FAILED, frozenset({WorkflowStatus.FAILED, WorkflowStatus.CANCELLED}), excludes_resolved=True
)
RESUMABLE_AGAIN: Final = RESUMABLE._replace(refuses_resumed=False)


async def select(manager: WorkflowManager, filters: Filters, eligibility: Eligibility) -> list[models.Workflow]:
    """Return summaries of all matching workflows, oldest first; `errors.NotFound` for an unknown definition."""
    for status in filters.statuses:
        if status not in eligibility.allowed:
            words = " or ".join(sorted(eligibility.allowed))
            raise errors.InvalidRequest(f"This command is for workflows that are {words}, not {status}.")
    found = [
        workflow
        for status in filters.statuses or eligibility.default_statuses
        async for workflow in _listed(manager, _without_resolved(filters, eligibility, status), status)
        if not (eligibility.refuses_resumed and workflow.retries)
    ]
    if not found:
        await check_definition(manager, filters)
    found.sort(key=lambda workflow: (workflow.created_at, workflow.id))
    return found


def _without_resolved(filters: Filters, eligibility: Eligibility, status: WorkflowStatus) -> Filters:
    """Skip resolved workflows; the service counts those that ended without a failure as resolved too."""
    spares = (eligibility.unresolved or eligibility.excludes_resolved) and status is WorkflowStatus.FAILED
    return filters._replace(resolved=False) if spares else filters


async def check_definition(manager: WorkflowManager, filters: Filters) -> None:
    """Raise `errors.DefinitionNotFound` if the filters name a definition that does not exist."""
    if filters.definition_name is not None:
        await manager.get_definition(filters.definition_name, version=filters.version)


def query_of(
    filters: Filters, statuses: Sequence[WorkflowStatus], *, page_size: int, oldest_first: bool, summary_only: bool
) -> WorkflowFilters:
    """Return the filters that the service understands; it cannot filter by version."""
    # Older services can filter by one status only.
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
        "fingerprint": filters.fingerprint,
        "oldest_first": oldest_first,
        "summary_only": summary_only,
        "omit_input": summary_only or None,
        "limit": page_size,
    }


def is_of_version(workflow: models.Workflow, version: int | None) -> bool:
    """Return whether a workflow runs this version of its definition; None matches every version."""
    return version is None or workflow.workflow_definition.version == version


async def _listed(
    manager: WorkflowManager, filters: Filters, status: WorkflowStatus
) -> AsyncGenerator[models.Workflow, None]:
    query = query_of(filters, (status,), page_size=PAGE_SIZE, oldest_first=True, summary_only=True)
    async with aclosing(manager.iter_workflows(**query)) as found:
        async for workflow in found:
            if is_of_version(workflow, filters.version):
                yield workflow
