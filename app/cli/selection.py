"""Which workflows a command is about: one by its id, or all that filters let through."""

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, get_type_hints

import typer

from app import errors, models
from app.cli.completion import complete_definition
from app.cli.exits import ExitCode
from app.cli.inputs import parse_tags
from app.cli.options import DEFAULT_URL, Format, FormatOption, UrlOption
from app.client import WorkflowFilters, WorkflowManager

PAGE_SIZE: Final = 1_000


class Filters(NamedTuple):
    """What was asked for; None and empty let everything through."""

    definition: str | None
    statuses: Sequence[models.WorkflowStatus]
    namespace: str | None
    queue: str | None
    tags: models.Tags
    limit: int | None

    @property
    def given(self) -> bool:
        """Whether anything narrows the choice; a limit alone is no choice."""
        return any([self.definition, self.statuses, self.namespace, self.queue, self.tags])


class Choice(NamedTuple):
    """What a command is about, and how it goes about many."""

    workflow_id: str | None
    filters: Filters
    dry_run: bool
    yes: bool
    rate: float
    journal: Path | None
    url: str
    output: Format


class Scope(NamedTuple):
    """Which workflows a verb can be about: those of some statuses, ``usual`` unless others are asked for."""

    usual: Sequence[models.WorkflowStatus]
    possible: frozenset[models.WorkflowStatus]
    unresolved: bool = False
    fits: Callable[[models.Workflow], bool] = lambda _: True


def choose(
    workflow_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Id of the workflow; without it, use filters.")
    ] = None,
    *,
    definition: Annotated[
        str | None,
        typer.Option(
            "--definition", "-d", metavar="NAME", help="Runs of this definition.", autocompletion=complete_definition
        ),
    ] = None,
    status: Annotated[
        list[models.WorkflowStatus] | None, typer.Option(help="Those with this status; repeatable.")
    ] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", metavar="NS", help="Those in it.")] = None,
    queue: Annotated[str | None, typer.Option(help="Those in this queue.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Those with this tag; repeatable, all must fit.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Of those, so many at most, the oldest first.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which it would be, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before doing it to many.")] = False,
    rate: Annotated[float, typer.Option(min=0.01, max=1000, metavar="N", help="So many a second at most.")] = 10.0,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Note there what is done, and leave out what is noted already."),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> Choice:
    """Read what a command is about. Refuse an id with filters, and neither: a slip would be about everything."""
    filters = Filters(definition, status or (), namespace, queue, parse_tags(tag or ()), limit)
    if workflow_id is not None and filters.given:
        raise errors.InvalidRequest("An id and filters exclude each other.")
    if workflow_id is None and not filters.given:
        raise errors.InvalidRequest(
            "Give the id of a workflow, or filters for many, such as --definition NAME --status failed."
        )
    return Choice(workflow_id, filters, dry_run, yes, rate, journal, url, output)


def with_choice(verb: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Give a command the parameters of `choose` besides its own; what they say is its first argument."""
    shared = inspect.signature(choose).parameters
    own = list(inspect.signature(verb).parameters.values())[1:]

    @functools.wraps(verb)
    def command(workflow_id: str | None = None, **given: Any) -> ExitCode:
        choice = choose(workflow_id, **{name: given.pop(name) for name in shared if name in given})
        return verb(choice, **given)

    first, *others = shared.values()
    hints = get_type_hints(choose, include_extras=True) | get_type_hints(verb, include_extras=True)
    parameters = [first, *own, *others]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect and typer read
    command.__annotations__ = {parameter.name: hints[parameter.name] for parameter in parameters}
    return command


async def select(manager: WorkflowManager, filters: Filters, scope: Scope) -> list[models.Workflow]:
    """Return the summaries of all that fit, the oldest first."""
    for status in filters.statuses:
        if status not in scope.possible:
            words = " or ".join(sorted(scope.possible))
            raise errors.InvalidRequest(f"This is for workflows that are {words}, not {status}.")
    found = [
        workflow
        for status in dict.fromkeys(filters.statuses or scope.usual)
        async for workflow in manager.iter_workflows(**_query(filters, status, unresolved=scope.unresolved))
        if scope.fits(workflow)
    ]
    found.sort(key=lambda workflow: (workflow.created_at, workflow.id))
    return found[: filters.limit]


def _query(filters: Filters, status: models.WorkflowStatus, *, unresolved: bool) -> WorkflowFilters:
    query: WorkflowFilters = {"status": status, "summary_only": True, "oldest_first": True, "limit": PAGE_SIZE}
    if filters.definition is not None:
        query["definition_name"] = filters.definition
    if filters.namespace is not None:
        query["namespace"] = filters.namespace
    if filters.queue is not None:
        query["queue"] = filters.queue
    if filters.tags:
        query["tags"] = filters.tags
    if unresolved:
        query["resolved_by_user"] = False
    return query
