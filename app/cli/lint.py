"""What the verb ``definitions lint`` does: it shows all that is wrong in files."""

from collections.abc import Mapping, Sequence
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


def lint_files(paths: Sequence[str], *, substitutions: Mapping[str, str], service: Service | None) -> ExitCode:
    """Check files here and, when there is one, with the service, which may know more than this program.

    A folder is read as an apply would; a file that is named may hold a state machine alone.
    """
    files = open_files(paths, substitutions=substitutions)
    problems = [
        problem for file in files for problem in file.problems(named=file.in_folder, unresolved=errors.Severity.WARNING)
    ]
    problems += twins(files)
    if service is not None and not any(problem.finding.is_error for problem in problems):
        problems += [problem for problem in run(_judge(files, service)) if problem not in problems]
    for problem in problems:
        write_line(visible(str(problem)))
    wrong = sum(problem.finding.is_error for problem in problems)
    warnings = f" and {counted(len(problems) - wrong, 'warning')}" if len(problems) > wrong else ""
    note(f"{counted(wrong, 'problem')}{warnings} in {counted(len(files), 'file')}.")
    return ExitCode.FAILED if wrong else ExitCode.OK


async def _judge(files: Sequence[DefinitionFile], service: Service) -> list[Problem]:
    problems: list[Problem] = []
    async with connect(service) as manager:
        for entry in (entry for file in files for entry in file.entries):
            try:
                verdict = await manager.validate_definition(entry.definition(unnamed=UNNAMED))
            except errors.InvalidRequest as refusal:
                findings = list(refusal.findings) or [errors.Finding("", refusal.message)]
            else:
                findings = [
                    errors.Finding(warning.pointer, warning.message, errors.Severity.WARNING)
                    for warning in verdict.warnings or ()
                ]
            problems += map(entry.problem, findings)
    return problems
