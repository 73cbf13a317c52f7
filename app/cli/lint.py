"""What the verb ``definitions lint`` does: it shows all that is wrong in files."""

from collections.abc import Sequence
from typing import Final

from app import errors
from app.cli.client import connect
from app.cli.connection import Service
from app.cli.definition_files import DefinitionFile, Problem, open_files, twins
from app.cli.exits import ExitCode
from app.cli.lines import note, write_line
from app.cli.running import run
from app.cli.text import visible
from app.cli.words import counted

UNNAMED: Final = "unnamed"
"""What the service is told as the name of a state machine that has none."""


def lint_files(paths: Sequence[str], *, service: Service | None) -> ExitCode:
    """Check files here and, when there is one, with the service, which may know more than this program.

    A folder is read as an apply would; a file that is named may hold a state machine alone.
    """
    files = open_files(paths)
    problems = [problem for file in files for problem in file.problems(named=file.in_folder)]
    problems += twins(files)
    if service is not None and not problems:
        problems = run(_judge(files, service))
    for problem in problems:
        write_line(visible(str(problem)))
    note(f"{counted(len(problems), 'problem')} in {counted(len(files), 'file')}.")
    return ExitCode.FAILED if problems else ExitCode.OK


async def _judge(files: Sequence[DefinitionFile], service: Service) -> list[Problem]:
    problems: list[Problem] = []
    async with connect(service) as manager:
        for entry in (entry for file in files for entry in file.entries):
            try:
                await manager.validate_definition(entry.definition(unnamed=UNNAMED))
            except errors.InvalidRequest as refusal:
                findings = refusal.findings or [errors.Finding("", refusal.message)]
                problems += map(entry.problem, findings)
    return problems
