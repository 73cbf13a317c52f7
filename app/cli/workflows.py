"""The verb ``workflows``."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from app import errors
from app.cli.connection import DEFAULT_SERVICE, ServiceOption
from app.cli.exits import ExitCode
from app.cli.filters import (
    CreatedAfterFilter,
    CreatedBeforeFilter,
    DefinitionFilter,
    NamespaceFilter,
    QueueFilter,
    StatusFilter,
    TagFilter,
)
from app.cli.later import later
from app.cli.options import FollowOption, TimeoutOption, WorkflowFormat, WorkflowFormatOption
from app.cli.typed import parse_filters
from app.cli.watch import watch_of

if TYPE_CHECKING:
    from app.cli.follow import follow_workflow
    from app.cli.workflow_details import show_workflow
    from app.cli.workflow_list import list_workflows
else:
    follow_workflow = later("app.cli.follow:follow_workflow")
    show_workflow = later("app.cli.workflow_details:show_workflow")
    list_workflows = later("app.cli.workflow_list:list_workflows")

DEFAULT_LIMIT: Final = 20


def workflows(
    only: Annotated[str | None, typer.Argument(metavar="ID", help="Show this one only.")] = None,
    *,
    workflow_id: Annotated[str | None, typer.Option(metavar="ID", help="The same.")] = None,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
    full: Annotated[bool, typer.Option("--full", help="Show inputs, outputs and reasons uncut.")] = False,
    definition: DefinitionFilter = None,
    status: StatusFilter = None,
    namespace: NamespaceFilter = None,
    queue: QueueFilter = None,
    tag: TagFilter = None,
    created_after: CreatedAfterFilter = None,
    created_before: CreatedBeforeFilter = None,
    resolved: Annotated[
        bool | None,
        typer.Option("--resolved/--unresolved", help="Those that somebody has seen to, or that need attention."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"How many at most; {DEFAULT_LIMIT}.")] = None,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="Begin with the oldest.")] = False,
    service: ServiceOption = DEFAULT_SERVICE,
    output: WorkflowFormatOption = WorkflowFormat.TABLE,
) -> ExitCode:
    """List workflows, or show and follow one.

    With an ID and --follow, show its jobs until it has ended; the exit code tells how. Ctrl-C only stops watching.
    """
    chosen = _chosen(only, workflow_id)
    watch = watch_of(wanted=follow_it, timeout_seconds=timeout, service=service, output=output)
    filters = parse_filters(
        definition=definition,
        status=status,
        namespace=namespace,
        queue=queue,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
        resolved=resolved,
    )
    if chosen is None:
        if watch is not None:
            raise errors.InvalidRequest("--follow needs an ID: one workflow can be followed.")
        return list_workflows(
            filters,
            limit=limit or DEFAULT_LIMIT,
            oldest_first=oldest_first,
            full=full,
            service=service,
            output=output,
        )
    if filters.given or limit is not None or oldest_first:
        raise errors.InvalidRequest("An ID and filters exclude each other.")
    if watch is not None and full:
        raise errors.InvalidRequest("--follow and --full exclude each other.")
    if watch is not None:
        return follow_workflow(chosen, watch)
    return show_workflow(chosen, full=full, service=service, output=output)


def _chosen(only: str | None, workflow_id: str | None) -> str | None:
    if only is not None and workflow_id is not None:
        raise errors.InvalidRequest("Give the ID once: with --workflow-id, or without.")
    return workflow_id if only is None else only
