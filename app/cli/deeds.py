"""What cancel, resume, resolve and refresh do: to one workflow, or to many."""

from collections.abc import Iterator

from app import errors, models
from app.cli.bulk import Bulk, run_bulk
from app.cli.client import connect
from app.cli.exits import ExitCode
from app.cli.follow import follow
from app.cli.lines import note
from app.cli.options import Format
from app.cli.outcomes import OUTCOME_COLUMNS, Outcome, Result
from app.cli.output import write_result
from app.cli.running import run
from app.cli.scopes import CANCELLABLE, REFRESHABLE, RESOLVABLE, RESUMABLE
from app.cli.selection import Choice
from app.cli.tables import WORKFLOW_COLUMNS
from app.cli.watch import Watch
from app.client import WorkflowManager


def cancel_workflows(choice: Choice, *, reason: str) -> ExitCode:
    """Stop what was chosen."""

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str) -> str:
        await manager.cancel_workflow(workflow_id, reason=reason)
        return "cancelled"

    return _do(Bulk("cancel", "cancelled", CANCELLABLE, deed, choice))


def resolve_workflows(choice: Choice) -> ExitCode:
    """Mark what was chosen as needing no more attention."""

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str) -> str:
        await manager.resolve_workflow(workflow_id)
        return "resolved"

    return _do(Bulk("resolve", "resolved", RESOLVABLE, deed, choice))


def refresh_workflows(choice: Choice) -> ExitCode:
    """Ask Step Functions for what was chosen."""

    async def deed(manager: WorkflowManager, workflow_id: str, _key: str) -> str:
        return (await manager.get_workflow(workflow_id, fetch_history=True)).status.value

    if choice.only_id is not None:
        return run(_refresh(choice, choice.only_id))
    return run_bulk(Bulk("refresh", "refreshed", REFRESHABLE, deed, choice))


def resume_workflows(choice: Choice, *, start_at: str | None, watch: Watch | None) -> ExitCode:
    """Start what was chosen anew, from a state of its own or from the one that failed."""

    def place(workflow: models.Workflow) -> str:
        return state_that_failed(workflow) if start_at is None else start_at

    async def deed(manager: WorkflowManager, workflow_id: str, key: str) -> str:
        state = await _state_that_failed(manager, workflow_id) if start_at is None else start_at
        resumed = await manager.resume_workflow(workflow_id, start_at=state, idempotency_key=key)
        return f"resumed at {state} as {resumed.id}"

    if choice.only_id is not None:
        return run(_resume(choice, choice.only_id, start_at, watch))
    return run_bulk(Bulk("resume", "resumed", RESUMABLE, deed, choice, place))


def _do(bulk: Bulk) -> ExitCode:
    workflow_id = bulk.choice.only_id
    if workflow_id is None:
        return run_bulk(bulk)
    message = run(_do_one(bulk, workflow_id))
    if bulk.choice.output in {Format.TABLE, Format.WIDE}:
        note(f"{message.capitalize()} {workflow_id}.")
    else:
        write_result(
            Outcome(id=workflow_id, result=Result.DONE, message=message), OUTCOME_COLUMNS, output=bulk.choice.output
        )
    return ExitCode.OK


async def _do_one(bulk: Bulk, workflow_id: str) -> str:
    async with connect(bulk.choice.service) as manager:
        return await bulk.deed(manager, workflow_id, "")


async def _resume(choice: Choice, workflow_id: str, start_at: str | None, watch: Watch | None) -> ExitCode:
    async with connect(choice.service) as manager:
        state = await _state_that_failed(manager, workflow_id) if start_at is None else start_at
        resumed = await manager.resume_workflow(workflow_id, start_at=state)
        if watch is not None:
            return await follow(manager, resumed.id, watch)
    return _write(resumed, output=choice.output)


async def _refresh(choice: Choice, workflow_id: str) -> ExitCode:
    async with connect(choice.service) as manager:
        refreshed = await manager.get_workflow(workflow_id, fetch_history=True)
    return _write(refreshed, output=choice.output)


def _write(workflow: models.Workflow, *, output: Format) -> ExitCode:
    write_result(workflow, WORKFLOW_COLUMNS, output=output)
    return ExitCode.OK


async def _state_that_failed(manager: WorkflowManager, workflow_id: str) -> str:
    return state_that_failed(await manager.get_workflow(workflow_id, fetch_history=True))


def state_that_failed(workflow: models.Workflow) -> str:
    """Return where to go on: the last state, or the outermost Parallel or Map around it."""
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
