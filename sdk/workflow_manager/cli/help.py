"""Formatting of help texts: options in plain words, then examples, in at most 80 columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from typer.core import TyperCommand

from workflow_manager.cli.examples import EXAMPLES
from workflow_manager.cli.synonyms import add_spellings

PLAIN_TYPES: Final[dict[Any, str]] = {int: "NUMBER", float: "NUMBER", Path: "PATH"}
"""Names of values, by type, for options without a metavar."""

TEXT: Final = "TEXT"


class HelpfulCommand(TyperCommand):
    """A command with examples in its help and synonyms for its options."""

    def make_parser(self, ctx: Any) -> Any:
        """Return a parser that also accepts synonyms of options."""
        parser = super().make_parser(ctx)
        if not ctx.resilient_parsing:
            add_spellings(parser, self.params)
        return parser

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line."""
        parameters: Sequence[Any] = self.params
        arguments = [each for each in parameters if each.param_type_name == "argument" and not each.hidden]
        return ["[OPTIONS]", *map(usage_name, arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        write_parameters(self.get_params(ctx), formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        write_examples(ctx, formatter)


def write_parameters(parameters: Sequence[Any], formatter: Any) -> None:
    """Write the arguments and the options, in two sections."""
    shown = [each for each in parameters if not each.hidden]
    arguments = [(argument_name(each), each.help or "") for each in shown if each.param_type_name == "argument"]
    options = [(_names(each), " ".join([each.help or "", *_notes(each)]).strip()) for each in shown if _is_option(each)]
    for title, rows in (("Arguments", [row for row in arguments if row[1]]), ("Options", options)):
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def write_examples(context: Any, formatter: Any) -> None:
    """Write the examples of a command verbatim, to be pasted."""
    found = EXAMPLES.get(" ".join(context.command_path.split()[1:]), ())
    if found:
        with formatter.section("Examples"):
            formatter.write("".join(f"{'':{formatter.current_indent}}{each}\n" for each in found))


def argument_name(argument: Any) -> str:
    """Return the name of an argument in help and usage."""
    name: str = argument.metavar or argument.name.upper()
    return name if argument.nargs == 1 or "..." in name else f"{name}..."


def usage_name(argument: Any) -> str:
    """Return an argument as the usage shows it: in brackets if it is optional."""
    name = argument_name(argument)
    return name if argument.required or name.startswith("[") else f"[{name}]"


def value_name(option: Any) -> str:
    """Return the name of an option's value: its metavar, its choices, or its type."""
    if option.metavar is not None:
        return str(option.metavar)
    described = option.type_descriptor
    if described.choices:
        return "|".join(str(getattr(choice, "value", choice)) for choice in described.choices)
    return PLAIN_TYPES.get(described.annotation, TEXT)


def bounds(option: Any) -> str | None:
    """Return the range of an option in words; None without limits."""
    least, most = option.min, option.max
    if option.is_flag or (least is None and most is None):
        return None
    if most is None:
        return f"{least:g} or more"
    return f"{most:g} or less" if least is None else f"{least:g} to {most:g}"


def default_of(option: Any) -> str | None:
    """Return the default of an option as it would be typed; None if there is none."""
    default = getattr(option.default, "value", option.default)
    if default is None or isinstance(default, bool) or default in ("", []):
        return None
    return f"{default:g}" if isinstance(default, float) else str(default)


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _names(option: Any) -> str:
    # The short spelling first, as everywhere.
    names = ", ".join(sorted(option.opts, key=len)) + "".join(f" / {each}" for each in option.secondary_opts)
    return names if option.is_flag else f"{names} {value_name(option)}"


def _notes(option: Any) -> Iterator[str]:
    default = default_of(option)
    notes = [
        bounds(option),
        None if default is None else f"default: {default}",
        option.envvar and f"variable: {option.envvar}",
        "required" if option.required else None,
    ]
    if any(notes):
        yield f"({', '.join(note for note in notes if note)})"
