"""The verbs ``health`` and ``quotas``."""

from typing import TYPE_CHECKING, NamedTuple

from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode, exit_code_of
from workflow_manager.cli.options.common import Format, FormatOption
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.output.console import note

if TYPE_CHECKING:
    from workflow_manager.client import WorkflowManager


class Check(NamedTuple):
    """One check of the service, and its result."""

    check: str
    ok: bool
    message: str | None = None


def health(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> ExitCode:
    """Check that the service answers and is doing its work.

    Exits with 5 if it is not.
    """
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.formats import write_results
    from workflow_manager.cli.output.table_layout import Column, Columns

    checks, code = call(service, _check_all)
    columns: Columns[Check] = {
        "check": Column(lambda each: each.check),
        "ok": Column(lambda each: "yes" if each.ok else "no"),
    }
    write_results(checks, columns, output=output)
    for check in checks:
        if check.message is not None:
            note(check.message)
    return code


def quotas(*, service: ServiceOption = DEFAULT_SERVICE, output: FormatOption = Format.TABLE) -> None:
    """Show how much of the Step Functions API quotas is left."""
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.output.columns import QUOTA_COLUMNS
    from workflow_manager.cli.output.formats import write_results

    write_results(call(service, lambda manager: manager.get_quotas()), QUOTA_COLUMNS, output=output)


async def _check_all(manager: "WorkflowManager") -> tuple[list[Check], ExitCode]:
    """Run the checks up to the first that fails, since later ones would fail too; return its exit code."""
    checks: list[Check] = []
    for name, check in (("answers", manager.health_check), ("works", manager.readiness_check)):
        try:
            await check()
        except errors.WorkflowManagerError as error:
            return [*checks, Check(check=name, ok=False, message=error.message)], exit_code_of(error)
        checks.append(Check(check=name, ok=True))
    return checks, ExitCode.OK
