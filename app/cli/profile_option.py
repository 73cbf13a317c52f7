"""The option ``--profile``, which every command that talks to a service has."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

from app.cli.options import PROFILE_OPTION_HELP
from app.cli.profiles import PROFILE_VARIABLE, VARIABLES, read_configuration

NAMED_ON_THE_COMMAND_LINE: Final = "COMMANDLINE"


def add_profile_option(command: Any) -> None:
    """Give a command the option, which changes the defaults of its other options."""
    [option] = [parameter for parameter in get_command(_HOLDER).params if parameter.name == "profile"]
    command.params.append(option)


def _choose(context: typer.Context, name: str | None) -> None:
    context.meta["profile"] = name
    settings = read_configuration().settings_of(name)
    takers = {parameter.name: parameter for parameter in context.command.params if _takes(parameter, settings)}
    context.default_map = {**(context.default_map or {}), **{name: settings[name] for name in takers}}
    if _source(context) == NAMED_ON_THE_COMMAND_LINE:
        # What was typed wins over the variables of the shell, which know nothing of this command.
        for parameter in takers.values():
            parameter.envvar = None


def _takes(parameter: Any, settings: Mapping[str, str]) -> bool:
    """Tell whether an option is the one that a setting is about: a filter may have the same name."""
    return parameter.name in settings and (parameter.name not in VARIABLES or parameter.envvar is not None)


def _source(context: typer.Context) -> str | None:
    source = context.get_parameter_source("profile")
    return None if source is None else source.name


_HOLDER = typer.Typer(add_completion=False)


@_HOLDER.command()
def _carrier(
    *,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            envvar=PROFILE_VARIABLE,
            metavar="NAME",
            is_eager=True,
            expose_value=False,
            callback=_choose,
            help=PROFILE_OPTION_HELP,
        ),
    ] = None,
) -> None:
    """Carry the option; never run."""
