"""What the verb ``definitions lint`` does: it shows all that is wrong in files."""

from collections.abc import Mapping, Sequence
from typing import Final

from workflow_manager import errors
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.definitions.files import DefinitionFile, FileProblem, open_files, twins
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import visible
from workflow_manager.cli.output.words import counted

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


async def _judge(files: Sequence[DefinitionFile], service: Service) -> list[FileProblem]:
    problems: list[FileProblem] = []
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
