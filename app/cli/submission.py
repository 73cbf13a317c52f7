"""What the verb ``submit`` does: start a workflow, and watch it if that is wanted."""

import asyncio
from collections.abc import Mapping, Sequence

from app import models
from app.cli.client import connect
from app.cli.connection import Service
from app.cli.exits import ExitCode
from app.cli.follow import follow
from app.cli.inputs import read_input
from app.cli.lines import note, write_line
from app.cli.options import Format, WorkflowFormat
from app.cli.output import is_terminal, write_result
from app.cli.running import run
from app.cli.tables import WORKFLOW_COLUMNS
from app.cli.text import visible
from app.cli.watch import Watch
from app.client.requests import valid


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
        note("Follow it with:")
        note("  " + service.command("workflows", workflow.id, "--follow"))
