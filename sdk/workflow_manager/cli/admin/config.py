"""The verb ``config show``."""

import typer

from workflow_manager.cli.options.common import DEFAULT_NAMESPACE, Format, FormatOption, NamespaceOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption


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
    from workflow_manager.cli.admin.config_report import show_configuration

    show_configuration(context, service=service, namespace=namespace, output=output)
