"""Write the reference of all commands as Markdown: ``make docs``."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from app.cli.commands import COMMANDS
from workflow_manager.cli.commands import CommandGroup, CommandSpec, load
from workflow_manager.cli.examples import EXAMPLES
from workflow_manager.cli.help import argument_name, bounds, default_of, usage_name, value_name
from workflow_manager.cli.program import PROGRAM

BEGINNING: Final = "<!-- What follows is written by `make docs`. -->\n"
HELP_OPTION: Final = "help"


def with_reference(text: str) -> str:
    """Return a document with what follows the mark written anew; the mark is added where there is none."""
    above = text.partition(BEGINNING)[0].rstrip("\n")
    return f"{above}\n\n{BEGINNING}\n{reference()}"


def reference() -> str:
    """Return a section for every command."""
    return "\n\n".join(section for words, verb in _verbs((), COMMANDS) for section in _sections(words, verb)) + "\n"


def _verbs(
    words: tuple[str, ...], table: Mapping[str, CommandSpec | CommandGroup]
) -> Iterator[tuple[tuple[str, ...], CommandSpec]]:
    for name, entry in table.items():
        if isinstance(entry, CommandGroup):
            yield from _verbs((*words, name), entry.members)
        else:
            yield (*words, name), entry


def _sections(words: tuple[str, ...], verb: CommandSpec) -> Iterator[str]:
    command: Any = load(words[-1], verb)
    arguments, options = _split(command.params)
    yield f"### {' '.join(words)}"
    yield f"```text\n{_usage(words, arguments)}\n```"
    yield _paragraphs(command.help)
    if examples := EXAMPLES.get(" ".join(words)):
        yield "\n".join(["```text", *examples, "```"])
    rows = [_argument_row(argument) for argument in arguments if argument.help] + [
        _option_row(each) for each in options
    ]
    if rows:
        yield "\n".join(["| | |", "|---|---|", *rows])


def _split(parameters: list[Any]) -> tuple[list[Any], list[Any]]:
    shown = [each for each in parameters if not getattr(each, "hidden", False) and each.name != HELP_OPTION]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    return arguments, [each for each in shown if each not in arguments]


def _usage(words: tuple[str, ...], arguments: list[Any]) -> str:
    return " ".join([PROGRAM, *words, "[OPTIONS]", *map(usage_name, arguments)])


def _argument_row(argument: Any) -> str:
    return _row(f"`{argument_name(argument)}`", argument)


def _option_row(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return _row(names if option.is_flag else f"{names} `{value_name(option)}`", option)


def _row(name: str, parameter: Any) -> str:
    escaped = name.replace("|", "\\|")
    return f"| {escaped} | {' '.join([_sentence(parameter.help), *_notes(parameter)])} |"


def _notes(parameter: Any) -> Iterator[str]:
    if parameter.param_type_name != "option":
        return
    if limits := bounds(parameter):
        yield f"{limits[0].upper()}{limits[1:]}."
    if (default := default_of(parameter)) is not None:
        yield f"Default: `{default}`."
    if parameter.envvar:
        yield f"Variable: `{parameter.envvar}`."


def _sentence(text: str | None) -> str:
    words = " ".join((text or "").split()).replace("|", "\\|")
    return words if not words or words.endswith(".") else f"{words}."


def _paragraphs(text: str | None) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (text or "").split("\n\n"))


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(with_reference(document.read_text(encoding="utf-8")), encoding="utf-8")
