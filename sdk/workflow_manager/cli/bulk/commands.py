"""The verbs ``cancel``, ``resume``, ``resolve`` and ``refresh``, for one workflow or many."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from workflow_manager import errors
from workflow_manager.cli.bulk.selection import Selection, with_selection
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import FollowOption, Format, TimeoutOption
from workflow_manager.cli.options.completion import complete_state
from workflow_manager.cli.output.console import note
from workflow_manager.cli.workflows.follow import FollowOptions, follow, read_follow_options
from workflow_manager.statuses import WorkflowStatus

if TYPE_CHECKING:
    from workflow_manager import models
    from workflow_manager.cli.bulk.runner import Bulk
    from workflow_manager.client import WorkflowManager


@with_selection
def cancel(
    selection: Selection,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it is cancelled; shown with its status.")] = "",
) -> ExitCode:
    """Cancel one or more workflows.

    With filters instead of ids: all matching queued and running workflows.
    """
    from workflow_manager.cli.bulk.eligibility import CANCELLABLE
    from workflow_manager.cli.bulk.runner import Bulk

    async def action(manager: "WorkflowManager", workflow_id: str, _key: str, _state: str | None) -> str:
        await manager.cancel_workflow(workflow_id, reason=reason)
        return "cancelled"

    return _run(Bulk("cancel", "cancelled", CANCELLABLE, action, selection))


@with_selection
def resume(
    selection: Selection,
    *,
    start_at: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help="State to resume from; default: the state that failed.",
            autocompletion=complete_state,
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Resume even if it was resumed before.")] = False,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Resume one or more ended workflows from one of their states.

    A new workflow starts with the input and the variables that the state last had. A workflow that was resumed before
    needs --again, one that succeeded --start-at. When the new workflow succeeds, the failed one counts as resolved.
    With filters instead of ids: all matching failed workflows that were neither resumed nor resolved before.
    """
    from workflow_manager import models
    from workflow_manager.cli.bulk.eligibility import RESUMABLE, RESUMABLE_AGAIN
    from workflow_manager.cli.bulk.runner import Bulk, run_bulk
    from workflow_manager.cli.options.client import call
    from workflow_manager.client.request_parts import valid

    following = read_follow_options(
        wanted=follow_it, timeout_seconds=timeout, service=selection.service, output=selection.output
    )
    if start_at == "":
        raise errors.InvalidRequest("--start-at must name a state; omit it to resume from the state that failed.")
    if following is not None and selection.only_id is None:
        raise errors.InvalidRequest("--follow needs exactly one ID, without --dry-run and --journal.")
    if again and selection.ids is None:
        raise errors.InvalidRequest("--again works with ids, not with filters.")
    if start_at is None and WorkflowStatus.SUCCEEDED in selection.filters.statuses:
        raise errors.InvalidRequest("To resume workflows that succeeded, name the state with --start-at.")
    if start_at is not None:
        valid(models.WorkflowDefinitionOverrides, StartAt=start_at)

    def state_of(workflow: models.Workflow) -> str:
        return state_that_failed(workflow) if start_at is None else start_at

    async def action(manager: "WorkflowManager", workflow_id: str, key: str, known: str | None) -> str:
        state = known or await _state_to_resume(manager, workflow_id, start_at)
        resumed = await manager.resume_workflow(workflow_id, start_at=state, force=again, idempotency_key=key)
        return f"resumed at {state} as {resumed.id}"

    checks_first = selection.ids is not None or start_at is None
    eligibility = RESUMABLE_AGAIN if again else RESUMABLE
    bulk = Bulk("resume", "resumed", eligibility, action, selection, state_of, checks_first=checks_first)
    workflow_id = selection.only_id
    if workflow_id is None:
        return run_bulk(bulk)
    return call(
        selection.service,
        lambda manager: _resume_one(manager, bulk, workflow_id, start_at, again=again, following=following),
    )


@with_selection
def resolve(
    selection: Selection,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it needs no attention; shown in its details.")] = "",
) -> ExitCode:
    """Mark failed workflows as needing no further attention.

    With filters instead of ids: all matching failed workflows that are not resolved.
    """
    from workflow_manager.cli.bulk.eligibility import RESOLVABLE
    from workflow_manager.cli.bulk.runner import Bulk

    async def action(manager: "WorkflowManager", workflow_id: str, _key: str, _state: str | None) -> str:
        await manager.resolve_workflow(workflow_id, reason=reason)
        return "resolved"

    return _run(Bulk("resolve", "resolved", RESOLVABLE, action, selection, checks_first=selection.ids is not None))


