"""Which workflows a command is about: some by their ids, or all that filters let through."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

import typer

from workflow_manager import errors
from workflow_manager.cli.bulk.id_input import read_words
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_path, complete_workflow
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, Service, ServiceOption
from workflow_manager.cli.options.filters import (
    CreatedAfterFilter,
    CreatedBeforeFilter,
    DefinitionFilter,
    Filters,
    NamespaceFilter,
    QueueFilter,
    StatusFilter,
    TagFilter,
)
from workflow_manager.cli.options.parsing import parse_filters


class Selection(NamedTuple):
    """What a command is about, and how it goes about many."""

    ids: tuple[str, ...] | None
    """None when filters choose."""
    filters: Filters
    limit: int | None
    dry_run: bool
    yes: bool
    rate: float
    journal: Path | None
    service: Service
    output: Format

    @property
    def only_id(self) -> str | None:
        """The id, when it is about one workflow that was named, and about doing it now."""
        alone = self.ids is not None and len(self.ids) == 1 and not self.dry_run and self.journal is None
        return self.ids[0] if self.ids and alone else None


def choose(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...",
            help="Workflow ids or their first 8 characters; - reads standard input. Without ids, use filters.",
            autocompletion=complete_workflow,
        ),
    ] = None,
    *,
    definition: DefinitionFilter = None,
    status: StatusFilter = None,
    namespace: NamespaceFilter = None,
    queue: QueueFilter = None,
    tag: TagFilter = None,
    created_after: CreatedAfterFilter = None,
    created_before: CreatedBeforeFilter = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Maximum number of workflows, oldest first.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which workflows would be changed, without changing them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")] = False,
    rate: Annotated[float, typer.Option(min=0.01, max=1000, metavar="N", help="Maximum operations per second.")] = 10.0,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Record progress in FILE; a rerun skips what is recorded.",
            autocompletion=complete_path,
        ),
    ] = None,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> Selection:
    """Read what a command is about. Refuse ids with filters, and neither: a slip would be about everything."""
    filters = parse_filters(
        definition=definition,
        status=status,
        namespace=namespace,
        queue=queue,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
    )
    if ids and filters.given:
        raise errors.InvalidRequest("Give ids or filters, not both.")
    if ids and limit is not None:
        raise errors.InvalidRequest("--limit works with filters, not with ids.")
    if not ids and not filters.given:
        raise errors.InvalidRequest("Give workflow ids, or filters such as --definition NAME.")
    return Selection(read_words(ids) if ids else None, filters, limit, dry_run, yes, rate, journal, service, output)


def with_choice(verb: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Give a command the parameters of `choose` besides its own; what they say is its first argument."""
    shared = inspect.signature(choose).parameters
    own = list(inspect.signature(verb).parameters.values())[1:]

    @functools.wraps(verb)
    def command(ids: list[str] | None = None, **given: Any) -> ExitCode:
        from workflow_manager.cli.options.id_prefixes import resolve_ids

        choice = choose(ids, **{name: given.pop(name) for name in shared if name in given})
        if choice.ids:
            choice = choice._replace(ids=resolve_ids(choice.ids, choice.service))
        return verb(choice, **given)

    first, *others = shared.values()
    hints = get_type_hints(choose, include_extras=True) | get_type_hints(verb, include_extras=True)
    parameters = [first, *own, *others]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect and typer read
    command.__annotations__ = {parameter.name: hints[parameter.name] for parameter in parameters}
    return command
