"""The verb ``workflows``."""

from typing import Annotated, Final

import typer

from workflow_manager import errors
from workflow_manager.cli.bulk.id_input import expand_ids
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import FollowOption, TimeoutOption, WorkflowFormat, WorkflowFormatOption
from workflow_manager.cli.options.completion import complete_column, complete_workflow
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, Service, ServiceOption
from workflow_manager.cli.options.filters import (
    CountByOption,
    CreatedAfterFilter,
    CreatedBeforeFilter,
    DefinitionFilter,
    Filters,
    FingerprintFilter,
    NamespaceFilter,
    QueueFilter,
    ResolvedByFilter,
    StatusFilter,
    TagFilter,
)
from workflow_manager.cli.options.parsing import parse_filters
from workflow_manager.cli.synonyms import Hint
from workflow_manager.cli.workflows.follow import FollowOptions, follow_workflow, read_follow_options
from workflow_manager.statuses import WorkflowProperty

DEFAULT_LIMIT: Final = 20
COLUMNS_OF: Final = {WorkflowFormat.TABLE, WorkflowFormat.WIDE, WorkflowFormat.CSV}
"""Formats with columns."""


def workflows(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...",
            help="Workflows to show; the first 8 characters of an id are enough.",
            autocompletion=complete_workflow,
        ),
    ] = None,
    *,
    workflow_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Same as the ID argument.", autocompletion=complete_workflow)
    ] = None,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
    full: Annotated[bool, typer.Option("--full", help="Show inputs, outputs and reasons in full.")] = False,
    cause: Annotated[
        bool, typer.Option("--cause", help="Print only the full cause of the last job's failure.")
    ] = False,
    definition: DefinitionFilter = None,
    status: StatusFilter = None,
    namespace: NamespaceFilter = None,
    queue: QueueFilter = None,
    tag: TagFilter = None,
    created_after: CreatedAfterFilter = None,
    created_before: CreatedBeforeFilter = None,
    resolved: Annotated[
        bool | None,
        typer.Option(
            "--resolved/--unresolved",
            help="Only workflows that need no attention, or only failed ones that are not resolved.",
        ),
    ] = None,
    resolved_by: ResolvedByFilter = None,
    fingerprint: FingerprintFilter = None,
    count_by: CountByOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help=f"Maximum number of workflows; default {DEFAULT_LIMIT}.")
    ] = None,
    page: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Page of the list; earlier pages are read too.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List all matching workflows.")] = False,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="List the oldest first.")] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,...",
            help="Columns of the table or CSV, such as id,status,duration.",
            autocompletion=complete_column,
        ),
    ] = None,
    service: ServiceOption = DEFAULT_SERVICE,
    output: WorkflowFormatOption = WorkflowFormat.TABLE,
) -> ExitCode:
    """List workflows, or show and follow individual ones.

    With an ID and --follow, show its jobs until it ends; the exit code reflects its status. Ctrl-C stops watching,
    not the workflow.
    """
    from workflow_manager.cli.workflows.details import show_cause
    from workflow_manager.cli.workflows.listing import list_options, list_workflows, show_several

    chosen = _chosen(ids or [], workflow_id)
    following = read_follow_options(wanted=follow_it, timeout_seconds=timeout, service=service, output=output)
    filters = parse_filters(
        definition=definition,
        status=status,
        namespace=namespace,
        queue=queue,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
        resolved=resolved,
        resolved_by=resolved_by,
        fingerprint=fingerprint,
    )
    if cause:
        return show_cause(_alone(chosen, filters_given=filters.given, output=output), service=service)
    if columns and output not in COLUMNS_OF:
        raise errors.InvalidRequest("--columns works only with -o table, wide and csv.")
    if count_by is not None:
        return _count(
            count_by,
            filters,
            chosen,
            limit=limit,
            listing=(page, everything, oldest_first, full, columns, following),
            service=service,
            output=output,
        )
    if not chosen:
        if following is not None:
            raise Hint("Give the ID of the workflow to follow:", [service.command("workflows", "ID", "--follow")])
        if everything and (limit is not None or page is not None):
            raise errors.InvalidRequest("--all excludes --limit and --page.")
        shown = None if everything else limit or DEFAULT_LIMIT
        return list_workflows(
            filters,
            list_options(
                limit=shown, page=page or 1, oldest_first=oldest_first, full=full, columns=columns, output=output
            ),
            service=service,
        )
    if filters.given or limit is not None or page is not None or everything or oldest_first:
        raise errors.InvalidRequest("Give an ID or filters, not both.")
    if len(chosen) > 1 or columns:
        if following is not None:
            raise Hint(
                "Only one workflow can be followed at a time. To wait for several:", [service.command("wait", *chosen)]
            )
        return show_several(chosen, list_options(full=full, columns=columns, output=output), service=service)
    return _follow_or_show(chosen[0], following, full=full, service=service, output=output)


def _count(
    by: WorkflowProperty,
    filters: Filters,
    chosen: tuple[str, ...],
    *,
    limit: int | None,
    listing: tuple[object, ...],
    service: Service,
    output: WorkflowFormat,
) -> ExitCode:
    from workflow_manager.cli.workflows.counting import count_by

    if chosen or any(listing):
        raise errors.InvalidRequest("--count-by takes filters and --limit, and nothing else.")
    return count_by(by, filters, limit=limit, service=service, output=output)


def _follow_or_show(
    workflow_id: str, following: FollowOptions | None, *, full: bool, service: Service, output: WorkflowFormat
) -> ExitCode:
    from workflow_manager.cli.workflows.details import show_workflow

    if following is None:
        return show_workflow(workflow_id, full=full, service=service, output=output)
    if full:
        raise errors.InvalidRequest("--follow and --full exclude each other.")
    return follow_workflow(workflow_id, following)


def _chosen(ids: list[str], workflow_id: str | None) -> tuple[str, ...]:
    if ids and workflow_id is not None:
        raise errors.InvalidRequest("Give the ID once: as an argument or with --workflow-id.")
    return expand_ids(ids if workflow_id is None else [workflow_id])


def _alone(chosen: tuple[str, ...], *, filters_given: bool, output: WorkflowFormat) -> str:
    """Return the id of the workflow for --cause."""
    if len(chosen) != 1 or filters_given:
        raise errors.InvalidRequest("--cause needs one ID and no filters: it prints the cause of one workflow.")
    if output is not WorkflowFormat.TABLE:
        raise errors.InvalidRequest("--cause prints plain text; for JSON, use -o json without --cause.")
    return chosen[0]
