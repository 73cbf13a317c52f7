"""How a workflow is watched until it has ended."""

from typing import NamedTuple

from workflow_manager import errors
from workflow_manager.cli.options.common import Format, WorkflowFormat
from workflow_manager.cli.options.connection import Service


class Watch(NamedTuple):
    """Where a workflow is watched, how it is shown, and for how long at most."""

    service: Service
    output: Format
    timeout_seconds: float | None


def watch_of(
    *, wanted: bool, timeout_seconds: float | None, service: Service, output: Format | WorkflowFormat
) -> Watch | None:
    """Read --follow and --timeout, which means nothing without the other."""
    if timeout_seconds is not None and not wanted:
        raise errors.InvalidRequest("--timeout needs --follow.")
    if not wanted:
        return None
    if output in {WorkflowFormat.ID, WorkflowFormat.CSV, Format.CSV}:
        raise errors.InvalidRequest(f"--follow does not work with -o {output}.")
    if output in {WorkflowFormat.WIDE, Format.WIDE}:
        output = Format.TABLE
    return Watch(service, Format(output), timeout_seconds)
