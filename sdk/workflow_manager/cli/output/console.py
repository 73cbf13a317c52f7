"""Single lines: of results, and beside them for the person at the terminal."""

import sys
from typing import TextIO

from workflow_manager.cli.output.escaping import visible


def write_line(text: str = "") -> None:
    """Write a line that is already safe to show, at once."""
    _write(sys.stdout, text)


def note(text: str) -> None:
    """Say something to the person at the terminal, beside the results."""
    _write(sys.stderr, visible(text))


def _write(stream: TextIO, text: str) -> None:
    # Not with typer.echo: it looks for the stream behind the one that a progress bar has put in its place.
    stream.write(f"{text}\n")
    stream.flush()
