"""The verbs ``definitions list``, ``get``, ``put``, ``lint``, ``diff`` and ``apply``."""

from typing import Annotated

import typer

from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.completion import complete_definition, complete_path
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.options.parsing import parse_definition, parse_tags

PathsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="JSON or YAML files with one or more definitions, or folders of such files.",
        autocompletion=complete_path,
    ),
]


SubstituteOption = Annotated[
    list[str] | None,
    typer.Option("--substitute", metavar="NAME=VALUE", help="Value of the placeholder ${NAME}; repeatable."),
]
SubstitutionsOption = Annotated[
    str | None,
    typer.Option("--substitutions", metavar="FILE", help="JSON or YAML file with placeholder values."),
]


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
    from workflow_manager.cli.definitions.actions import show_definitions

    show_definitions(name, service=service, output=output)


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
    from workflow_manager.cli.definitions.actions import show_definition

    show_definition(*parse_definition(definition), service=service, output=output)


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
    from workflow_manager.cli.definitions.actions import put_file
    from workflow_manager.cli.definitions.files import read_substitutions

    name, path = (None, name_or_file) if file is None else (name_or_file, file)
    values = read_substitutions(substitutions, substitute or ())
    put_file(
        path,
        name=name,
        tags=parse_tags(tag or ()),
        substitutions=values,
        force=force,
        service=service,
        output=output,
    )


def lint(
    context: typer.Context,
    paths: PathsArgument,
    *,
    substitute: SubstituteOption = None,
    substitutions: SubstitutionsOption = None,
    ask_service: Annotated[
        bool, typer.Option("--service", help="Also validate with the service, which stores nothing.")
    ] = False,
    service: ServiceOption = DEFAULT_SERVICE,
) -> ExitCode:
    """Check definitions and state machines without a service.

    Each finding is one line, file:line: pointer: message. The exit code is 1 if any finding is an error. Folders are
    read as by `definitions apply`; a file given by name may hold only a state machine. A placeholder ${NAME} without a
    value is a warning, and its value is not checked.
    """
    from workflow_manager.cli.definitions.files import read_substitutions
    from workflow_manager.cli.definitions.lint import lint_files

    source = context.get_parameter_source("service")
    if not ask_service and source is not None and source.name == "COMMANDLINE":
        raise errors.InvalidRequest("--url needs --service; without it no service is called.")
    values = read_substitutions(substitutions, substitute or ())
    return lint_files(paths, substitutions=values, service=service if ask_service else None)


def diff(
    paths: PathsArgument,
    *,
    substitute: SubstituteOption = None,
    substitutions: SubstitutionsOption = None,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    """Show what `definitions apply` would change.

    The exit code is 0 if nothing would change, and 1 otherwise.
    """
    from workflow_manager.cli.definitions.apply import compare_files
    from workflow_manager.cli.definitions.files import read_substitutions

    values = read_substitutions(substitutions, substitute or ())
    return compare_files(paths, substitutions=values, service=service, output=output)


def apply(
    paths: PathsArgument,
    *,
    substitute: SubstituteOption = None,
    substitutions: SubstitutionsOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change without changing it.")] = False,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    """Create or update the definitions in files and folders.

    All files are checked first: if one is invalid, nothing is sent. If one definition cannot be stored, the others
    still are, unless the service is unavailable. Running it again changes nothing. Definitions without a file are left
    alone. Each placeholder ${NAME} needs a value; to keep one as it is, substitute it with itself:
    --substitute 'NAME=${NAME}'.
    """
    from workflow_manager.cli.definitions.apply import apply_files
    from workflow_manager.cli.definitions.files import read_substitutions

    values = read_substitutions(substitutions, substitute or ())
    return apply_files(paths, substitutions=values, dry_run=dry_run, service=service, output=output)
