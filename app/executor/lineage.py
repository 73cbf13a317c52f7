"""The lineage of a workflow: the workflows that it resumes, and those that resume it."""

from collections.abc import Sequence
from typing import Final

from app.store import Store
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

MAX_GENERATIONS: Final = 50
"""Ancestors that a resume takes part with; one transaction of DynamoDB has room for 100 items."""


async def refuse_while_active(store: Store, workflow: Workflow) -> None:
    """Raise ``WorkflowActive`` when a workflow has not ended, ``AlreadyResumed`` when what resumes it has not."""
    lineage = [workflow]
    while lineage:
        member = lineage.pop()
        if not member.status.terminal or member.stop_pending:
            state = "being stopped" if member.stop_pending else member.status.value
            sentence = f"workflow {member.id} is still {state}; cancel it or wait for its end"
            if member is workflow:
                raise errors.WorkflowActive(sentence)
            raise errors.AlreadyResumed(sentence, retry=member.id)
        lineage.extend(await _present(store, member.retries))


async def refuse_succeeded(store: Store, workflow: Workflow) -> None:
    """Raise ``AlreadyResumed`` when what resumes a workflow, over generations, has succeeded."""
    found = await _present(store, workflow.retries)
    while found:
        member = found.pop()
        if member.status is WorkflowStatus.SUCCEEDED:
            raise errors.AlreadyResumed(
                f"workflow {workflow.id} was resumed before as {member.id}, which succeeded; to do its work again, "
                "use force",
                retry=member.id,
            )
        found += await _present(store, member.retries)


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
