"""The verbs ``resources get``, ``put`` and ``delete``."""

import asyncio
from typing import Annotated

import typer

from app import models
from app.cli.inputs import make
from app.cli.lines import note
from app.cli.options import DEFAULT_URL, Format, FormatOption, UrlOption
from app.cli.output import write_document, write_table
from app.cli.tables import STATE_RESOURCE_COLUMNS
from app.client import WorkflowManager

NamespaceArgument = Annotated[str, typer.Argument(metavar="NAMESPACE", help="Environment that the name belongs to.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Short name, as state machines write it.")]


def get_resource(
    namespace: NamespaceArgument,
    name: NameArgument,
    *,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show what a name stands for in a namespace."""
    _write(asyncio.run(_get(namespace, name, url=url)), output=output)


def put_resource(
    namespace: NamespaceArgument,
    name: NameArgument,
    uri: Annotated[str, typer.Argument(metavar="URI", help="What it stands for, such as an ARN.")],
    *,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> None:
    """Say what a name stands for in a namespace."""
    request = make(models.NewStateResource, namespace=namespace, name=name, uri=uri)
    _write(asyncio.run(_put(request, url=url)), output=output)


def delete_resource(namespace: NamespaceArgument, name: NameArgument, *, url: UrlOption = DEFAULT_URL) -> None:
    """Let a name expand by convention again."""
    asyncio.run(_delete(namespace, name, url=url))
    note(f"Deleted {name} of {namespace}.")


async def _get(namespace: str, name: str, *, url: str) -> models.StateResource:
    async with WorkflowManager(url) as manager:
        return await manager.get_state_resource(namespace, name)


async def _put(request: models.NewStateResource, *, url: str) -> models.StateResource:
    async with WorkflowManager(url) as manager:
        return await manager.put_state_resource(request)


async def _delete(namespace: str, name: str, *, url: str) -> None:
    async with WorkflowManager(url) as manager:
        await manager.delete_state_resource(namespace, name)


def _write(resource: models.StateResource, *, output: Format) -> None:
    if output is Format.TABLE:
        write_table([resource], STATE_RESOURCE_COLUMNS)
    else:
        write_document(resource, output=output)
