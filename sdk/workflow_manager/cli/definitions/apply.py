"""The verbs ``definitions diff`` and ``definitions apply``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from workflow_manager import errors
from workflow_manager.cli.definitions.options import PathsArgument, SubstituteOption, SubstitutionsOption
from workflow_manager.cli.exit_codes import ExitCode, exit_code_of
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.output.console import counted, note, write_line
from workflow_manager.cli.output.escaping import escape

if TYPE_CHECKING:
    from workflow_manager import models
    from workflow_manager.cli.definitions.diff import Difference
    from workflow_manager.client import WorkflowManager

STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}
FAILED: Final = "failed"
NOT_TRIED: Final = "not tried"


class Wanted(NamedTuple):
    """A definition, and the file that holds it."""

    file: str
    request: "models.NewWorkflowDefinitionRequest"


class Applied(NamedTuple):
    """The result for one definition of a file."""

    file: str
    name: str
    version: int | None
    result: str
    message: str | None = None


def diff(
    paths: PathsArgument,
    *,
    substitute: SubstituteOption = None,
    substitutions: SubstitutionsOption = None,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    """Show what `definitions apply` would change.

    The exit code is 0 if nothing would change, and 1 otherwise.
    """
    from workflow_manager.cli.definitions.diff import Change, compare
    from workflow_manager.cli.definitions.files import read_substitutions
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.formats import write_documents

    wanted = _read_all(paths, read_substitutions(substitutions, substitute or ()))

    async def compare_all(manager: "WorkflowManager") -> "list[tuple[str, Difference]]":
        return [(file, await compare(manager, request)) for file, request in wanted]

    differences = call(service, compare_all)
    changed = [(file, difference) for file, difference in differences if difference.change is not Change.NONE]
    if output.has_columns:
        for file, difference in changed:
            _write_diff(difference.lines(file))
    else:
        write_documents([_applied(file, each) for file, each in differences], output=output)
    note(f"{len(changed)} of {counted(len(wanted), 'definition')} would change.")
    return ExitCode.FAILED if changed else ExitCode.OK


def apply(
    paths: PathsArgument,
    *,
    substitute: SubstituteOption = None,
    substitutions: SubstitutionsOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change without changing it.")] = False,
    service: ServiceOption = DEFAULT_SERVICE,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    """Create or update the definitions in files and folders.

    All files are checked first: if one is invalid, nothing is sent. If one definition cannot be stored, the others
    still are, unless the service is unavailable. Running it again changes nothing. Definitions without a file are left
    alone. Each placeholder ${NAME} needs a value; to keep one as it is, substitute it with itself:
    --substitute 'NAME=${NAME}'.
    """
    from workflow_manager.cli.definitions.diff import Change
    from workflow_manager.cli.definitions.files import read_substitutions
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.formats import write_results
    from workflow_manager.cli.output.table_layout import NOTHING, Column, Columns

    wanted = _read_all(paths, read_substitutions(substitutions, substitute or ()))
    applied, code = call(service, lambda manager: _apply_all(manager, wanted, dry_run=dry_run))
    columns: Columns[Applied] = {
        "file": Column(lambda each: each.file, min_width=16),
        "name": Column(lambda each: each.name, min_width=12),
        "version": Column(lambda each: NOTHING if each.version is None else str(each.version), drop_priority=2),
        "result": Column(lambda each: each.result),
    }
    write_results(applied, columns, output=output)
    for each in applied:
        if each.message is not None:
            note(f"{each.file}: {each.message}")
    counts = {result: sum(each.result == result for each in applied) for result in (*Change, FAILED, NOT_TRIED)}
    summary = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    note(f"{summary}{' (dry run: nothing was changed)' if dry_run else ''}.")
    return code


def _read_all(paths: Iterable[str], substitutions: Mapping[str, str]) -> list[Wanted]:
    """Read and check every file; print all problems, and raise ``InvalidRequest`` if any is an error."""
    from workflow_manager.cli.definitions.files import find_duplicates, open_files

    files = open_files(paths, substitutions=substitutions)
    problems = [problem for file in files for problem in file.problems(named=True)] + find_duplicates(files)
    for problem in problems:
        note(str(problem))
    wrong = sum(problem.finding.is_error for problem in problems)
    if wrong:
        raise errors.InvalidRequest(f"{counted(wrong, 'problem')} in {counted(len(files), 'file')}; nothing was sent.")
    return [Wanted(file.path, entry.definition()) for file in files for entry in file.entries]


async def _apply_all(
    manager: "WorkflowManager", wanted: Sequence[Wanted], *, dry_run: bool
) -> tuple[list[Applied], ExitCode]:
    from workflow_manager.cli.definitions.diff import compare, store_definition

    applied: list[Applied] = []
    worst = ExitCode.OK
    for file, request in wanted:
        if worst in {ExitCode.UNAVAILABLE, ExitCode.AUTH}:
            # The service is unavailable or refuses the credentials, so the rest would fail too.
            applied.append(_failed(file, request, NOT_TRIED))
            continue
        try:
            difference = await compare(manager, request)
            definition = None if dry_run else await store_definition(manager, difference)
        except errors.WorkflowManagerError as error:
            worst = max(worst, exit_code_of(error))
            applied.append(_failed(file, request, FAILED, error.message))
        else:
            applied.append(_applied(file, difference, definition))
    return applied, worst


def _applied(file: str, difference: "Difference", definition: "models.WorkflowDefinition | None" = None) -> Applied:
    """Return the result for a definition; without ``definition``, the version is the current one."""
    known = definition or difference.present
    version = known.version if known else None
    return Applied(file=file, name=difference.wanted.name, version=version, result=difference.change.value)


def _failed(
    file: str, request: "models.NewWorkflowDefinitionRequest", result: str, message: str | None = None
) -> Applied:
    return Applied(file=file, name=request.name, version=None, result=result, message=message)


def _write_diff(lines: Iterable[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    from workflow_manager.cli.output.formats import is_terminal

    console = Console(highlight=False, soft_wrap=True)
    colored = is_terminal()
    for line in map(escape, lines):
        if colored:
            console.print(Text(line, style=STYLES.get(line[:1], "")))
        else:
            write_line(line)
