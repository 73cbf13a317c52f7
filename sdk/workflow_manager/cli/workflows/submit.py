"""The verb ``submit``."""

from typing import TYPE_CHECKING, Annotated

import typer

from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import (
    DEFAULT_NAMESPACE,
    FollowOption,
    Format,
    NamespaceOption,
    TimeoutOption,
    WorkflowFormat,
    WorkflowFormatOption,
)
from workflow_manager.cli.options.completion import complete_definition, complete_input, complete_queue
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, Service, ServiceOption
from workflow_manager.cli.options.parsing import parse_definition, parse_tags
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import escape
from workflow_manager.cli.workflows.follow import follow, read_follow_options

if TYPE_CHECKING:
    from workflow_manager import models
    from workflow_manager.client import WorkflowManager


def submit(
    definition: Annotated[
        str,
        typer.Argument(
            metavar="NAME[:VERSION]",
            help="Definition to run; a trailing number is its version.",
            autocompletion=complete_definition,
        ),
    ],
    input_text: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="A JSON object, @file, or - for standard input.", autocompletion=complete_input
        ),
    ] = "{}",
    *,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="A.B=VALUE",
            help="Set one input value: JSON, otherwise text; repeatable, the last one wins.",
        ),
    ] = None,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    queue: Annotated[str | None, typer.Option(help="Queue of the workflow.", autocompletion=complete_queue)] = None,
    priority: Annotated[
        int | None, typer.Option(min=0, max=9, metavar="0-9", help="Priority in a queue with limits; 9 starts first.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Tag of the workflow; repeatable.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="A repeated request with the same key returns the same workflow.")
    ] = None,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
    service: ServiceOption = DEFAULT_SERVICE,
    output: WorkflowFormatOption = WorkflowFormat.TABLE,
) -> ExitCode:
    r"""Start a workflow.

    With --follow, show its jobs until it ends; the exit code reflects its status. Ctrl-C stops watching, not the
    workflow.

    --set a.b=1 sets a nested value and creates missing objects; a number selects a list element: --set ids.0=7.
    Write a dot in a name as \., and quote text that looks like JSON: --set 'zip="01234"'.
    """
    import asyncio

    from workflow_manager import models
    from workflow_manager.cli.options.client import call
    from workflow_manager.cli.options.workflow_input import read_input
    from workflow_manager.client.request_parts import valid

    following = read_follow_options(wanted=follow_it, timeout_seconds=timeout, service=service, output=output)
    name, version = parse_definition(definition)
    reference = {"name": name} | ({} if version is None else {"version": version})
    fields = {"namespace": namespace, "queue": queue, "priority": priority, "tags": parse_tags(tag or ())}
    request = valid(
        models.StartWorkflowRequest,
        workflow_definition=valid(models.WorkflowDefinitionRef, **reference),
        input=read_input(input_text, changes=changes or ()),
        **{field: value for field, value in fields.items() if value is not None},
    )

    async def start(manager: "WorkflowManager") -> ExitCode:
        try:
            workflow = await manager.start_workflow(request, idempotency_key=idempotency_key)
        except asyncio.CancelledError:
            note("Interrupted before the service answered; the workflow may have been started.")
            raise
        if following is not None:
            return await follow(manager, workflow.id, following)
        _write(workflow, output=output, service=service)
        return ExitCode.OK

    return call(service, start)


def _write(workflow: "models.Workflow", *, output: WorkflowFormat, service: Service) -> None:
    from workflow_manager.cli.output.columns import WORKFLOW_COLUMNS
    from workflow_manager.cli.output.formats import is_terminal, write_result

    if output is WorkflowFormat.ID:
        write_line(escape(workflow.id))
        return
    write_result(workflow, WORKFLOW_COLUMNS, output=Format(output))
    if output is WorkflowFormat.TABLE and is_terminal():
        note("To follow it:")
        note("  " + service.command("workflows", workflow.id, "--follow"))
