"""Completion scripts of shells that offer no files by themselves: the program offers them where they belong."""

from typing import Final

from typer import _completion_classes, _completion_shared
from typer._click.shell_completion import add_completion_class

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
"""What ends with an equals sign or a slash goes on, so that no blank follows it."""

NOTHING_IN_ZSH: Final = ":"
FILES_IN_ZSH: Final = "_files"


class Bash(_completion_classes.BashComplete):
    """Completes in bash."""

    source_template = BASH


class Zsh(_completion_classes.ZshComplete):
    """Completes in zsh."""

    def complete(self) -> str:
        """Return what zsh evaluates."""
        found = super().complete()
        return NOTHING_IN_ZSH if found == FILES_IN_ZSH else found


def use_own_scripts() -> None:
    """Take the place of the scripts that fall back to files."""
    add_completion_class(Bash, Bash.name)
    add_completion_class(Zsh, Zsh.name)
    _completion_shared._completion_scripts[Bash.name] = BASH  # noqa: SLF001  it is what installing writes
