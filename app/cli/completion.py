"""Completion by the shell: of profiles and files, and of names that are asked of the service.

Nothing is written into the line that somebody types: when something is wrong, nothing is offered.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.completion import install  # type: ignore[attr-defined]  # what its own option calls

from app import errors
from app.cli.bash_words import TYPED_BEFORE
from app.cli.later import later
from app.cli.profiles import read_configuration

if TYPE_CHECKING:
    from app.cli.known_names import definition_names, queue_names
else:
    definition_names = later("app.cli.known_names:definition_names")
    queue_names = later("app.cli.known_names:queue_names")

PROGRAMS: Final = ("workflow-manager", "wfm")


def complete_definition(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of definitions that begin with what is typed."""
    return _fitting(definition_names(context.params.get("service")), incomplete)


def complete_queue(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of queues that begin with what is typed."""
    return _fitting(queue_names(context.params.get("service")), incomplete)


def complete_profile(incomplete: str) -> list[str]:
    """Return the names of profiles that begin with what is typed."""
    try:
        return sorted(name for name in read_configuration().profiles if name.startswith(incomplete))
    except errors.SettingsError:
        return []


def complete_input(incomplete: str) -> list[str]:
    """Return the files that ``@`` and the beginning of a path can mean; a folder ends with a slash."""
    typed = os.environ.get(TYPED_BEFORE, "") + incomplete
    if not typed.startswith("@"):
        return []
    head, _, tail = typed.removeprefix("@").rpartition("/")
    folder = f"{head}/" if "/" in typed else ""
    try:
        found = sorted(Path(folder or ".").iterdir())
    except OSError:
        return []
    shown = [path for path in found if tail or not path.name.startswith(".")]
    return _fitting([f"@{folder}{path.name}{'/' if path.is_dir() else ''}" for path in shown], incomplete)


def _fitting(words: Iterable[str], incomplete: str) -> list[str]:
    """Choose those that begin with what is typed; bash replaces only a part of it, and gets the rest of them."""
    before = os.environ.get(TYPED_BEFORE, "")
    return [word.removeprefix(before) for word in words if word.startswith(before + incomplete)]


def add_completion_options(command: typer.core.TyperGroup) -> None:
    """Let the option that installs completion do so for both names of the program."""
    options = {each.name: each for each in command.params}
    options["install_completion"].callback = _install_for_both
    for name in ("install_completion", "show_completion"):
        settle_flag(options[name])


def settle_flag(option: Any) -> None:
    """Give a flag that is off the value False: for None typer loads pydantic, which takes as long as all the rest."""
    if option.type_descriptor.annotation is bool:
        option.default = False


def _install_for_both(context: Any, _parameter: object, wanted: Any) -> Any:
    if not wanted or context.resilient_parsing:
        return wanted
    # Where typer cannot look which shell it is, the option takes its name.
    named = wanted if isinstance(wanted, str) else None
    for program in PROGRAMS:
        shell, path = install(shell=named, prog_name=program)
        typer.echo(f"{shell} completion of {program} installed in {path}")
    typer.echo("It takes effect in the next terminal.")
    raise typer.Exit
