"""The verbs ``health`` and ``quotas``."""

from typing import TYPE_CHECKING

from app.cli.connection import DEFAULT_SERVICE, ServiceOption
from app.cli.exits import ExitCode
from app.cli.later import later
from app.cli.options import Format, FormatOption

if TYPE_CHECKING:
    from app.cli.service_state import show_health, show_quotas
else:
    show_health = later("app.cli.service_state:show_health")
    show_quotas = later("app.cli.service_state:show_quotas")


def health(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> ExitCode:
    """Show whether the service answers, and whether it does its work.

    Exits 5 when it does not.
    """
    return show_health(service=service, output=output)


def quotas(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> None:
    """Show how much of the quotas of Step Functions is left."""
    show_quotas(service=service, output=output)
