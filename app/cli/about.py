"""The verbs ``help`` and ``version``."""

from typing import Annotated, Any

import typer

from app import __version__
from app.cli.completion import complete_verb


def show_help(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...", help="What to explain; without it, everything.", autocompletion=complete_verb
        ),
    ] = None,
) -> Any:
    """Explain a command."""
    root = context.find_root()
    return root.command.main([*(words or ()), "--help"], prog_name=root.info_name, standalone_mode=False)


def version() -> None:
    """Show the version of this program."""
    typer.echo(f"workflow-manager {__version__}")
