"""The verb ``wait``."""

from typing import Annotated

import typer

from workflow_manager.cli.bulk.id_input import read_words
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.common import WorkflowFormat, WorkflowFormatOption
from workflow_manager.cli.options.completion import complete_workflow
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption


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
    from workflow_manager.cli.workflows.waiting import wait_for

    return wait_for(read_words(ids), timeout_seconds=timeout, service=service, output=output)
