"""What the verb ``workflows`` does without an id: it lists."""

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
from workflow_manager.cli.output.escaping import visible
from workflow_manager.cli.output.formats import write_results
from workflow_manager.cli.output.table_layout import Columns, chosen_columns
from workflow_manager.cli.workflows.details import write_details
from workflow_manager.client import WorkflowManager

PAGE_SIZE: Final = 100
MOST_ON_A_PAGE: Final = 1_000

AT_ONCE: Final = (WorkflowFormat.JSONL, WorkflowFormat.ID)
"""What is written as soon as it is found."""


class Showing(NamedTuple):
    """Which of the workflows that fit are shown, and how."""

    limit: int | None
    """How many at most; None shows all."""
    page: int = 1
    oldest_first: bool = False
    full: bool = False
    columns: Columns[models.Workflow] = WORKFLOW_COLUMNS
    output: WorkflowFormat = WorkflowFormat.TABLE

    @property
    def passed_over(self) -> int:
        """How many are on the pages before."""
        return 0 if self.limit is None else (self.page - 1) * self.limit


def showing_of(
    *,
    columns: Sequence[str] | None,
    output: WorkflowFormat,
    full: bool,
    limit: int | None = None,
    page: int = 1,
    oldest_first: bool = False,
) -> Showing:
    """Read what was asked for; names of columns may be several in a word."""
    chosen = chosen_columns(WORKFLOW_COLUMNS, columns) if columns else WORKFLOW_COLUMNS
    return Showing(limit, page, oldest_first, full, chosen, output)


def list_workflows(filters: Filters, showing: Showing, *, service: Service) -> ExitCode:
    """List a page of the workflows that fit, and say when there are more."""
    return call(service, lambda manager: _list(filters, showing, manager))


def show_several(ids: Sequence[str], showing: Showing, *, service: Service) -> ExitCode:
    """Show the workflows of ids, in their order."""

    async def get(manager: WorkflowManager) -> list[models.Workflow]:
        whole = await whole_ids(manager, ids)
        return list(await asyncio.gather(*(manager.get_workflow(each, fetch_history=True) for each in whole)))

    _write(call(service, get), showing)
    return ExitCode.OK


async def _list(filters: Filters, showing: Showing, manager: WorkflowManager) -> ExitCode:
    shown: list[models.Workflow] = []
    passed_over = 0
    more = False
    query = query_of(
        filters,
        filters.statuses,
        page_size=_page_size(filters, showing),
        oldest_first=showing.oldest_first,
        summary_only=not showing.full,
    )
    async with aclosing(manager.iter_workflows(**query)) as found:
        async for workflow in found:
            if not is_of_version(workflow, filters.version):
                continue
            if passed_over < showing.passed_over:
                passed_over += 1
                continue
            if len(shown) == showing.limit:
                more = True
                break
            shown.append(workflow)
            if showing.output in AT_ONCE:
                _write([workflow], showing)
        if not shown:
            await check_definition(manager, filters)
    if showing.output not in AT_ONCE:
        _write(shown, showing)
    if more:
        note(f"More workflows match: use --page {showing.page + 1} or --all.")
    return ExitCode.OK


def _page_size(filters: Filters, showing: Showing) -> int:
    """Return how many to ask for at a time: one more than is shown tells whether there are more."""
    if showing.limit is None or filters.version is not None or showing.page > 1:
        return MOST_ON_A_PAGE if showing.limit is None else PAGE_SIZE
    return min(showing.limit + 1, PAGE_SIZE)


def _write(found: Sequence[models.Workflow], showing: Showing) -> None:
    if showing.output is WorkflowFormat.ID:
        for workflow in found:
            write_line(visible(workflow.id))
    elif showing.full and showing.output is WorkflowFormat.TABLE:
        for workflow in found:
            write_details(workflow, full=True)
    else:
        write_results(found, showing.columns, output=Format(showing.output))
