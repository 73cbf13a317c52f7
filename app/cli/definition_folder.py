"""The verbs ``definitions diff`` and ``definitions apply``: a folder of files is what the service should have."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from app import errors, models
from app.cli.definition_changes import Change, Difference, compare, make_so
from app.cli.definition_files import find_problems, read_definition
from app.cli.exits import ExitCode, exit_code_of
from app.cli.lines import note, write_line
from app.cli.options import DEFAULT_URL, Format, FormatOption, UrlOption
from app.cli.output import NOTHING, Columns, is_terminal, write_documents, write_table
from app.cli.text import visible
from app.client import WorkflowManager

SUFFIXES: Final = frozenset({".json", ".yaml", ".yml"})
STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}
FAILED: Final = "failed"

PathsArgument = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, and folders of files, in JSON or YAML.")
]


class Applied(models.Response):
    """What became of the definition in one file."""

    file: str
    name: str
    version: int | None
    result: str
    message: str | None = None


def diff(paths: PathsArgument, *, url: UrlOption = DEFAULT_URL, output: FormatOption = Format.TABLE) -> ExitCode:
    """Show what an apply of the same files would change.

    The exit code is 0 when nothing would change, and 1 when something would.
    """
    wanted = _read_all(paths)
    differences = asyncio.run(_compare_all(wanted, url=url))
    changed = {path: difference for path, difference in differences.items() if difference.change is not Change.NONE}
    if output is Format.TABLE:
        for path, difference in changed.items():
            _write_diff(difference.lines(path))
    else:
        write_documents([_applied(path, each) for path, each in differences.items()], output=output)
    note(f"{len(changed)} of {len(wanted)} definitions would change.")
    return ExitCode.FAILED if changed else ExitCode.OK


def apply(
    paths: PathsArgument,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    """Put every definition of a folder that has changed.

    All files are checked first: when one is wrong, nothing is put. A definition that one file fails to put does not
    keep those of others. Running it again changes nothing. Definitions without a file are left alone.
    """
    wanted = _read_all(paths)
    applied, code = asyncio.run(_apply_all(wanted, dry_run=dry_run, url=url))
    if output is Format.TABLE:
        write_table(applied, COLUMNS)
    else:
        write_documents(applied, output=output)
    counts = {result: sum(each.result == result for each in applied) for result in (*Change, FAILED)}
    told = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
    note(f"{told}{' (dry run: nothing was done)' if dry_run else ''}.")
    return code


def _read_all(paths: Iterable[str]) -> Mapping[str, models.NewWorkflowDefinitionRequest]:
    """Read and check every file. Raises ``InvalidRequest`` with all that is wrong in all of them."""
    files = sorted(set(_files(paths)))
    if not files:
        raise errors.InvalidRequest("There is no definition there: no file in JSON or YAML.")
    problems = [str(problem) for file in files for problem in find_problems(file)]
    if problems:
        for line in problems:
            note(line)
        raise errors.InvalidRequest(f"{len(problems)} problems in {len(files)} files; nothing was sent.")
    wanted = {file: read_definition(file, name=None, tags={}) for file in files}
    _refuse_twins(wanted)
    return wanted


def _files(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if not Path(path).is_dir():
            yield path
            continue
        for found in Path(path).rglob("*"):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.suffix.lower() in SUFFIXES and found.is_file() and not hidden:
                yield str(found)


def _refuse_twins(wanted: Mapping[str, models.NewWorkflowDefinitionRequest]) -> None:
    seen: dict[str, str] = {}
    for file, request in wanted.items():
        if request.name in seen:
            raise errors.InvalidRequest(f"{seen[request.name]} and {file} both define {request.name}.")
        seen[request.name] = file


async def _compare_all(
    wanted: Mapping[str, models.NewWorkflowDefinitionRequest], *, url: str
) -> Mapping[str, Difference]:
    async with WorkflowManager(url) as manager:
        return {file: await compare(manager, request) for file, request in wanted.items()}


async def _apply_all(
    wanted: Mapping[str, models.NewWorkflowDefinitionRequest], *, dry_run: bool, url: str
) -> tuple[list[Applied], ExitCode]:
    applied: list[Applied] = []
    worst = ExitCode.OK
    async with WorkflowManager(url) as manager:
        for file, request in wanted.items():
            try:
                difference = await compare(manager, request)
                definition = None if dry_run else await make_so(manager, difference)
            except errors.WorkflowManagerError as error:
                worst = max(worst, exit_code_of(error))
                applied.append(
                    Applied(file=file, name=request.name, version=None, result=FAILED, message=error.message)
                )
            else:
                applied.append(_applied(file, difference, definition))
    return applied, worst


def _applied(file: str, difference: Difference, definition: models.WorkflowDefinition | None = None) -> Applied:
    """Tell what became of a definition, or would: without it, the version is the present one."""
    known = definition or difference.present
    version = known.version if known else None
    return Applied(file=file, name=difference.wanted.name, version=version, result=difference.change.value)


def _write_diff(lines: Iterable[str]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    colored = is_terminal()
    for line in map(visible, lines):
        if colored:
            console.print(Text(line, style=STYLES.get(line[:1], "")))
        else:
            write_line(line)


COLUMNS: Final[Columns[Applied]] = {
    "file": lambda applied: applied.file,
    "name": lambda applied: applied.name,
    "version": lambda applied: NOTHING if applied.version is None else str(applied.version),
    "result": lambda applied: applied.result,
    "message": lambda applied: applied.message or NOTHING,
}
