"""The verbs ``help`` and ``version``."""

from typing import Annotated, Any

import typer

from workflow_manager.cli.options.completion import complete_verb
from workflow_manager.version import __version__


def show_help(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...", help="Command to explain; default: all commands.", autocompletion=complete_verb
        ),
    ] = None,
) -> Any:
    """Show the help of a command."""
    root = context.find_root()
    return root.command.main([*(words or ()), "--help"], prog_name=root.info_name, standalone_mode=False)


def version() -> None:
    """Show the version of this program."""
    typer.echo(f"workflow-manager {__version__}")
