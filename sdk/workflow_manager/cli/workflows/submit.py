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
            "--set", metavar="A.B=VALUE", help="Set a value of the input, JSON or else text; repeatable, the last wins."
        ),
    ] = None,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    queue: Annotated[str | None, typer.Option(help="Queue to wait in.", autocompletion=complete_queue)] = None,
    priority: Annotated[
        int | None, typer.Option(min=0, max=9, metavar="0-9", help="In a queue with limits, 9 goes before 0.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Tag of the workflow; repeatable.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key with the same request is the same workflow.")
    ] = None,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
    service: ServiceOption = DEFAULT_SERVICE,
    output: WorkflowFormatOption = WorkflowFormat.TABLE,
) -> ExitCode:
    r"""Start a workflow.

    With --follow, show its jobs until it has ended; the exit code tells how. Ctrl-C only stops watching.

    --set a.b=1 goes into objects (made where there are none) and, by number, into lists: --set ids.0=7. A dot in a
    name is written \., and a text that could be taken for JSON in quotes: --set 'zip="01234"'.
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
