"""What applies to the commands that ask a service, and what says so."""

from typing import Final

import typer

from workflow_manager import models
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.options.connection import Service, chosen_profile
from workflow_manager.cli.options.profiles import PROFILE_VARIABLE, VARIABLES, read_configuration
from workflow_manager.cli.output.console import note
from workflow_manager.cli.output.formats import write_results
from workflow_manager.cli.output.table_layout import NOTHING, Column, Columns
from workflow_manager.masking import MASK

SETTING_OF: Final = {"service": "url"}
"""Parameters whose setting has another name."""

NAMESPACE_NOTE: Final = (
    "The namespace applies to submit and worker; other commands cover all namespaces unless -n is given."
)


class Setting(models.Response):
    """What applies to a command, and what says so."""

    name: str
    value: str
    source: str


def show_configuration(context: typer.Context, *, service: Service, namespace: str, output: Format) -> None:
    """Write every setting with its source; what is secret is masked."""
    chosen = chosen_profile(context)
    values = {
        "service": str(service),
        "namespace": namespace,
        "request_timeout": f"{service.request_timeout_seconds:g}",
        "output": output.value,
    }
    settings = [Setting(name="profile", value=chosen.name or NOTHING, source=_source_of_profile(context))]
    settings += [
        Setting(name=SETTING_OF.get(name, name), value=value, source=_source(context, name))
        for name, value in values.items()
    ]
    settings += [Setting(name=each.header, value=MASK, source=each.source) for each in service.credentials]
    write_results(settings, COLUMNS, output=output)
    note(NAMESPACE_NOTE)
    _note_file()


def _note_file() -> None:
    configuration = read_configuration()
    names = ", ".join(sorted(configuration.profiles)) or "none"
    note(f"{configuration.path}: {f'profiles {names}' if configuration.path.exists() else 'file not found'}.")


def _source_of_profile(context: typer.Context) -> str:
    match _origin(context, "profile"):
        case "COMMANDLINE":
            return "command line"
        case "ENVIRONMENT":
            return PROFILE_VARIABLE
    return "default" if chosen_profile(context).name is None else "file"


def _source(context: typer.Context, name: str) -> str:
    match _origin(context, name):
        case "COMMANDLINE":
            return "command line"
        case "ENVIRONMENT":
            return VARIABLES[SETTING_OF.get(name, name)]
        case "DEFAULT_MAP":
            return f"profile {chosen_profile(context).name}"
    return "default"


def _origin(context: typer.Context, name: str) -> str | None:
    source = context.get_parameter_source(name)
    return None if source is None else source.name


COLUMNS: Final[Columns[Setting]] = {
    "setting": Column(lambda setting: setting.name),
    "value": Column(lambda setting: setting.value, least=20),
    "from": Column(lambda setting: setting.source, least=12, spare=1),
}
