"""The verb ``definitions lint``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from workflow_manager import errors
from workflow_manager.cli.definitions.options import PathsArgument, SubstituteOption, SubstitutionsOption
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.output.console import counted, note, write_line
from workflow_manager.cli.output.escaping import escape

if TYPE_CHECKING:
    from workflow_manager.cli.definitions.files import DefinitionFile, FileProblem
    from workflow_manager.client import WorkflowManager

UNNAMED: Final = "unnamed"
"""The name that the service gets for a state machine without one."""


class LintFinding(NamedTuple):
    """A finding, as programs read it."""

    file: str
    line: int
    pointer: str
    severity: str
    message: str


def lint(
    context: typer.Context,
    paths: PathsArgument,
    *,
    substitute: SubstituteOption = None,
    substitutions: SubstitutionsOption = None,
    ask_service: Annotated[
        bool, typer.Option("--service", help="Also validate with the service, which stores nothing.")
    ] = False,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    """Check definitions and state machines without a service.

    Each finding is one line, file:line: pointer: message, or a document with -o. The exit code is 1 if any finding is
    an error. Folders are read as by `definitions apply`; a file given by name may hold only a state machine. A
    placeholder ${NAME} without a value is a warning, and its value is not checked.
    """
    from workflow_manager.cli.definitions.files import find_duplicates, open_files, read_substitutions
    from workflow_manager.cli.options.client import call

    source = context.get_parameter_source("service")
    if not ask_service and source is not None and source.name == "COMMANDLINE":
        raise errors.InvalidRequest("--url needs --service; without it no service is called.")
    files = open_files(paths, substitutions=read_substitutions(substitutions, substitute or ()))
    problems = [
        problem for file in files for problem in file.problems(named=file.in_folder, unresolved=errors.Severity.WARNING)
    ]
    problems += find_duplicates(files)
    if ask_service and not any(problem.finding.is_error for problem in problems):
        found = call(service, lambda manager: _validate(manager, files))
        problems += [problem for problem in found if problem not in problems]
    _write(problems, output=output)
    wrong = sum(problem.finding.is_error for problem in problems)
    warnings = f" and {counted(len(problems) - wrong, 'warning')}" if len(problems) > wrong else ""
    note(f"{counted(wrong, 'problem')}{warnings} in {counted(len(files), 'file')}.")
    return ExitCode.FAILED if wrong else ExitCode.OK


def _write(problems: "Sequence[FileProblem]", *, output: Format) -> None:
    """Write a line per finding, as compilers do, or documents and columns for programs."""
    from workflow_manager.cli.output.formats import write_results
    from workflow_manager.cli.output.table_layout import Column, Columns

    if output is Format.TABLE:
        for problem in problems:
            write_line(escape(str(problem)))
        return
    columns: Columns[LintFinding] = {
        "file": Column(lambda each: each.file),
        "line": Column(lambda each: str(each.line)),
        "pointer": Column(lambda each: each.pointer),
        "severity": Column(lambda each: each.severity),
        "message": Column(lambda each: each.message),
    }
    found = [
        LintFinding(path, line, finding.pointer, finding.severity.value, finding.message)
        for path, line, finding in problems
    ]
    write_results(found, columns, output=output)


async def _validate(manager: "WorkflowManager", files: "Sequence[DefinitionFile]") -> "list[FileProblem]":
    """Return the findings of the service, which may know more than this program."""
    problems: list[FileProblem] = []
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
