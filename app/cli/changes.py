"""The verbs ``cancel``, ``resume`` and ``resolve``."""

import asyncio
from typing import Annotated

import typer

from app.cli.exits import ExitCode
from app.cli.follow import follow
from app.cli.options import (
    DEFAULT_URL,
    FollowOption,
    Format,
    FormatOption,
    TimeoutOption,
    UrlOption,
    WorkflowIdArgument,
)
from app.cli.output import note, write_document, write_table
from app.cli.tables import WORKFLOW_COLUMNS
from app.client import WorkflowManager


def cancel(
    workflow_id: WorkflowIdArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why; shown as the reason of its status.")] = "",
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Stop a workflow."""
    asyncio.run(_cancel(workflow_id, reason=reason, url=url))


def resume(
    workflow_id: WorkflowIdArgument,
    *,
    start_at: Annotated[str, typer.Option(metavar="STATE", help="State to go on from.")],
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    """Start a workflow anew from one of its states.

    The new workflow gets the input that the state had last.
    """
    return asyncio.run(
        _resume(workflow_id, start_at=start_at, watch=follow_it, timeout_seconds=timeout, url=url, output=output)
    )


def resolve(workflow_id: WorkflowIdArgument, *, url: UrlOption = DEFAULT_URL) -> None:
    """Mark a failed workflow as needing no more attention."""
    asyncio.run(_resolve(workflow_id, url=url))


async def _cancel(workflow_id: str, *, reason: str, url: str) -> None:
    async with WorkflowManager(url) as manager:
        await manager.cancel_workflow(workflow_id, reason=reason)
    note(f"Cancelled {workflow_id}.")


async def _resume(
    workflow_id: str, *, start_at: str, watch: bool, timeout_seconds: float | None, url: str, output: Format
) -> ExitCode:
    async with WorkflowManager(url) as manager:
        resumed = await manager.resume_workflow(workflow_id, start_at=start_at)
        if watch:
            return await follow(manager, resumed.id, output=output, url=url, timeout_seconds=timeout_seconds)
    if output is Format.TABLE:
        write_table([resumed], WORKFLOW_COLUMNS)
    else:
        write_document(resumed, output=output)
    return ExitCode.OK


async def _resolve(workflow_id: str, *, url: str) -> None:
    async with WorkflowManager(url) as manager:
        await manager.resolve_workflow(workflow_id)
    note(f"Resolved {workflow_id}.")
