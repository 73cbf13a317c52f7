"""The verb ``recover``: make failed work go on, or say what that would mean."""

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workflow_manager import errors
from workflow_manager.cli.bulk.selection import Selection, with_selection
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.completion import complete_state
from workflow_manager.statuses import WorkflowStatus

if TYPE_CHECKING:
    from workflow_manager import models
    from workflow_manager.client import WorkflowManager


@with_selection
def recover(
    selection: Selection,
    *,
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would run again.")] = False,
    mode: Annotated[
        Literal["auto", "redrive", "resume"],
        typer.Option(help="Continue the same run, start a new workflow, or whichever helps."),
    ] = "auto",
    start_at: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="State that a new workflow starts at.", autocompletion=complete_state),
    ] = None,
    patch: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Changes to the input of that state (RFC 7396): JSON, @FILE or -."),
    ] = None,
    new_input: Annotated[
        str | None, typer.Option("--input", metavar="JSON", help="Input of that state: JSON, @FILE or -.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=-1, metavar="N", help="Version of the definition to run; -1 is the latest.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Recover even if it is resolved, or a retry of it succeeded.")
    ] = False,
) -> ExitCode:
    """Make one or more failed or cancelled workflows continue.

    The same run continues where that helps; otherwise a new workflow starts at the state that failed. With filters
    instead of ids: all matching failed workflows that are not resolved.
    """
    from workflow_manager import models
    from workflow_manager.cli.bulk.eligibility import RECOVERABLE
    from workflow_manager.cli.bulk.runner import Bulk, run_bulk
    from workflow_manager.cli.options.workflow_input import read_input
    from workflow_manager.client.request_parts import valid

    if preview and selection.journal is not None:
        raise errors.InvalidRequest("--preview changes nothing, so there is nothing to record with --journal.")
    given = {
        "mode": None if mode == "auto" else mode,
        "start_at": start_at,
        "input": None if new_input is None else read_input(new_input),
        "input_patch": None if patch is None else json.loads(read_input(patch)),
        "version": version,
        "reason": reason or None,
        "dry_run": preview or None,
        "force": force or None,
    }
    request = valid(models.RecoverRequest, **{name: value for name, value in given.items() if value is not None})

    async def action(manager: "WorkflowManager", workflow_id: str, key: str, _state: str | None) -> str:
        return _words(await manager.recover(workflow_id, request, idempotency_key=None if preview else key))

    if preview:
        selection = selection._replace(yes=True)
    return run_bulk(Bulk("recover", "previewed" if preview else "recovered", RECOVERABLE, action, selection))


def _words(recovery: "models.Recovery") -> str:
    """Say in one line what was done, or what would be done."""
    said = recovery.preview
    if said is None or recovery.workflow.status not in {WorkflowStatus.FAILED, WorkflowStatus.CANCELLED}:
        queued = ", waits for its turn" if recovery.workflow.status is WorkflowStatus.QUEUED else ""
        return "redriven" + queued if recovery.mode == "redrive" else f"resumed as {recovery.workflow.id}"
    parts = [f"would {recovery.mode}: {recovery.why}", f"runs again: {', '.join(said.runs_again) or 'nothing'}"]
    if said.kept:
        parts.append(f"kept: {', '.join(said.kept)}")
    return "; ".join([*parts, *(f"warning: {warning}" for warning in said.warnings)])
