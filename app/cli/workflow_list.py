"""What the verb ``workflows`` does without an id: it lists."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Final

from app import models
from app.cli.client import connect
from app.cli.connection import Service
from app.cli.exits import ExitCode
from app.cli.filters import Filters
from app.cli.lines import note, write_line
from app.cli.options import Format, WorkflowFormat
from app.cli.output import write_documents, write_table
from app.cli.running import run
from app.cli.scopes import check_definition, is_of_version, query_of
from app.cli.tables import WORKFLOW_COLUMNS
from app.cli.text import visible
from app.cli.workflow_details import write_details
from app.client import WorkflowFilters, WorkflowManager

PAGE_SIZE: Final = 100

AT_ONCE: Final = (WorkflowFormat.JSONL, WorkflowFormat.ID)
"""What is written as soon as it is found."""

Found = AsyncGenerator[models.Workflow, None]


def list_workflows(
    filters: Filters, *, limit: int, oldest_first: bool, full: bool, service: Service, output: WorkflowFormat
) -> ExitCode:
    """List so many of the workflows that fit, and say when there are more."""
    return run(_list(filters, limit, oldest_first=oldest_first, full=full, service=service, output=output))


async def _list(
    filters: Filters, limit: int, *, oldest_first: bool, full: bool, service: Service, output: WorkflowFormat
) -> ExitCode:
    # One more than is shown tells whether there are more.
    page_size = PAGE_SIZE if filters.version is not None else min(limit + 1, PAGE_SIZE)
    queries = [
        query_of(filters, status, page_size=page_size, oldest_first=oldest_first, summary_only=not full)
        for status in filters.statuses or (None,)
    ]
    shown: list[models.Workflow] = []
    more = False
    async with connect(service) as manager, aclosing(_merged(manager, queries)) as found:
        async for workflow in found:
            if not is_of_version(workflow, filters.version):
                continue
            if len(shown) == limit:
                more = True
                break
            shown.append(workflow)
            if output in AT_ONCE:
                _write([workflow], full=full, output=output)
        if not shown:
            await check_definition(manager, filters)
    if output not in AT_ONCE:
        _write(shown, full=full, output=output)
    if more:
        note(f"There are more: --limit {limit * 2}")
    return ExitCode.OK


async def _merged(manager: WorkflowManager, queries: Sequence[WorkflowFilters]) -> Found:
    """Yield the workflows of several lists in the order of one; the service lists one status at a time."""
    first = min if queries[0].get("oldest_first") else max
    async with AsyncExitStack() as stack:
        lists = [await stack.enter_async_context(aclosing(manager.iter_workflows(**query))) for query in queries]
        heads = [(await anext(found, None), found) for found in lists]
        while waiting := [(head, found) for head, found in heads if head is not None]:
            chosen, source = first(waiting, key=lambda each: each[0].created_at)
            yield chosen
            following = await anext(source, None)
            heads = [(following if found is source else head, found) for head, found in heads]


def _write(found: Sequence[models.Workflow], *, full: bool, output: WorkflowFormat) -> None:
    if output is WorkflowFormat.ID:
        for workflow in found:
            write_line(visible(workflow.id))
    elif output is not WorkflowFormat.TABLE:
        write_documents(found, output=Format(output))
    elif full:
        for workflow in found:
            write_details(workflow, full=True)
    else:
        write_table(found, WORKFLOW_COLUMNS)
