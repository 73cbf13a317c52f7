"""The verbs ``definitions list``, ``get`` and ``put``."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from workflow_manager import errors
from workflow_manager.cli.definitions.options import SubstituteOption, SubstitutionsOption
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_definition, complete_path
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.options.parsing import parse_definition, parse_tags
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import escape_json

if TYPE_CHECKING:
    from workflow_manager import models
    from workflow_manager.client import WorkflowManager


def list_definitions(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Show all versions of this definition.", autocompletion=complete_definition
        ),
    ] = None,
    *,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """List definitions, or all versions of one."""
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.columns import DEFINITION_COLUMNS
    from workflow_manager.cli.output.formats import write_results

    if name is None:
        found = call(service, lambda manager: manager.list_definitions())
    else:
        found = call(service, lambda manager: manager.list_definition_versions(name))
    write_results(found, DEFINITION_COLUMNS, output=output)


def get_definition(
    definition: Annotated[
        str,
        typer.Argument(
            metavar="NAME[:VERSION]",
            help="Definition; a trailing number is the version, :-1 the latest.",
            autocompletion=complete_definition,
        ),
    ],
    *,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show one version of a definition.

    The output of -o json and -o yaml can be passed back to `definitions put`.
    """
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.columns import DEFINITION_COLUMNS
    from workflow_manager.cli.output.formats import write_fields, write_result

    name, version = parse_definition(definition)
    found = call(service, lambda manager: manager.get_definition(name, version=version))
    if output is not Format.TABLE:
        write_result(found, DEFINITION_COLUMNS, output=output)
        return
    write_fields({title: column.show(found) for title, column in DEFINITION_COLUMNS.items()})
    write_line()
    write_line(escape_json(json.dumps(found.state_machine, ensure_ascii=False, indent=2)))


def put_definition(
    name_or_file: Annotated[
        str,
        typer.Argument(
            metavar="[NAME] FILE",
            help="JSON or YAML file; NAME is needed if it holds only a state machine.",
            autocompletion=complete_path,
        ),
    ],
    file: Annotated[str | None, typer.Argument(hidden=True, autocompletion=complete_path)] = None,
    *,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Default tag; repeatable.")] = None,
    substitute: SubstituteOption = None,
    substitutions: SubstitutionsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Add a version even if nothing changed.")] = False,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Create a definition, or add a version to it.

    FILE (- for standard input) holds {name, stateMachine, defaultTags} or only a state machine.
    """
    from workflow_manager.cli.definitions.diff import Change, compare, store_definition
    from workflow_manager.cli.definitions.files import DefinitionFile, read_substitutions
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.columns import DEFINITION_COLUMNS, definition_label
    from workflow_manager.cli.output.formats import write_result

    name, path = (None, name_or_file) if file is None else (name_or_file, file)
    entry = DefinitionFile(path, substitutions=read_substitutions(substitutions, substitute or ())).only()
    request = entry.definition(name=name, tags=parse_tags(tag or ()))

    async def put(manager: "WorkflowManager") -> "tuple[Change, models.WorkflowDefinition]":
        difference = await compare(manager, request)
        change = Change.ADDED if force and difference.change is Change.NONE else difference.change
        return change, await store_definition(manager, difference, force=force)

    change, stored = call(service, put)
    note(f"{change.past_tense} {definition_label(stored)}.")
    for warning in stored.warnings or ():
        finding = errors.Finding(warning.pointer, warning.message, errors.Severity.WARNING)
        note(str(entry.problem(finding)))
    write_result(stored, DEFINITION_COLUMNS, output=output)
