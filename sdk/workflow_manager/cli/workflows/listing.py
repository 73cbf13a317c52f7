"""The verb ``workflows`` without an id: lists."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final, NamedTuple

from workflow_manager import models
from workflow_manager.cli.bulk.eligibility import check_definition, is_of_version, query_of
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.client import call
from workflow_manager.cli.options.common import Format, WorkflowFormat
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.options.filters import Filters
from workflow_manager.cli.options.id_prefixes import whole_ids
from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import escape
from workflow_manager.cli.output.formats import write_results
from workflow_manager.cli.output.table_layout import Columns, chosen_columns
from workflow_manager.cli.workflows.details import write_details
from workflow_manager.client import WorkflowManager

PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 1_000

STREAMED: Final = (WorkflowFormat.JSONL, WorkflowFormat.ID)
"""Formats that are written as soon as a workflow is found."""


class ListOptions(NamedTuple):
    """Which of the matching workflows are shown, and how."""

    limit: int | None
    """Maximum number; None shows all."""
    page: int = 1
    oldest_first: bool = False
    full: bool = False
    columns: Columns[models.Workflow] = WORKFLOW_COLUMNS
    output: WorkflowFormat = WorkflowFormat.TABLE

    @property
    def skipped(self) -> int:
        """How many workflows are on the pages before."""
        return 0 if self.limit is None else (self.page - 1) * self.limit


def list_options(
    *,
    columns: Sequence[str] | None,
    output: WorkflowFormat,
    full: bool,
    limit: int | None = None,
    page: int = 1,
    oldest_first: bool = False,
) -> ListOptions:
    """Return the options; column names may be comma-separated."""
    chosen = chosen_columns(WORKFLOW_COLUMNS, columns) if columns else WORKFLOW_COLUMNS
    return ListOptions(limit, page, oldest_first, full, chosen, output)


def list_workflows(filters: Filters, options: ListOptions, *, service: Service) -> ExitCode:
    """List a page of the matching workflows, and note if there are more."""
    return call(service, lambda manager: _list(filters, options, manager))


def show_several(ids: Sequence[str], options: ListOptions, *, service: Service) -> ExitCode:
    """Show the workflows with these ids, in that order."""

    async def get(manager: WorkflowManager) -> list[models.Workflow]:
        whole = await whole_ids(manager, ids)
        return list(await asyncio.gather(*(manager.get_workflow(each, fetch_history=True) for each in whole)))

    _write(call(service, get), options)
    return ExitCode.OK


async def _list(filters: Filters, options: ListOptions, manager: WorkflowManager) -> ExitCode:
    shown: list[models.Workflow] = []
    skipped = 0
    more = False
    query = query_of(
        filters,
        filters.statuses,
        page_size=_page_size(filters, options),
        oldest_first=options.oldest_first,
        summary_only=not options.full,
    )
    async with aclosing(manager.iter_workflows(**query)) as found:
        async for workflow in found:
            if not is_of_version(workflow, filters.version):
                continue
            if skipped < options.skipped:
                skipped += 1
                continue
            if len(shown) == options.limit:
                more = True
                break
            shown.append(workflow)
            if options.output in STREAMED:
                _write([workflow], options)
        if not shown:
            await check_definition(manager, filters)
    if options.output not in STREAMED:
        _write(shown, options)
    if more:
        note(f"More workflows match: use --page {options.page + 1} or --all.")
    return ExitCode.OK


def _page_size(filters: Filters, options: ListOptions) -> int:
    """Return how many to request at a time: one more than is shown, to know if there are more."""
    if options.limit is None or filters.version is not None or options.page > 1:
        return MAX_PAGE_SIZE if options.limit is None else PAGE_SIZE
    return min(options.limit + 1, PAGE_SIZE)


def _write(found: Sequence[models.Workflow], options: ListOptions) -> None:
    if options.output is WorkflowFormat.ID:
        for workflow in found:
            write_line(escape(workflow.id))
    elif options.full and options.output is WorkflowFormat.TABLE:
        for workflow in found:
            write_details(workflow, full=True)
    else:
        write_results(found, options.columns, output=Format(options.output))
