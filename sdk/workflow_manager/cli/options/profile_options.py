"""The options ``--profile`` and ``--request-timeout`` of commands that call a service."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

from workflow_manager.cli.options.common import PROFILE_OPTION_HELP
from workflow_manager.cli.options.completion import complete_profile
from workflow_manager.cli.options.connection import DEFAULT_REQUEST_TIMEOUT_SECONDS, ActiveProfile, remember
from workflow_manager.cli.options.profiles import PROFILE_VARIABLE, VARIABLES, read_configuration

FROM_OPTION: Final = "COMMANDLINE"
ASKING: Final = "service"
NAMING_A_SERVICE: Final = "url"
SETTING_OF: Final[Mapping[str, str]] = {variable: setting for setting, variable in VARIABLES.items()}


def add_connection_options(command: Any) -> None:
    """Add the options to a command that calls a service; a profile changes the defaults of other options."""
    names = {parameter.name for parameter in command.params}
    profile, request_timeout = (each for each in get_command(_HOLDER).params if each.name != "help")
    if names & {ASKING, NAMING_A_SERVICE}:
        command.params.append(profile)
    if ASKING in names:
        command.params.append(request_timeout)


def _choose(context: typer.Context, name: str | None) -> None:
    configuration = read_configuration()
    settings = configuration.settings_of(name)
    typed = _source(context) == FROM_OPTION
    remember(context, active=ActiveProfile(name or configuration.default, typed, settings))
    takers = [(each, setting) for each in context.command.params if (setting := _setting(each)) in settings]
    defaults = {parameter.name: settings[setting] for parameter, setting in takers if setting is not None}
    context.default_map = {**(context.default_map or {}), **defaults}
    if typed:
        # A profile given as an option wins over environment variables.
        for parameter, _ in takers:
            parameter.envvar = None


def _setting(parameter: Any) -> str | None:
    """Return the setting of an option: found by its variable, because a filter may have the same name."""
    return SETTING_OF.get(parameter.envvar or "") or ("output" if parameter.name == "output" else None)


def _source(context: typer.Context) -> str | None:
    source = context.get_parameter_source("profile")
    return None if source is None else source.name


def _limit(context: typer.Context, seconds: float) -> None:
    remember(context, request_timeout=seconds)


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
            autocompletion=complete_profile,
        ),
    ] = None,
    request_timeout: Annotated[
        float,
        typer.Option(
            "--request-timeout",
            envvar=VARIABLES["request_timeout"],
            metavar="SECONDS",
            min=0.1,
            is_eager=True,
            expose_value=False,
            callback=_limit,
            help="Time limit for each request, retries included.",
        ),
    ] = DEFAULT_REQUEST_TIMEOUT_SECONDS,
) -> None:
    """Declare the options; never runs."""
