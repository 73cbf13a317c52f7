"""How the service is: whether it answers and works, and what is left of its quotas."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from workflow_manager import errors, models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.exit_codes import ExitCode, exit_code_of
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.columns import QUOTA_COLUMNS
from workflow_manager.cli.output.console import note
from workflow_manager.cli.output.formats import write_results
from workflow_manager.cli.output.table_layout import Column, Columns
from workflow_manager.client import WorkflowManager

CHECKS: Final[Mapping[str, Callable[[WorkflowManager], Awaitable[None]]]] = {
    "answers": WorkflowManager.health_check,
    "works": WorkflowManager.readiness_check,
}


class Check(models.Response):
    """A question about the service, and what came of it."""

    check: str
    ok: bool
    message: str | None = None


def show_health(*, service: Service, output: Format) -> ExitCode:
    """Show what came of every check; return the exit code of the worst."""
    checks, code = run(_check_all(service))
    write_results(checks, COLUMNS, output=output)
    for check in checks:
        if check.message is not None:
            note(check.message)
    return code


def show_quotas(*, service: Service, output: Format) -> None:
    """Show what is left of the quotas, by action."""
    found = run(_quotas(service))
    write_results(found, QUOTA_COLUMNS, output=output)


async def _check_all(service: Service) -> tuple[list[Check], ExitCode]:
    checks: list[Check] = []
    async with connect(service) as manager:
        for name, check in CHECKS.items():
            try:
                await check(manager)
            except errors.WorkflowManagerError as error:
                # What comes after it would fail as well.
                return [*checks, Check(check=name, ok=False, message=error.message)], exit_code_of(error)
            checks.append(Check(check=name, ok=True))
    return checks, ExitCode.OK


async def _quotas(service: Service) -> list[models.QuotaHeadroom]:
    async with connect(service) as manager:
        return await manager.get_quotas()


COLUMNS: Final[Columns[Check]] = {
    "check": Column(lambda check: check.check),
    "ok": Column(lambda check: "yes" if check.ok else "no"),
}
