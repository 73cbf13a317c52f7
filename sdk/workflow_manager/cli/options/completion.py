"""Shell completion: of profiles, files, and names that the service knows.

Errors are never shown while the user types: on an error nothing is offered.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typer
from typer import _completion_classes, _completion_shared
from typer._click.shell_completion import add_completion_class
from typer.completion import install  # type: ignore[attr-defined]  # what its own option calls

from workflow_manager import errors
from workflow_manager.cli.options.bash_completion import TYPED_BEFORE
from workflow_manager.cli.options.profiles import read_configuration
from workflow_manager.cli.program import PROGRAMS
from workflow_manager.statuses import ACTIVE_STATUSES, WorkflowStatus

STATUSES_BY_VERB: Final[Mapping[str, Sequence[WorkflowStatus]]] = {
    **dict.fromkeys(["cancel", "refresh", "wait"], tuple(ACTIVE_STATUSES)),
    **dict.fromkeys(["resume", "recover", "resolve"], (WorkflowStatus.FAILED,)),
}
"""The statuses of the workflows that a verb is usually used for."""

BASH: Final = """
%(complete_func)s() {
    local IFS=$'\\n'
    COMPREPLY=($(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(autocomplete_var)s=complete_bash "$1"))
    case ${COMPREPLY[0]} in
        *[=/]) compopt -o nospace 2>/dev/null ;;
    esac
}

complete -F %(complete_func)s %(prog_name)s
"""
"""The script of bash: no space follows a completion that ends with an equals sign or a slash."""


class Bash(_completion_classes.BashComplete):
    """Completes in bash."""

    source_template = BASH


class Zsh(_completion_classes.ZshComplete):
    """Completes in zsh."""

    def complete(self) -> str:
        """Return what zsh evaluates; a colon offers nothing, where the original would offer files."""
        found = super().complete()
        return ":" if found == "_files" else found


def complete_definition(context: typer.Context, incomplete: str) -> list[str]:
    """Complete names of definitions."""
    from workflow_manager.cli.options.completion_values import definition_names

    return _matching(definition_names(context.params.get("service")), incomplete)


def complete_queue(context: typer.Context, incomplete: str) -> list[str]:
    """Complete names of queues."""
    from workflow_manager.cli.options.completion_values import queue_names

    return _matching(queue_names(context.params.get("service")), incomplete)


def complete_verb(context: typer.Context, incomplete: str) -> list[str]:
    """Complete commands, of the root or of a group."""
    group: Any = context.find_root().command
    names = group.commands
    for word in context.params.get("words") or ():
        names = getattr(getattr(names.get(word), "entry", None), "members", {})
    return _matching(names, incomplete)


def complete_workflow(context: typer.Context, incomplete: str) -> list[str]:
    """Complete ids of the newest workflows that the verb accepts."""
    from workflow_manager.cli.options.completion_values import workflow_ids

    statuses = STATUSES_BY_VERB.get(context.info_name or "", ())
    return _matching(workflow_ids(context.params.get("service"), statuses), incomplete)


def complete_namespace(context: typer.Context, incomplete: str) -> list[str]:
    """Complete namespaces of the newest workflows."""
    from workflow_manager.cli.options.completion_values import namespaces

    return _matching(namespaces(context.params.get("service")), incomplete)


def complete_tag(context: typer.Context, incomplete: str) -> list[str]:
    """Complete tag keys of the newest workflows; after the equals sign, values of the key."""
    from workflow_manager.cli.options.completion_values import tag_words

    typed = os.environ.get(TYPED_BEFORE, "") + incomplete
    return _matching(tag_words(context.params.get("service"), typed), incomplete)


def complete_state(context: typer.Context, incomplete: str) -> list[str]:
    """Complete states that the given workflow has entered."""
    from workflow_manager.cli.options.completion_values import state_names

    # While the value of an option is missing, the arguments are not parsed yet.
    ids: Sequence[str] = context.params.get("ids") or context.args
    return _matching(state_names(context.params.get("service"), ids[0]) if len(ids) == 1 else (), incomplete)


def complete_status(incomplete: str) -> list[str]:
    """Complete statuses, after the last comma."""
    before, comma, _ = incomplete.rpartition(",")
    return _matching([f"{before}{comma}{status}" for status in WorkflowStatus], incomplete)


def complete_column(incomplete: str) -> list[str]:
    """Complete columns of a list of workflows, after the last comma."""
    from workflow_manager.cli.options.completion_values import column_names

    before, comma, _ = incomplete.rpartition(",")
    return _matching([f"{before}{comma}{name}" for name in column_names()], incomplete)


def complete_profile(incomplete: str) -> list[str]:
    """Complete names of profiles."""
    try:
        return sorted(name for name in read_configuration().profiles if name.startswith(incomplete))
    except errors.SettingsError:
        return []


def complete_input(incomplete: str) -> list[str]:
    """Complete paths after ``@``; a folder ends with a slash."""
    typed = os.environ.get(TYPED_BEFORE, "") + incomplete
    if not typed.startswith("@"):
        return []
    return _matching([f"@{path}" for path in _paths(typed.removeprefix("@"))], incomplete)


def complete_path(incomplete: str) -> list[str]:
    """Complete paths of files and folders; a folder ends with a slash."""
    return _matching(_paths(os.environ.get(TYPED_BEFORE, "") + incomplete), incomplete)


def _paths(typed: str) -> list[str]:
    head, slash, tail = typed.rpartition("/")
    folder = f"{head}{slash}"
    try:
        found = sorted(Path(folder or ".").iterdir())
    except OSError:
        return []
    shown = [path for path in found if tail or not path.name.startswith(".")]
    return [f"{folder}{path.name}{'/' if path.is_dir() else ''}" for path in shown]


def _matching(words: Iterable[str], incomplete: str) -> list[str]:
    """Return the words with the typed prefix, without the part that bash does not replace."""
    before = os.environ.get(TYPED_BEFORE, "")
    return [word.removeprefix(before) for word in words if word.startswith(before + incomplete)]


def add_completion_options(command: typer.core.TyperGroup) -> None:
    """Make --install-completion install it for both program names."""
    add_completion_class(Bash, Bash.name)
    add_completion_class(Zsh, Zsh.name)
    _completion_shared._completion_scripts[Bash.name] = BASH  # noqa: SLF001  it is what installing writes
    options = {each.name: each for each in command.params}
    options["install_completion"].callback = _install_for_both
    for name in ("install_completion", "show_completion"):
        default_flag_to_false(options[name])


def default_flag_to_false(option: Any) -> None:
    """Set the default of a flag to False: for None typer loads pydantic, which doubles the start-up time."""
    if option.type_descriptor.annotation is bool:
        option.default = False


def _install_for_both(context: Any, _parameter: object, wanted: Any) -> Any:
    if not wanted or context.resilient_parsing:
        return wanted
    # Where typer cannot detect the shell, the option takes its name.
    named = wanted if isinstance(wanted, str) else None
    for program in PROGRAMS:
        shell, path = install(shell=named, prog_name=program)
        typer.echo(f"{shell} completion of {program} installed in {path}")
    typer.echo("Open a new terminal to use it.")
    raise typer.Exit
