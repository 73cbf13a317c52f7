"""The workflows that a command works on: given by id, or selected by filters."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

import typer

from workflow_manager import errors
from workflow_manager.cli.bulk.id_input import expand_ids
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
    """The workflows that a command works on, and how it processes many."""

    ids: tuple[str, ...] | None
    """None if filters select."""
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
        """The id, if exactly one workflow is given and the action runs directly, without dry run or journal."""
        alone = self.ids is not None and len(self.ids) == 1 and not self.dry_run and self.journal is None
        return self.ids[0] if self.ids and alone else None


def read_selection(
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
    """Return the selection. Ids with filters are refused, and so is neither: it would select all workflows."""
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
    return Selection(expand_ids(ids) if ids else None, filters, limit, dry_run, yes, rate, journal, service, output)


def with_selection(verb: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Add the parameters of `read_selection` to a command, which receives the selection as its first argument."""
    shared = inspect.signature(read_selection).parameters
    own = list(inspect.signature(verb).parameters.values())[1:]

    @functools.wraps(verb)
    def command(ids: list[str] | None = None, **given: Any) -> ExitCode:
        from workflow_manager.cli.options.id_prefixes import resolve_ids

        selection = read_selection(ids, **{name: given.pop(name) for name in shared if name in given})
        if selection.ids:
            selection = selection._replace(ids=resolve_ids(selection.ids, selection.service))
        return verb(selection, **given)

    first, *others = shared.values()
    hints = get_type_hints(read_selection, include_extras=True) | get_type_hints(verb, include_extras=True)
    parameters = [first, *own, *others]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect and typer read
    command.__annotations__ = {parameter.name: hints[parameter.name] for parameter in parameters}
    return command
