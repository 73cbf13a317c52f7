"""The verb ``config show``."""

from typing import Final
from urllib.parse import urlsplit

import typer

from app import models
from app.cli.lines import note
from app.cli.options import DEFAULT_NAMESPACE, DEFAULT_URL, Format, FormatOption, NamespaceOption, UrlOption
from app.cli.output import NOTHING, Columns, write_documents, write_table
from app.cli.profiles import PROFILE_VARIABLE, VARIABLES, Configuration, read_configuration

MASK: Final = "***"


class Setting(models.Response):
    """What applies to a command, and what says so."""

    name: str
    value: str
    source: str


def show(
    context: typer.Context,
    *,
    url: UrlOption = DEFAULT_URL,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show which service commands ask, and what says so.

    An option on the command line wins over --profile there, that over a variable, and that over the profile that
    WORKFLOWMANAGER_PROFILE or the file names. The file is ~/.config/workflow-manager/config.toml, or in
    XDG_CONFIG_HOME.
    """
    configuration = read_configuration()
    chosen, chosen_by = _profile(context, configuration)
    settings = [Setting(name="profile", value=chosen or NOTHING, source=chosen_by)]
    for name, value in (("url", _masked(url)), ("namespace", namespace), ("output", output.value)):
        settings.append(Setting(name=name, value=value, source=_source(context, name, profile=chosen)))
    if output is Format.TABLE:
        write_table(settings, COLUMNS)
    else:
        write_documents(settings, output=output)
    there = configuration.path.exists()
    names = ", ".join(sorted(configuration.profiles)) or "none"
    note(f"{configuration.path}: {f'profiles {names}' if there else 'not there'}.")


def _profile(context: typer.Context, configuration: Configuration) -> tuple[str | None, str]:
    match _origin(context, "profile"):
        case "COMMANDLINE":
            return _typed_profile(context), "command line"
        case "ENVIRONMENT":
            return _typed_profile(context), PROFILE_VARIABLE
        case _ if configuration.default is not None:
            return configuration.default, "file"
    return None, "default"


def _typed_profile(context: typer.Context) -> str | None:
    name: str | None = context.meta.get("profile")
    return name


def _source(context: typer.Context, name: str, *, profile: str | None) -> str:
    match _origin(context, name):
        case "COMMANDLINE":
            return "command line"
        case "ENVIRONMENT":
            return VARIABLES[name]
        case "DEFAULT_MAP":
            return f"profile {profile}"
    return "default"


def _origin(context: typer.Context, name: str) -> str | None:
    source = context.get_parameter_source(name)
    return None if source is None else source.name


def _masked(url: str) -> str:
    """Hide a password."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return url
    return url.replace(f":{password}@", f":{MASK}@") if password else url


COLUMNS: Final[Columns[Setting]] = {
    "setting": lambda setting: setting.name,
    "value": lambda setting: setting.value,
    "from": lambda setting: setting.source,
}
