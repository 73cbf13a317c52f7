"""The verb ``workflows``."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, cast

import typer

from app import errors, models
from app.cli.completion import complete_definition
from app.cli.exits import ExitCode
from app.cli.follow import follow
from app.cli.inputs import parse_tags
from app.cli.job_tree import TREE_COLUMNS, job_tree, rows
from app.cli.lines import write_line
from app.cli.options import DEFAULT_URL, FollowOption, Format, FormatOption, TimeoutOption, UrlOption
from app.cli.output import is_terminal, write_document, write_documents, write_fields, write_table
from app.cli.tables import JOB_COLUMNS, WORKFLOW_COLUMNS, job_fields, workflow_fields
from app.client import WorkflowFilters, WorkflowManager

DEFAULT_LIMIT = 20
PAGE_SIZE = 100


def workflows(
    *,
    workflow_id: Annotated[str | None, typer.Option(metavar="ID", help="Show this one only.")] = None,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
    full: Annotated[bool, typer.Option("--full", help="Show inputs, outputs and reasons uncut.")] = False,
    definition: Annotated[
        str | None,
        typer.Option("--definition", "-d", metavar="NAME", help="Runs of it.", autocompletion=complete_definition),
    ] = None,
    status: Annotated[models.WorkflowStatus | None, typer.Option(help="Those with this status.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", metavar="NS", help="Those in it.")] = None,
    queue: Annotated[str | None, typer.Option(help="Those in this queue.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Those with this tag; repeatable, all must fit.")
    ] = None,
    resolved: Annotated[
        bool | None, typer.Option("--resolved/--unresolved", help="Those that need attention, or do not.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = DEFAULT_LIMIT,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="Begin with the oldest.")] = False,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    """List workflows, or show and follow one.

    With --workflow-id ID --follow, show its jobs until it has ended; the exit code tells how. Ctrl-C only
    stops watching.
    """
    if workflow_id is None:
        if follow_it:
            raise errors.InvalidRequest("--follow needs --workflow-id: one workflow can be followed.")
        filters = _given(
            definition_name=definition,
            status=status,
            namespace=namespace,
            queue=queue,
            tags=parse_tags(tag or ()) or None,
            resolved_by_user=resolved,
            oldest_first=oldest_first,
            summary_only=not full,
            limit=min(limit, PAGE_SIZE),
        )
        return asyncio.run(_list(filters, limit=limit, full=full, url=url, output=output))
    if follow_it and full:
        raise errors.InvalidRequest("--follow and --full exclude each other.")
    if follow_it:
        return asyncio.run(_follow(workflow_id, timeout_seconds=timeout, url=url, output=output))
    return asyncio.run(_get(workflow_id, full=full, url=url, output=output))


def _given(**filters: Any) -> WorkflowFilters:
    """Keep the filters that were asked for."""
    return cast("WorkflowFilters", {name: value for name, value in filters.items() if value is not None})


async def _list(filters: WorkflowFilters, *, limit: int, full: bool, url: str, output: Format) -> ExitCode:
    async with WorkflowManager(url) as manager:
        found = _first(manager.iter_workflows(**filters), limit)
        if output is Format.JSONL:
            async for workflow in found:
                write_documents([workflow], output=output)
            return ExitCode.OK
        _write(tuple([workflow async for workflow in found]), full=full, output=output)
    return ExitCode.OK


async def _first(found: AsyncIterator[models.Workflow], limit: int) -> AsyncIterator[models.Workflow]:
    """Yield so many and ask for no page beyond them."""
    remaining = limit
    async for workflow in found:
        yield workflow
        remaining -= 1
        if not remaining:
            return


def _write(found: tuple[models.Workflow, ...], *, full: bool, output: Format) -> None:
    if output is not Format.TABLE:
        write_documents(found, output=output)
    elif full:
        for workflow in found:
            _write_details(workflow, full=True)
    else:
        write_table(found, WORKFLOW_COLUMNS)


async def _follow(workflow_id: str, *, timeout_seconds: float | None, url: str, output: Format) -> ExitCode:
    async with WorkflowManager(url) as manager:
        return await follow(manager, workflow_id, output=output, url=url, timeout_seconds=timeout_seconds)


async def _get(workflow_id: str, *, full: bool, url: str, output: Format) -> ExitCode:
    async with WorkflowManager(url) as manager:
        workflow = await manager.get_workflow(workflow_id, fetch_history=True)
    if output is Format.TABLE:
        _write_details(workflow, full=full)
    else:
        write_document(workflow, output=output)
    return ExitCode.OK


def _write_details(workflow: models.Workflow, *, full: bool) -> None:
    write_fields(workflow_fields(workflow, full=full))
    write_line()
    if not full:
        _write_jobs(workflow.jobs)
        return
    for job in workflow.jobs:
        write_fields(job_fields(job))
        write_line()


def _write_jobs(jobs: tuple[models.Job, ...]) -> None:
    """Draw a tree for people; write a line with its place for each job where programs may read."""
    if is_terminal():
        write_table(rows(job_tree(jobs)), TREE_COLUMNS)
    else:
        write_table(jobs, JOB_COLUMNS)
