"""Following one workflow until it ends: a live tree on a terminal, a line per change in a pipe."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, NamedTuple

from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, WorkflowFormat
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.statuses import WorkflowStatus

if TYPE_CHECKING:
    from workflow_manager import models
    from workflow_manager.client import WorkflowManager
    from workflow_manager.client.outage_tolerance import OnOutage

EXIT_CODES: Final = {
    WorkflowStatus.SUCCEEDED: ExitCode.OK,
    WorkflowStatus.FAILED: ExitCode.FAILED,
    WorkflowStatus.CANCELLED: ExitCode.WORKFLOW_CANCELLED,
}


class FollowOptions(NamedTuple):
    """How a workflow is followed: the service, the format and the time limit."""

    service: Service
    output: Format
    timeout_seconds: float | None


def read_follow_options(
    *, wanted: bool, timeout_seconds: float | None, service: Service, output: Format | WorkflowFormat
) -> FollowOptions | None:
    """Return the options for --follow, or None without it; --timeout needs --follow."""
    if timeout_seconds is not None and not wanted:
        raise errors.InvalidRequest("--timeout needs --follow.")
    if not wanted:
        return None
    if output in {WorkflowFormat.ID, WorkflowFormat.CSV, Format.CSV}:
        raise errors.InvalidRequest(f"--follow does not work with -o {output}.")
    if output in {WorkflowFormat.WIDE, Format.WIDE}:
        output = Format.TABLE
    return FollowOptions(service, Format(output), timeout_seconds)


def follow_workflow(workflow_id: str, following: FollowOptions) -> ExitCode:
    """Show a workflow until it ends; return the exit code for its status."""
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.options.id_prefixes import whole_id

    async def work(manager: "WorkflowManager") -> ExitCode:
        return await follow(manager, await whole_id(manager, workflow_id), following)

    return call(following.service, work)


async def follow(manager: "WorkflowManager", workflow_id: str, following: FollowOptions) -> ExitCode:
    """Show a workflow until it ends; return the exit code for its status.

    On a timeout, a long outage or Ctrl-C the workflow continues, and the command to follow it again is printed.
    """
    import asyncio

    try:
        async with asyncio.timeout(following.timeout_seconds):
            last = await _show(manager, workflow_id, following)
    except TimeoutError:
        _note_command(
            f"The workflow has not ended after {following.timeout_seconds:g} s; it continues.", workflow_id, following
        )
        return ExitCode.WAIT_TIMED_OUT
    except asyncio.CancelledError:
        _note_command("Detached; the workflow continues.", workflow_id, following)
        raise
    except errors.Unavailable:
        _note_command("The service is unavailable; the workflow continues.", workflow_id, following)
        raise
    except errors.WorkflowManagerError:
        _note_command("The workflow can no longer be followed; it continues.", workflow_id, following)
        raise
    return EXIT_CODES[last.status]


def _note_command(message: str, workflow_id: str, following: FollowOptions) -> None:
    note(f"{message} To follow it again:")
    note("  " + following.service.command("workflows", workflow_id, "--follow"))


async def _show(manager: "WorkflowManager", workflow_id: str, following: FollowOptions) -> "models.Workflow":
    from rich.console import Console

    from workflow_manager.cli.output.formats import write_document
    from workflow_manager.cli.workflows.live_view import show_live
    from workflow_manager.client.outage_tolerance import OUTAGE_SECONDS

    outage_seconds = OUTAGE_SECONDS if following.timeout_seconds is None else following.timeout_seconds

    def snapshots(on_outage: "OnOutage") -> "AsyncGenerator[models.Workflow, None]":
        return manager.follow(workflow_id, outage_seconds=outage_seconds, on_outage=on_outage)

    console = Console(file=sys.stdout)
    full = following.service.command("workflows", workflow_id, "--full")
    if following.output is Format.TABLE and console.is_terminal and not console.is_dumb_terminal:
        return await show_live(snapshots, console, full=full)
    async with aclosing(snapshots(OutageNotes().on_outage)) as found:
        match following.output:
            case Format.TABLE:
                return await _show_lines(found)
            case Format.JSONL:
                return await _show_documents(found)
        last = await _last(found)
    write_document(last, output=following.output)
    return last


async def _last(snapshots: "AsyncIterator[models.Workflow]") -> "models.Workflow":
    async for workflow in snapshots:
        last = workflow
    return last


async def _show_documents(snapshots: "AsyncIterator[models.Workflow]") -> "models.Workflow":
    from workflow_manager.cli.output.formats import write_documents

    async for workflow in snapshots:
        last = workflow
        write_documents([workflow], output=Format.JSONL)
    return last


async def _show_lines(snapshots: "AsyncIterator[models.Workflow]") -> "models.Workflow":
    from workflow_manager.cli.workflows.change_lines import changed_lines, output_lines

    shown: dict[str, str] = {}
    async for workflow in snapshots:
        last = workflow
        for line in changed_lines(workflow, shown):
            write_line(line)
    for line in output_lines(last):
        write_line(line)
    return last


class OutageNotes:
    """Notes on the error stream, one at the start and one at the end of each outage."""

    def __init__(self) -> None:
        self._away = False

    def on_outage(self, outage: errors.Unavailable | None) -> None:
        """Handle a failed attempt, or None for an answer after an outage."""
        if outage is None:
            note("The service is available again.")
        elif not self._away:
            note(f"The service is unavailable; retrying. {outage.message}")
        self._away = outage is not None
