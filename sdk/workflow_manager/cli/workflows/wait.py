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
            help="Ids of workflows, or their first 8 characters, or - to read them.",
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
    """Wait until workflows have ended.

    Exits 0 when all have succeeded, 1 when one has failed, 6 when one was cancelled and none has failed, and 124 when
    the time is over. The workflows go on whatever happens to the command.
    """
    from workflow_manager.cli.workflows.waiting import wait_for

    return wait_for(read_words(ids), timeout_seconds=timeout, service=service, output=output)
