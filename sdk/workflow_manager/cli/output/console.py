"""Single lines: results on standard output, notes for a person on standard error."""

import sys
from typing import TextIO

from workflow_manager.cli.output.escaping import escape


def write_line(text: str = "") -> None:
    """Write a line of results, already escaped, and flush it."""
    _write(sys.stdout, text)


def note(text: str) -> None:
    """Write a line for a person, beside the results."""
    _write(sys.stderr, escape(text))


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, in the plural unless it is 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _write(stream: TextIO, text: str) -> None:
    # Not with typer.echo: it bypasses the stream that a progress bar puts in place of the real one.
    stream.write(f"{text}\n")
    stream.flush()
