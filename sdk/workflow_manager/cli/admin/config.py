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
    """Show which service commands ask, and what says so.

    An option on the command line wins over --profile there, that over a variable, and that over the profile that
    WORKFLOWMANAGER_PROFILE or the file names. The file is ~/.config/workflow-manager/config.toml, or in
    XDG_CONFIG_HOME. The namespace is that of `submit` and `worker`; other commands are about all of them unless
    -n says otherwise. Passwords, tokens and headers are not shown.
    """
    from workflow_manager.cli.admin.config_report import show_configuration

    show_configuration(context, service=service, namespace=namespace, output=output)
