"""The lineage of a workflow: the workflows that it resumes, and those that resume it."""

from collections.abc import Sequence
from typing import Final

from app.store import Store
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

MAX_GENERATIONS: Final = 50
"""Ancestors that a resume takes part with; one transaction of DynamoDB has room for 100 items."""


async def refuse_while_active(store: Store, workflow: Workflow) -> None:
    """Raise ``WorkflowActive`` when a workflow or another one of its lineage has not ended.

    All of them do the same work; one that ended can run again after a redrive. Raises ``AlreadyResumed`` for one that
    resumes this workflow.
    """
    still = "workflow {} is still {}; cancel it or wait for its end"
    if (state := _activity(workflow)) is not None:
        raise errors.WorkflowActive(still.format(workflow.id, state))
    own, others = await _kin(store, workflow)
    for member in filter(_activity, own):
        raise errors.AlreadyResumed(still.format(member.id, _activity(member)), retry=member.id)
    for member in filter(_activity, others):
        sentence = still.format(member.id, _activity(member))
        raise errors.WorkflowActive(f"{sentence}: it does the work of workflow {workflow.id}")


async def refuse_succeeded(store: Store, workflow: Workflow) -> None:
    """Raise ``NotRecoverable`` when another workflow of the lineage has succeeded, which has done the work.

    Raises ``AlreadyResumed`` for one that resumes this workflow.
    """
    own, others = await _kin(store, workflow)
    for member in own:
        if member.status is WorkflowStatus.SUCCEEDED:
            raise errors.AlreadyResumed(
                f"workflow {workflow.id} was resumed before as {member.id}, which succeeded; to do its work again, "
                "use force",
                retry=member.id,
            )
    for member in others:
        if member.status is WorkflowStatus.SUCCEEDED:
            raise errors.NotRecoverable(
                f"workflow {member.id} has done the work of workflow {workflow.id}; to do it again, use force"
            )


async def active_relative(store: Store, workflow: Workflow) -> Workflow | None:
    """Return another workflow of the lineage that has not ended, if there is one."""
    own, others = await _kin(store, workflow)
    return next(filter(_activity, (*own, *others)), None)


def _activity(workflow: Workflow) -> str | None:
    if workflow.stop_pending:
        return "being stopped"
    return None if workflow.status.terminal else workflow.status.value


async def _kin(store: Store, workflow: Workflow) -> tuple[list[Workflow], list[Workflow]]:
    """Return what resumes a workflow, over generations, and the others of its lineage."""
    own = await _descendants(store, workflow)
    first = (await ancestors(store, workflow))[-1]
    if first is workflow:
        return own, []
    known = {workflow.id, *(member.id for member in own)}
    return own, [member for member in (first, *await _descendants(store, first)) if member.id not in known]


async def _descendants(store: Store, workflow: Workflow) -> list[Workflow]:
    """Return what resumes a workflow, over generations."""
    found: list[Workflow] = []
    waiting = list(workflow.retries)
    while waiting:
        for member in await _present(store, (waiting.pop(),)):
            found.append(member)
            waiting.extend(member.retries)
    return found


async def refuse_resumed(store: Store, workflow: Workflow) -> None:
    """Raise ``AlreadyResumed``, with the last retry, when a workflow has been resumed."""
    if not workflow.retries:
        return
    retry = workflow.retries[-1]
    found = await _present(store, (retry,))
    state = f", whose status is {found[0].status.value}" if found else ""
    raise errors.AlreadyResumed(
        f"workflow {workflow.id} was resumed before as {retry}{state}; to resume it again, use force",
        retry=retry,
    )


async def ancestors(store: Store, workflow: Workflow) -> Sequence[Workflow]:
    """Return a workflow and what it resumes, the direct one first."""
    line = [workflow]
    while line[-1].retry_for is not None and len(line) < MAX_GENERATIONS:
        try:
            found = await _present(store, (line[-1].retry_for,))
        except errors.RecordUnreadable:
            break  # an ancestor that cannot be read cannot be changed either
        if not found:
            break
        line.extend(found)
    return line


async def _present(store: Store, workflow_ids: Sequence[str]) -> list[Workflow]:
    found = []
    for workflow_id in workflow_ids:
        try:
            found.append(await store.get_workflow(workflow_id))
        except errors.WorkflowNotFound:
            continue  # older than the retention
    return found