@with_selection
def refresh(selection: Selection) -> ExitCode:
    """Read the current state of workflows from Step Functions.

    With filters instead of ids: all matching queued and running workflows.
    """
    from workflow_manager.cli.bulk.eligibility import REFRESHABLE
    from workflow_manager.cli.bulk.runner import Bulk, run_bulk
    from workflow_manager.cli.options.client import call

    async def action(manager: "WorkflowManager", workflow_id: str, _key: str, _state: str | None) -> str:
        return (await manager.get_workflow(workflow_id, fetch_history=True)).status.value

    workflow_id = selection.only_id
    if workflow_id is None:
        return run_bulk(Bulk("refresh", "refreshed", REFRESHABLE, action, selection))
    return _write(
        call(selection.service, lambda manager: manager.get_workflow(workflow_id, fetch_history=True)), selection.output
    )


def _run(bulk: "Bulk") -> ExitCode:
    """Run the action on the one given workflow, with a one-line result, or on all that are selected."""
    from workflow_manager.cli.bulk.results import RESULT_COLUMNS, ActionResult, Result
    from workflow_manager.cli.bulk.runner import run_bulk
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.formats import write_result

    workflow_id = bulk.selection.only_id
    if workflow_id is None:
        return run_bulk(bulk)

    async def work(manager: "WorkflowManager") -> str:
        return await bulk.action(manager, workflow_id, "", await _decided(manager, bulk, workflow_id))

    message = call(bulk.selection.service, work)
    if bulk.selection.output in {Format.TABLE, Format.WIDE}:
        note(f"{message.capitalize()} {workflow_id}.")
    else:
        result = ActionResult(id=workflow_id, result=Result.DONE, message=message)
        write_result(result, RESULT_COLUMNS, output=bulk.selection.output)
    return ExitCode.OK


async def _resume_one(
    manager: "WorkflowManager",
    bulk: "Bulk",
    workflow_id: str,
    start_at: str | None,
    *,
    again: bool,
    following: FollowOptions | None,
) -> ExitCode:
    known = await _decided(manager, bulk, workflow_id)
    state = known or await _state_to_resume(manager, workflow_id, start_at)
    resumed = await manager.resume_workflow(workflow_id, start_at=state, force=again)
    if following is not None:
        return await follow(manager, resumed.id, following)
    return _write(resumed, bulk.selection.output)


async def _decided(manager: "WorkflowManager", bulk: "Bulk", workflow_id: str) -> str | None:
    from workflow_manager.cli.bulk.runner import decide

    try:
        return await decide(manager, bulk, workflow_id)
    except errors.Conflict as refusal:
        words = f"Workflow {workflow_id} cannot be {bulk.done_word}: {refusal.message.removesuffix('.')}."
        hint = " To resume it again anyway, add --again." if "resumed before" in refusal.message else ""
        raise errors.Conflict(words + hint) from None


def _write(workflow: "models.Workflow", output: Format) -> ExitCode:
    from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS
    from workflow_manager.cli.output.formats import write_result

    write_result(workflow, WORKFLOW_COLUMNS, output=output)
    return ExitCode.OK


async def _state_to_resume(manager: "WorkflowManager", workflow_id: str, start_at: str | None) -> str:
    if start_at is not None:
        return start_at
    return state_that_failed(await manager.get_workflow(workflow_id, fetch_history=True))


def state_that_failed(workflow: "models.Workflow") -> str:
    """Return the state to resume from: the last one, or the outermost Parallel or Map around it.

    Raises ``Conflict`` for a workflow that succeeded, because none of its states failed.
    """
    if workflow.status is WorkflowStatus.SUCCEEDED:
        raise errors.Conflict("it succeeded; name the state to resume from with --start-at.")
    if workflow.last_job is None:
        raise errors.InvalidRequest(f"Workflow {workflow.id} never entered a state; name one with --start-at.")
    *_, outermost = _outwards(workflow.last_job, workflow.jobs)
    return outermost.state


def _outwards(job: "models.Job", jobs: "tuple[models.Job, ...]") -> "Iterator[models.Job]":
    by_id = {each.id: each for each in jobs}
    around: models.Job | None = job
    while around is not None:
        yield around
        around = by_id.get(around.parent or "")
