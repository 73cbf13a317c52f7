"""What cancel, resume, resolve and refresh do: to one workflow, or to many."""

from collections.abc import Iterator

from workflow_manager import errors, models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.bulk.eligibility import CANCELLABLE, REFRESHABLE, RESOLVABLE, RESUMABLE, RESUMABLE_AGAIN
from workflow_manager.cli.bulk.results import OUTCOME_COLUMNS, ActionResult, Result
from workflow_manager.cli.bulk.runner import Bulk, decide, run_bulk
from workflow_manager.cli.bulk.selection import Selection
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS
from workflow_manager.cli.output.console import note
from workflow_manager.cli.output.formats import write_result
from workflow_manager.cli.workflows.follow import follow
from workflow_manager.cli.workflows.follow_options import Watch
from workflow_manager.client import WorkflowManager
from workflow_manager.client.request_parts import valid
from workflow_manager.statuses import WorkflowStatus


def cancel_workflows(choice: Selection, *, reason: str) -> ExitCode:
    """Stop what was chosen."""

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str, _place: str | None) -> str:
        await manager.cancel_workflow(workflow_id, reason=reason)
        return "cancelled"

    return _do(Bulk("cancel", "cancelled", CANCELLABLE, deed, choice))


def resolve_workflows(choice: Selection) -> ExitCode:
    """Mark what was chosen as needing no more attention."""

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str, _place: str | None) -> str:
        await manager.resolve_workflow(workflow_id)
        return "resolved"

    return _do(Bulk("resolve", "resolved", RESOLVABLE, deed, choice, looks_first=choice.ids is not None))


def refresh_workflows(choice: Selection) -> ExitCode:
    """Ask Step Functions for what was chosen."""

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str, _place: str | None) -> str:
        return (await manager.get_workflow(workflow_id, fetch_history=True)).status.value

    if choice.only_id is not None:
        return run(_refresh(choice, choice.only_id))
    return run_bulk(Bulk("refresh", "refreshed", REFRESHABLE, deed, choice))


def resume_workflows(choice: Selection, *, start_at: str | None, again: bool, watch: Watch | None) -> ExitCode:
    """Start what was chosen anew, from a state of its own or from the one that failed."""
    if again and choice.ids is None:
        raise errors.InvalidRequest("--again works with ids, not with filters.")
    if start_at is None and WorkflowStatus.SUCCEEDED in choice.filters.statuses:
        raise errors.InvalidRequest(
            "To resume workflows that succeeded, name the state to resume from with --start-at."
        )

    if start_at is not None:
        valid(models.WorkflowDefinitionOverrides, StartAt=start_at)

    def place(workflow: models.Workflow) -> str:
        return state_that_failed(workflow) if start_at is None else start_at

    async def deed(manager: WorkflowManager, workflow_id: str, key: str, known: str | None) -> str:
        state = known or await _state_to_resume(manager, workflow_id, start_at)
        resumed = await manager.resume_workflow(workflow_id, start_at=state, force=again, idempotency_key=key)
        return f"resumed at {state} as {resumed.id}"

    looks_first = choice.ids is not None or start_at is None
    scope = RESUMABLE_AGAIN if again else RESUMABLE
    bulk = Bulk("resume", "resumed", scope, deed, choice, place, looks_first=looks_first)
    if choice.only_id is not None:
        return run(_resume(bulk, choice.only_id, start_at, again=again, watch=watch))
    return run_bulk(bulk)


def _do(bulk: Bulk) -> ExitCode:
    workflow_id = bulk.choice.only_id
    if workflow_id is None:
        return run_bulk(bulk)
    message = run(_do_one(bulk, workflow_id))
    if bulk.choice.output in {Format.TABLE, Format.WIDE}:
        note(f"{message.capitalize()} {workflow_id}.")
    else:
        write_result(
            ActionResult(id=workflow_id, result=Result.DONE, message=message),
            OUTCOME_COLUMNS,
            output=bulk.choice.output,
        )
    return ExitCode.OK


async def _do_one(bulk: Bulk, workflow_id: str) -> str:
    async with connect(bulk.choice.service) as manager:
        return await bulk.deed(manager, workflow_id, "", await _decided(manager, bulk, workflow_id))


async def _resume(bulk: Bulk, workflow_id: str, start_at: str | None, *, again: bool, watch: Watch | None) -> ExitCode:
    async with connect(bulk.choice.service) as manager:
        place = await _decided(manager, bulk, workflow_id)
        state = place or await _state_to_resume(manager, workflow_id, start_at)
        resumed = await manager.resume_workflow(workflow_id, start_at=state, force=again)
        if watch is not None:
            return await follow(manager, resumed.id, watch)
    return _write(resumed, output=bulk.choice.output)


async def _decided(manager: WorkflowManager, bulk: Bulk, workflow_id: str) -> str | None:
    try:
        return await decide(manager, bulk, workflow_id)
    except errors.Conflict as refusal:
        words = f"Workflow {workflow_id} cannot be {bulk.done_word}: {refusal.message.removesuffix('.')}."
        hint = " To resume it again anyway, add --again." if "resumed before" in refusal.message else ""
        raise errors.Conflict(words + hint) from None


async def _refresh(choice: Selection, workflow_id: str) -> ExitCode:
    async with connect(choice.service) as manager:
        refreshed = await manager.get_workflow(workflow_id, fetch_history=True)
    return _write(refreshed, output=choice.output)


def _write(workflow: models.Workflow, *, output: Format) -> ExitCode:
    write_result(workflow, WORKFLOW_COLUMNS, output=output)
    return ExitCode.OK


async def _state_to_resume(manager: WorkflowManager, workflow_id: str, start_at: str | None) -> str:
    if start_at is not None:
        return start_at
    return state_that_failed(await manager.get_workflow(workflow_id, fetch_history=True))


def state_that_failed(workflow: models.Workflow) -> str:
    """Return where to go on: the last state, or the outermost Parallel or Map around it.

    Raises ``Conflict`` for a workflow that succeeded, because no state of it failed.
    """
    if workflow.status is WorkflowStatus.SUCCEEDED:
        raise errors.Conflict("it succeeded; name the state to resume from with --start-at.")
    if workflow.last_job is None:
        raise errors.InvalidRequest(f"Workflow {workflow.id} never entered a state; name one with --start-at.")
    *_, outermost = _outwards(workflow.last_job, workflow.jobs)
    return outermost.state


def _outwards(job: models.Job, jobs: tuple[models.Job, ...]) -> Iterator[models.Job]:
    by_id = {each.id: each for each in jobs}
    around: models.Job | None = job
    while around is not None:
        yield around
        around = by_id.get(around.parent or "")
