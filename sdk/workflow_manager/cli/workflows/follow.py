"""Watching one workflow: a live tree on a terminal, a line per change in a pipe."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from rich.console import Console

from workflow_manager import errors, models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.options.id_prefixes import whole_id
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.formats import write_document, write_documents
from workflow_manager.cli.workflows.change_lines import changed_lines, output_lines
from workflow_manager.cli.workflows.follow_options import Watch
from workflow_manager.cli.workflows.live_view import show_live
from workflow_manager.cli.workflows.outage_notes import OutageNotes, OutageTeller
from workflow_manager.client import WorkflowManager
from workflow_manager.client.outage_patience import OUTAGE_SECONDS
from workflow_manager.statuses import WorkflowStatus

EXIT_CODES: Final = {
    WorkflowStatus.SUCCEEDED: ExitCode.OK,
    WorkflowStatus.FAILED: ExitCode.FAILED,
    WorkflowStatus.CANCELLED: ExitCode.WORKFLOW_CANCELLED,
}


def follow_workflow(workflow_id: str, watch: Watch) -> ExitCode:
    """Show a workflow until it has ended; return the exit code that tells how."""
    return run(_follow(workflow_id, watch))


async def _follow(workflow_id: str, watch: Watch) -> ExitCode:
    async with connect(watch.service) as manager:
        return await follow(manager, await whole_id(manager, workflow_id), watch)


async def follow(manager: WorkflowManager, workflow_id: str, watch: Watch) -> ExitCode:
    """Show a workflow until it has ended; return the exit code that tells how.

    When it takes too long, when the service is away for too long, or on Ctrl-C, the workflow goes on and the way back
    is printed.
    """
    try:
        async with asyncio.timeout(watch.timeout_seconds):
            last = await _show(manager, workflow_id, watch)
    except TimeoutError:
        _tell(f"The workflow has not ended after {watch.timeout_seconds:g} s; it continues.", workflow_id, watch)
        return ExitCode.WAIT_TIMED_OUT
    except asyncio.CancelledError:
        _tell("Detached; the workflow continues.", workflow_id, watch)
        raise
    except errors.Unavailable:
        _tell("The service is unavailable; the workflow continues.", workflow_id, watch)
        raise
    except errors.WorkflowManagerError:
        _tell("The workflow can no longer be followed; it continues.", workflow_id, watch)
        raise
    return EXIT_CODES[last.status]


def _tell(what: str, workflow_id: str, watch: Watch) -> None:
    note(f"{what} To follow it again:")
    note("  " + watch.service.command("workflows", workflow_id, "--follow"))


async def _show(manager: WorkflowManager, workflow_id: str, watch: Watch) -> models.Workflow:
    outage_seconds = OUTAGE_SECONDS if watch.timeout_seconds is None else watch.timeout_seconds

    def snapshots(tell: OutageTeller) -> AsyncGenerator[models.Workflow, None]:
        return manager.follow(workflow_id, outage_seconds=outage_seconds, on_outage=tell)

    console = Console(file=sys.stdout)
    full = watch.service.command("workflows", workflow_id, "--full")
    if watch.output is Format.TABLE and console.is_terminal and not console.is_dumb_terminal:
        return await show_live(snapshots, console, full=full)
    async with aclosing(snapshots(OutageNotes().tell)) as found:
        match watch.output:
            case Format.TABLE:
                return await _show_lines(found)
            case Format.JSONL:
                return await _show_documents(found)
        last = await _last(found)
    write_document(last, output=watch.output)
    return last


async def _last(snapshots: AsyncIterator[models.Workflow]) -> models.Workflow:
    async for workflow in snapshots:
        last = workflow
    return last


async def _show_documents(snapshots: AsyncIterator[models.Workflow]) -> models.Workflow:
    async for workflow in snapshots:
        last = workflow
        write_documents([workflow], output=Format.JSONL)
    return last


async def _show_lines(snapshots: AsyncIterator[models.Workflow]) -> models.Workflow:
    shown: dict[str, str] = {}
    async for workflow in snapshots:
        last = workflow
        for line in changed_lines(workflow, shown):
            write_line(line)
    for line in output_lines(last):
        write_line(line)
    return last
