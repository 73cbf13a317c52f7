"""The verbs ``health`` and ``quotas``."""

from typing import TYPE_CHECKING

from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.lazy import later
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption

if TYPE_CHECKING:
    from workflow_manager.cli.admin.status_checks import show_health, show_quotas
else:
    show_health = later("workflow_manager.cli.admin.status_checks:show_health")
    show_quotas = later("workflow_manager.cli.admin.status_checks:show_quotas")


def health(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> ExitCode:
    """Show whether the service answers, and whether it does its work.

    Exits 5 when it does not.
    """
    return show_health(service=service, output=output)


def quotas(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> None:
    """Show how much of the quotas of Step Functions is left."""
    show_quotas(service=service, output=output)
