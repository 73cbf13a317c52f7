"""The verb ``submit``."""

from typing import Annotated

import typer

from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import (
    DEFAULT_NAMESPACE,
    FollowOption,
    NamespaceOption,
    TimeoutOption,
    WorkflowFormat,
    WorkflowFormatOption,
)
from workflow_manager.cli.options.completion import complete_definition, complete_input, complete_queue
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.options.parsing import parse_definition, parse_tags
from workflow_manager.cli.workflows.follow_options import watch_of


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

    With --follow, show its jobs until it ends; the exit code tells its status. Ctrl-C stops watching, not the workflow.

    --set a.b=1 sets a nested value and creates missing objects; a number selects a list element: --set ids.0=7.
    Write a dot in a name as \., and quote text that looks like JSON: --set 'zip="01234"'.
    """
    from workflow_manager.cli.workflows.start import submit_workflow

    watch = watch_of(wanted=follow_it, timeout_seconds=timeout, service=service, output=output)
    name, version = parse_definition(definition)
    return submit_workflow(
        name,
        version,
        input_text=input_text,
        changes=changes or (),
        fields={"namespace": namespace, "queue": queue, "priority": priority, "tags": parse_tags(tag or ())},
        idempotency_key=idempotency_key,
        watch=watch,
        service=service,
        output=output,
    )
