"""What the verb ``wait`` does: it returns when workflows have ended."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from workflow_manager import models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format, WorkflowFormat
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.options.id_prefixes import whole_ids
from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS, definition_label, excerpt
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import visible
from workflow_manager.cli.output.formats import write_documents, write_results
from workflow_manager.cli.output.table_layout import cut
from workflow_manager.cli.output.words import counted
from workflow_manager.cli.workflows.follow import EXIT_CODES
from workflow_manager.client import WorkflowManager

MOST_AT_ONCE: Final = 50
"""So many are waited for at the same time; others can only end later than they are looked at."""

WORST_FIRST: Final = (ExitCode.FAILED, ExitCode.WORKFLOW_CANCELLED, ExitCode.OK)


def wait_for(
    ids: Sequence[str], *, timeout_seconds: float | None, service: Service, output: WorkflowFormat
) -> ExitCode:
    """Wait until all have ended, and tell of each when it has; the exit code is that of the worst."""
    return run(Waiting(service, output).wait(ids, timeout_seconds))


class Waiting:
    """Waits for workflows and shows those that have ended."""

    def __init__(self, service: Service, output: WorkflowFormat) -> None:
        self._service = service
        self._output = output
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._ended: dict[str, models.Workflow] = {}

    async def wait(self, ids: Sequence[str], timeout_seconds: float | None) -> ExitCode:
        """Wait for all; an id that is not there is told before any is waited for."""
        code = None
        async with connect(self._service) as manager:
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

    async def _wait(self, manager: WorkflowManager, workflow: models.Workflow) -> None:
        if not workflow.status.terminal:
            async with self._turns:
                workflow = await manager.wait(workflow.id)
        self._ended[workflow.id] = workflow
        self._show(workflow)

    def _show(self, workflow: models.Workflow) -> None:
        match self._output:
            case WorkflowFormat.ID:
                write_line(visible(workflow.id))
            case WorkflowFormat.JSONL:
                write_documents([workflow], output=Format.JSONL)
            case WorkflowFormat.TABLE:
                reason = excerpt(workflow.status_reason) if workflow.status_reason else ""
                words = [workflow.id, f"{workflow.status:<9}", definition_label(workflow.workflow_definition), reason]
                line = visible("  ".join(words).rstrip())
                console = Console(file=sys.stdout)
                write_line(cut(line, console.width) if console.is_terminal else line)

    def _finish(self, ids: Sequence[str]) -> None:
        """Write what is one document or table."""
        if self._output in {WorkflowFormat.JSON, WorkflowFormat.YAML, WorkflowFormat.CSV, WorkflowFormat.WIDE}:
            ended = [self._ended[each] for each in ids if each in self._ended]
            write_results(ended, WORKFLOW_COLUMNS, output=Format(self._output))
