"""The verbs ``health`` and ``quotas``."""

from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption


def health(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> ExitCode:
    """Check that the service answers and is doing its work.

    Exits with 5 if it is not.
    """
    from workflow_manager.cli.admin.status_checks import show_health

    return show_health(service=service, output=output)


def quotas(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> None:
    """Show how much of the Step Functions API quotas is left."""
    from workflow_manager.cli.admin.status_checks import show_quotas

    show_quotas(service=service, output=output)
