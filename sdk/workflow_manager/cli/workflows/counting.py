"""The verb ``workflows`` with ``--count-by``: counts instead of a list."""

from workflow_manager import errors, models
from workflow_manager.cli.bulk.eligibility import query_of
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.client import call
from workflow_manager.cli.options.common import Format, WorkflowFormat
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.options.filters import Filters
from workflow_manager.cli.output.console import note
from workflow_manager.cli.output.escaping import escape
from workflow_manager.cli.output.formats import write_results
from workflow_manager.cli.output.table_layout import Column, Columns
from workflow_manager.statuses import WorkflowProperty

DEFAULT_COUNTED = 1_000


def count_by(
    by: WorkflowProperty, filters: Filters, *, limit: int | None, service: Service, output: WorkflowFormat
) -> ExitCode:
    """Count the newest matching workflows by a property; the largest count comes first."""
    if filters.version is not None:
        raise errors.InvalidRequest("--count-by counts all versions of a definition; omit the version.")
    if output is WorkflowFormat.ID:
        raise errors.InvalidRequest("-o id lists ids; omit --count-by.")
    query = query_of(
        filters, filters.statuses, page_size=limit or DEFAULT_COUNTED, oldest_first=False, summary_only=False
    )
    del query["oldest_first"], query["summary_only"], query["omit_input"]
    counts = call(service, lambda manager: manager.count_workflows(by=by, **query))
    columns: Columns[models.WorkflowCount] = {
        by.value: Column(lambda each: escape(each.value)),
        "count": Column(lambda each: f"{each.count:,}{'+' if counts.more else ''}"),
    }
    write_results(counts.counts, columns, output=Format(output))
    if counts.more:
        note(f"Only the newest {counts.total:,} matching workflows were counted: use --limit to count more.")
    return ExitCode.OK
