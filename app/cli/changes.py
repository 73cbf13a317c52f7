"""The verbs ``cancel``, ``resume``, ``resolve`` and ``refresh``: for one workflow, or for many."""

import asyncio
from collections.abc import Iterator
from typing import Annotated

import typer

from app import errors, models
from app.cli.bulk import Bulk, Deed, run_bulk
from app.cli.exits import ExitCode
from app.cli.follow import follow
from app.cli.lines import note
from app.cli.options import FollowOption, Format, TimeoutOption
from app.cli.output import write_document, write_table
from app.cli.selection import Choice, Scope, with_choice
from app.cli.tables import WORKFLOW_COLUMNS
from app.client import WorkflowManager

ACTIVE = (models.WorkflowStatus.QUEUED, models.WorkflowStatus.RUNNING)
FAILED = (models.WorkflowStatus.FAILED,)
CANCELLABLE = Scope(ACTIVE, frozenset(ACTIVE))
RESOLVABLE = Scope(FAILED, frozenset(FAILED), unresolved=True)
REFRESHABLE = Scope(ACTIVE, frozenset(models.WorkflowStatus))
# What was resumed before goes on in another workflow, which fits itself if it failed as well.
RESUMABLE = Scope(FAILED, frozenset(models.WorkflowStatus).difference(ACTIVE), fits=lambda found: not found.retries)


@with_choice
def cancel(
    choice: Choice,
    *,
    reason: Annotated[str, typer.Option(help="Why; shown as the reason of its status.")] = "",
) -> ExitCode:
    """Stop a workflow, or many.

    With filters instead of an ID: all queued and running workflows that fit.
    """

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str) -> str:
        await manager.cancel_workflow(workflow_id, reason=reason)
        return "cancelled"

    if choice.workflow_id is not None:
        return _do_one(choice.workflow_id, deed, done_word="Cancelled", url=choice.url)
    return run_bulk(Bulk("cancel", "cancelled", CANCELLABLE, deed, choice))


@with_choice
def resume(
    choice: Choice,
    *,
    start_at: Annotated[
        str | None, typer.Option(metavar="STATE", help="State to go on from; without it, the one that failed.")
    ] = None,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Start a workflow, or many, anew from one of its states.

    The new workflow gets the input that the state had last. With filters instead of an ID: all failed workflows that
    fit and were not resumed before.
    """

    async def deed(manager: WorkflowManager, workflow_id: str, key: str) -> str:
        state = start_at or await _state_that_failed(manager, workflow_id)
        resumed = await manager.resume_workflow(workflow_id, start_at=state, idempotency_key=key)
        return f"resumed at {state} as {resumed.id}"

    if choice.workflow_id is not None:
        return asyncio.run(_resume(choice, choice.workflow_id, start_at, watch=follow_it, timeout_seconds=timeout))
    if follow_it:
        raise errors.InvalidRequest("--follow needs the id of one workflow.")
    return run_bulk(Bulk("resume", "resumed", RESUMABLE, deed, choice))


@with_choice
def resolve(choice: Choice) -> ExitCode:
    """Mark a failed workflow, or many, as needing no more attention.

    With filters instead of an ID: all failed workflows that fit and are not resolved.
    """

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str) -> str:
        await manager.resolve_workflow(workflow_id)
        return "resolved"

    if choice.workflow_id is not None:
        return _do_one(choice.workflow_id, deed, done_word="Resolved", url=choice.url)
    return run_bulk(Bulk("resolve", "resolved", RESOLVABLE, deed, choice))


@with_choice
def refresh(choice: Choice) -> ExitCode:
    """Ask Step Functions for the present state of a workflow, or of many.

    With filters instead of an ID: all queued and running workflows that fit.
    """

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str) -> str:
        return (await manager.get_workflow(workflow_id, fetch_history=True)).status.value

    if choice.workflow_id is not None:
        return asyncio.run(_refresh(choice, choice.workflow_id))
    return run_bulk(Bulk("refresh", "refreshed", REFRESHABLE, deed, choice))


def _do_one(workflow_id: str, deed: Deed, *, done_word: str, url: str) -> ExitCode:
    async def do() -> None:
        async with WorkflowManager(url) as manager:
            await deed(manager, workflow_id, "")

    asyncio.run(do())
    note(f"{done_word} {workflow_id}.")
    return ExitCode.OK


async def _resume(
    choice: Choice, workflow_id: str, start_at: str | None, *, watch: bool, timeout_seconds: float | None
) -> ExitCode:
    async with WorkflowManager(choice.url) as manager:
        state = start_at or await _state_that_failed(manager, workflow_id)
        resumed = await manager.resume_workflow(workflow_id, start_at=state)
        if watch:
            return await follow(
                manager, resumed.id, output=choice.output, url=choice.url, timeout_seconds=timeout_seconds
            )
    return _write(resumed, output=choice.output)


async def _refresh(choice: Choice, workflow_id: str) -> ExitCode:
    async with WorkflowManager(choice.url) as manager:
        refreshed = await manager.get_workflow(workflow_id, fetch_history=True)
    return _write(refreshed, output=choice.output)


def _write(workflow: models.Workflow, *, output: Format) -> ExitCode:
    if output is Format.TABLE:
        write_table([workflow], WORKFLOW_COLUMNS)
    else:
        write_document(workflow, output=output)
    return ExitCode.OK


async def _state_that_failed(manager: WorkflowManager, workflow_id: str) -> str:
    """Return where to go on: the last state, or the outermost Parallel or Map around it."""
    workflow = await manager.get_workflow(workflow_id, fetch_history=True)
    if workflow.last_job is None:
        raise errors.InvalidRequest(f"Workflow {workflow_id} never entered a state; name one with --start-at.")
    *_, outermost = _outwards(workflow.last_job, workflow.jobs)
    return outermost.state


def _outwards(job: models.Job, jobs: tuple[models.Job, ...]) -> Iterator[models.Job]:
    by_id = {each.id: each for each in jobs}
    around: models.Job | None = job
    while around is not None:
        yield around
        around = by_id.get(around.parent or "")
