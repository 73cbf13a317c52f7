"""The verb ``submit``."""

import asyncio
from typing import Annotated

import typer

from app import models
from app.cli.completion import complete_definition
from app.cli.exits import ExitCode
from app.cli.follow import follow
from app.cli.inputs import make, parse_definition, parse_tags, read_input
from app.cli.lines import note
from app.cli.options import (
    DEFAULT_NAMESPACE,
    DEFAULT_URL,
    FollowOption,
    Format,
    FormatOption,
    NamespaceOption,
    TimeoutOption,
    UrlOption,
)
from app.cli.output import is_terminal, write_document, write_table
from app.cli.profiles import way_back
from app.cli.tables import WORKFLOW_COLUMNS
from app.client import WorkflowManager


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
        str, typer.Argument(metavar="INPUT", help="A JSON object, @file, or - for standard input.")
    ] = "{}",
    *,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="A.B=VALUE", help="Set a value of the input, JSON or else text; repeatable, the last wins."
        ),
    ] = None,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    queue: Annotated[str | None, typer.Option(help="Queue to wait in.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Tag of the workflow; repeatable.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key with the same request is the same workflow.")
    ] = None,
    follow_it: FollowOption = False,
    timeout: TimeoutOption = None,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> ExitCode:
    r"""Start a workflow.

    With --follow, show its jobs until it has ended; the exit code tells how. Ctrl-C only stops watching.

    --set a.b=1 goes into objects (made where there are none) and, by number, into lists: --set ids.0=7. A dot in a
    name is written \., and a text that could be taken for JSON in quotes: --set 'zip="01234"'.
    """
    name, version = parse_definition(definition)
    chosen = {"version": version} if version is not None else {}
    request = make(
        models.StartWorkflowRequest,
        workflow_definition=make(models.WorkflowDefinitionRef, name=name, **chosen),
        namespace=namespace,
        input=read_input(input_text, changes=changes or ()),
        tags=parse_tags(tag or ()),
        **({"queue": queue} if queue is not None else {}),
    )
    return asyncio.run(
        _submit(request, key=idempotency_key, watch=follow_it, timeout_seconds=timeout, url=url, output=output)
    )


async def _submit(
    request: models.StartWorkflowRequest,
    *,
    key: str | None,
    watch: bool,
    timeout_seconds: float | None,
    url: str,
    output: Format,
) -> ExitCode:
    async with WorkflowManager(url) as manager:
        try:
            workflow = await manager.start_workflow(request, idempotency_key=key)
        except asyncio.CancelledError:
            note("Interrupted before the service answered; the workflow may have been started.")
            raise
        if watch:
            return await follow(manager, workflow.id, output=output, url=url, timeout_seconds=timeout_seconds)
    _write(workflow, output=output, url=url)
    return ExitCode.OK


def _write(workflow: models.Workflow, *, output: Format, url: str) -> None:
    if output is not Format.TABLE:
        write_document(workflow, output=output)
        return
    write_table([workflow], WORKFLOW_COLUMNS)
    if is_terminal():
        note(f"Follow it: {way_back(workflow.id, url=url)}")
