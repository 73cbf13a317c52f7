"""The verb ``wait``."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workflow_manager.cli.bulk.id_input import expand_ids
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import Format, WorkflowFormat, WorkflowFormatOption
from workflow_manager.cli.options.completion import complete_workflow
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, Service, ServiceOption
from workflow_manager.cli.output.console import counted, note, write_line
from workflow_manager.cli.output.escaping import escape
from workflow_manager.cli.workflows.follow import EXIT_CODES

if TYPE_CHECKING:
    from workflow_manager import models
    from workflow_manager.client import WorkflowManager

MAX_CONCURRENT: Final = 50
"""Maximum number of workflows that are waited for at a time; the others are looked at when these have ended."""

WORST_FIRST: Final = (ExitCode.FAILED, ExitCode.WORKFLOW_CANCELLED, ExitCode.OK)


def wait(
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...",
            help="Workflow ids or their first 8 characters; - reads standard input.",
            autocompletion=complete_workflow,
        ),
    ],
    *,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0, metavar="SECONDS", help="Stop waiting after this long.")
    ] = None,
    service: ServiceOption = DEFAULT_SERVICE,
    output: WorkflowFormatOption = WorkflowFormat.TABLE,
) -> ExitCode:
    """Wait until workflows end.

    Exits with 0 if all succeeded, 1 if any failed, 6 if any was cancelled and none failed, and 124 on timeout. Stopping
    the command does not stop the workflows.
    """
    from workflow_manager.cli.options.client import call

    waiting = Waiting(service, output)
    return call(service, lambda manager: waiting.wait(manager, expand_ids(ids), timeout))


class Waiting:
    """Waits for workflows and shows each one when it ends."""

    def __init__(self, service: Service, output: WorkflowFormat) -> None:
        import asyncio

        self._service = service
        self._output = output
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._ended: dict[str, models.Workflow] = {}

    async def wait(self, manager: "WorkflowManager", ids: Sequence[str], timeout_seconds: float | None) -> ExitCode:
        """Wait for all workflows and return the worst exit code; an unknown id is an error before any wait."""
        import asyncio

        from workflow_manager.cli.options.id_prefixes import whole_ids

        code = None
        whole = await whole_ids(manager, ids)
        found = await asyncio.gather(*(manager.get_workflow(each) for each in whole))
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.gather(*(self._wait(manager, each) for each in found))
        except TimeoutError:
            code = ExitCode.WAIT_TIMED_OUT
        self._finish(whole)
        if code is not None:
            left = len(whole) - len(self._ended)
            note(f"{counted(left, 'workflow')} not ended after {timeout_seconds:g} s. To wait again:")
            note("  " + self._service.command("wait", *(each for each in whole if each not in self._ended)))
            return code
        codes = {EXIT_CODES[workflow.status] for workflow in self._ended.values()}
        return next((worst for worst in WORST_FIRST if worst in codes), ExitCode.OK)

    async def _wait(self, manager: "WorkflowManager", workflow: "models.Workflow") -> None:
        if not workflow.status.terminal:
            async with self._slots:
                workflow = await manager.wait(workflow.id)
        self._ended[workflow.id] = workflow
        self._show(workflow)

    def _show(self, workflow: "models.Workflow") -> None:
        from rich.console import Console

        from workflow_manager.cli.output.columns import definition_label, excerpt
        from workflow_manager.cli.output.formats import write_documents
        from workflow_manager.cli.output.table_layout import cut

        match self._output:
            case WorkflowFormat.ID:
                write_line(escape(workflow.id))
            case WorkflowFormat.JSONL:
                write_documents([workflow], output=Format.JSONL)
            case WorkflowFormat.TABLE:
                reason = excerpt(workflow.status_reason) if workflow.status_reason else ""
                words = [workflow.id, f"{workflow.status:<9}", definition_label(workflow.workflow_definition), reason]
                line = escape("  ".join(words).rstrip())
                console = Console(file=sys.stdout)
                write_line(cut(line, console.width) if console.is_terminal else line)

    def _finish(self, ids: Sequence[str]) -> None:
        """Write the formats that are one document or table."""
        from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS
        from workflow_manager.cli.output.formats import write_results

        if self._output in {WorkflowFormat.JSON, WorkflowFormat.YAML, WorkflowFormat.CSV, WorkflowFormat.WIDE}:
            ended = [self._ended[each] for each in ids if each in self._ended]
            write_results(ended, WORKFLOW_COLUMNS, output=Format(self._output))
