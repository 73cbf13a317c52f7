"""The verb ``definitions lint``."""

from typing import Annotated

import typer

from app.cli.definition_files import find_problems
from app.cli.exits import ExitCode
from app.cli.lines import note, write_line
from app.cli.text import visible


def lint(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="JSON or YAML: definitions, or state machines alone.")
    ],
) -> ExitCode:
    """Check state machines without a service.

    Every finding is one line, file:line: pointer: message. The exit code is 1 when there are any.
    """
    problems = [problem for path in files for problem in find_problems(path)]
    for problem in problems:
        write_line(visible(str(problem)))
    note(f"{_counted(len(problems), 'problem')} in {_counted(len(files), 'file')}.")
    return ExitCode.FAILED if problems else ExitCode.OK


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
