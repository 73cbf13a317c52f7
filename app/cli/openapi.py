"""The verb ``openapi``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from workflow_manager import errors
from workflow_manager.cli.options.completion import complete_path
from workflow_manager.cli.output.console import write_line


def openapi(
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write; default: standard output.",
            autocompletion=complete_path,
        ),
    ] = None,
) -> None:
    """Write the OpenAPI description of the service."""
    from app.main import create_app

    text = json.dumps(create_app().openapi(), indent=2, ensure_ascii=False)
    if output is None:
        write_line(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise errors.InvalidRequest(f"Cannot write {output}: {error.strerror}.") from error
