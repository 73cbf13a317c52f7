"""What the verb ``submit`` does: start a workflow, and watch it if that is wanted."""

import asyncio
from collections.abc import Mapping, Sequence

from workflow_manager import models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format, WorkflowFormat
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.options.workflow_input import read_input
from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import visible
from workflow_manager.cli.output.formats import is_terminal, write_result
from workflow_manager.cli.workflows.follow import follow
from workflow_manager.cli.workflows.follow_options import Watch
from workflow_manager.client.request_parts import valid


def submit_workflow(
    name: str,
    version: int | None,
    *,
    input_text: str,
    changes: Sequence[str],
    fields: Mapping[str, object],
    idempotency_key: str | None,
    watch: Watch | None,
    service: Service,
    output: WorkflowFormat,
) -> ExitCode:
    """Start a workflow; of the ``fields`` of the request, those that are None are left to the service."""
    reference = {"name": name} | ({} if version is None else {"version": version})
    request = valid(
        models.StartWorkflowRequest,
        workflow_definition=valid(models.WorkflowDefinitionRef, **reference),
        input=read_input(input_text, changes=changes),
        **{field: value for field, value in fields.items() if value is not None},
    )
    return run(_submit(request, key=idempotency_key, watch=watch, service=service, output=output))


async def _submit(
    request: models.StartWorkflowRequest,
    *,
    key: str | None,
    watch: Watch | None,
    service: Service,
    output: WorkflowFormat,
) -> ExitCode:
    async with connect(service) as manager:
        try:
            workflow = await manager.start_workflow(request, idempotency_key=key)
        except asyncio.CancelledError:
            note("Interrupted before the service answered; the workflow may have been started.")
            raise
        if watch is not None:
            return await follow(manager, workflow.id, watch)
    _write(workflow, output=output, service=service)
    return ExitCode.OK


def _write(workflow: models.Workflow, *, output: WorkflowFormat, service: Service) -> None:
    if output is WorkflowFormat.ID:
        write_line(visible(workflow.id))
        return
    write_result(workflow, WORKFLOW_COLUMNS, output=Format(output))
    if output is WorkflowFormat.TABLE and is_terminal():
        note("To follow it:")
        note("  " + service.command("workflows", workflow.id, "--follow"))
