"""What ``definitions diff`` and ``definitions apply`` do: a folder of files is what the service should have."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from rich.console import Console
from rich.text import Text

from workflow_manager import errors, models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.definitions.diff import Change, Difference, compare, make_so
from workflow_manager.cli.definitions.files import open_files, twins
from workflow_manager.cli.exit_codes import ExitCode, exit_code_of
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import visible
from workflow_manager.cli.output.formats import is_terminal, write_documents, write_results
from workflow_manager.cli.output.table_layout import NOTHING, Column, Columns
from workflow_manager.cli.output.words import counted

STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}
FAILED: Final = "failed"
LEFT: Final = "not tried"


class Wanted(NamedTuple):
    """A definition, and the file that it is in."""

    file: str
    request: models.NewWorkflowDefinitionRequest


class Applied(models.Response):
    """What became of the definition in one file."""

    file: str
    name: str
    version: int | None
    result: str
    message: str | None = None


def compare_files(
    paths: Sequence[str], *, substitutions: Mapping[str, str], service: Service, output: Format
) -> ExitCode:
    """Show what an apply of the files would change."""
    wanted = _read_all(paths, substitutions)
    differences = run(_compare_all(wanted, service))
    changed = [(file, difference) for file, difference in differences if difference.change is not Change.NONE]
    if output.has_columns:
        for file, difference in changed:
            _write_diff(difference.lines(file))
    else:
        write_documents([_applied(file, each) for file, each in differences], output=output)
    note(f"{len(changed)} of {counted(len(wanted), 'definition')} would change.")
    return ExitCode.FAILED if changed else ExitCode.OK


def apply_files(
    paths: Sequence[str], *, substitutions: Mapping[str, str], dry_run: bool, service: Service, output: Format
) -> ExitCode:
    """Put every definition that has changed."""
    wanted = _read_all(paths, substitutions)
    applied, code = run(_apply_all(wanted, dry_run=dry_run, service=service))
    write_results(applied, COLUMNS, output=output)
    for each in applied:
        if each.message is not None:
            note(f"{each.file}: {each.message}")
    counts = {result: sum(each.result == result for each in applied) for result in (*Change, FAILED, LEFT)}
    told = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    note(f"{told}{' (dry run: nothing was changed)' if dry_run else ''}.")
    return code


def _read_all(paths: Iterable[str], substitutions: Mapping[str, str]) -> list[Wanted]:
    """Read and check every file. Raises ``InvalidRequest`` with all that is wrong in all of them."""
    files = open_files(paths, substitutions=substitutions)
    problems = [problem for file in files for problem in file.problems(named=True)] + twins(files)
    for problem in problems:
        note(str(problem))
    wrong = sum(problem.finding.is_error for problem in problems)
    if wrong:
        raise errors.InvalidRequest(f"{counted(wrong, 'problem')} in {counted(len(files), 'file')}; nothing was sent.")
    return [Wanted(file.path, entry.definition()) for file in files for entry in file.entries]


async def _compare_all(wanted: Sequence[Wanted], service: Service) -> list[tuple[str, Difference]]:
    async with connect(service) as manager:
        return [(file, await compare(manager, request)) for file, request in wanted]


async def _apply_all(wanted: Sequence[Wanted], *, dry_run: bool, service: Service) -> tuple[list[Applied], ExitCode]:
    applied: list[Applied] = []
    worst = ExitCode.OK
    async with connect(service) as manager:
        for file, request in wanted:
            if worst in {ExitCode.UNAVAILABLE, ExitCode.AUTH}:
                # The service is gone, or will not have us: the next one would fail as well.
                applied.append(_failed(file, request, LEFT))
                continue
            try:
                difference = await compare(manager, request)
                definition = None if dry_run else await make_so(manager, difference)
            except errors.WorkflowManagerError as error:
                worst = max(worst, exit_code_of(error))
                applied.append(_failed(file, request, FAILED, error.message))
            else:
                applied.append(_applied(file, difference, definition))
    return applied, worst


def _applied(file: str, difference: Difference, definition: models.WorkflowDefinition | None = None) -> Applied:
    """Tell what became of a definition, or would: without it, the version is the present one."""
    known = definition or difference.present
    version = known.version if known else None
    return Applied(file=file, name=difference.wanted.name, version=version, result=difference.change.value)


def _failed(
    file: str, request: models.NewWorkflowDefinitionRequest, result: str, message: str | None = None
) -> Applied:
    return Applied(file=file, name=request.name, version=None, result=result, message=message)


def _write_diff(lines: Iterable[str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    colored = is_terminal()
    for line in map(visible, lines):
        if colored:
            console.print(Text(line, style=STYLES.get(line[:1], "")))
        else:
            write_line(line)


COLUMNS: Final[Columns[Applied]] = {
    "file": Column(lambda applied: applied.file, least=16),
    "name": Column(lambda applied: applied.name, least=12),
    "version": Column(lambda applied: NOTHING if applied.version is None else str(applied.version), spare=2),
    "result": Column(lambda applied: applied.result),
}
