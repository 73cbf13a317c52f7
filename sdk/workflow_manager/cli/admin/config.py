"""The verb ``config show``."""

from typing import Final, NamedTuple

import typer

from workflow_manager.cli.options.common import DEFAULT_NAMESPACE, Format, FormatOption, NamespaceOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption, active_profile
from workflow_manager.cli.options.profiles import PROFILE_VARIABLE, VARIABLES, read_configuration
from workflow_manager.cli.output.console import note
from workflow_manager.masking import MASK

SETTING_OF: Final = {"service": "url"}
"""Parameters whose setting has another name."""


class EffectiveSetting(NamedTuple):
    """The value of a setting, and where it comes from."""

    name: str
    value: str
    source: str


def show(
    context: typer.Context,
    *,
    service: ServiceOption = DEFAULT_SERVICE,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show the effective settings and where each comes from.

    An option on the command line wins over --profile, which wins over environment variables, which win over the
    profile named by WORKFLOWMANAGER_PROFILE or by the file. The file is ~/.config/workflow-manager/config.toml, or
    workflow-manager/config.toml in XDG_CONFIG_HOME. The namespace applies to `submit` and `worker`; other commands
    cover all namespaces unless -n is given. Passwords, tokens and headers are not shown.
    """
    from workflow_manager.cli.output.formats import write_results
    from workflow_manager.cli.output.table_layout import NOTHING, Column, Columns

    values = {
        "profile": active_profile(context).name or NOTHING,
        "service": str(service),
        "namespace": namespace,
        "request_timeout": f"{service.request_timeout_seconds:g}",
        "output": output.value,
    }
    settings = [
        EffectiveSetting(SETTING_OF.get(name, name), value, _source(context, name)) for name, value in values.items()
    ]
    settings += [EffectiveSetting(each.header, MASK, each.source) for each in service.credentials]
    if service.token_command is not None:
        settings.append(EffectiveSetting("Authorization", MASK, f"{service.token_command.source}, token_command"))
    columns: Columns[EffectiveSetting] = {
        "setting": Column(lambda setting: setting.name),
        "value": Column(lambda setting: setting.value, min_width=20),
        "from": Column(lambda setting: setting.source, min_width=12, drop_priority=1),
    }
    write_results(settings, columns, output=output)
    note("The namespace applies to submit and worker; other commands cover all namespaces unless -n is given.")
    configuration = read_configuration()
    names = ", ".join(sorted(configuration.profiles)) or "none"
    note(f"{configuration.path}: {f'profiles {names}' if configuration.path.exists() else 'file not found'}.")


def _source(context: typer.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    profile = active_profile(context).name
    match None if source is None else source.name:
        case "COMMANDLINE":
            return "command line"
        case "ENVIRONMENT":
            return PROFILE_VARIABLE if name == "profile" else VARIABLES[SETTING_OF.get(name, name)]
        case "DEFAULT_MAP":
            return f"profile {profile}"
    return "file" if name == "profile" and profile is not None else "default"
