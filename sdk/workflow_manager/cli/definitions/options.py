"""Options that the verbs of definitions share."""

from typing import Annotated

import typer

from workflow_manager.cli.options.completion import complete_path

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
