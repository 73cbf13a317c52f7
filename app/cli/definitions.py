"""The verbs ``definitions list``, ``get`` and ``put``."""

import asyncio
import json
from typing import Annotated

import typer

from app import models
from app.cli.completion import complete_definition
from app.cli.definition_changes import WORDS, Change, compare, make_so
from app.cli.definition_files import read_definition
from app.cli.inputs import parse_definition, parse_tags
from app.cli.lines import note, write_line
from app.cli.options import DEFAULT_URL, Format, FormatOption, UrlOption
from app.cli.output import write_document, write_documents, write_fields, write_table
from app.cli.tables import DEFINITION_COLUMNS, definition_label
from app.cli.text import visible_json
from app.client import WorkflowManager


def list_definitions(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Show all versions of this one.", autocompletion=complete_definition),
    ] = None,
    *,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> None:
    """List definitions, or all versions of one."""
    found = asyncio.run(_list(name, url=url))
    if output is Format.TABLE:
        write_table(found, DEFINITION_COLUMNS)
    else:
        write_documents(found, output=output)


def get_definition(
    definition: Annotated[
        str,
        typer.Argument(
            metavar="NAME[:VERSION]",
            help="A trailing number is the version; :-1 is the latest.",
            autocompletion=complete_definition,
        ),
    ],
    *,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show one version of a definition.

    What -o json and -o yaml write can be given to `definitions put` again.
    """
    name, version = parse_definition(definition)
    found = asyncio.run(_get(name, version, url=url))
    if output is not Format.TABLE:
        write_document(found, output=output)
        return
    write_fields({title: show(found) for title, show in DEFINITION_COLUMNS.items()})
    write_line()
    write_line(visible_json(json.dumps(found.state_machine, ensure_ascii=False, indent=2)))


def put_definition(
    name_or_file: Annotated[
        str, typer.Argument(metavar="[NAME] FILE", help="JSON or YAML; a file with only the state machine needs NAME.")
    ],
    file: Annotated[str | None, typer.Argument(hidden=True)] = None,
    *,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Default tag; repeatable.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Add a version even when nothing changed.")] = False,
    url: UrlOption = DEFAULT_URL,
    output: FormatOption = Format.TABLE,
) -> None:
    """Create a definition, or add a version to it.

    FILE (- for standard input) holds {name, stateMachine, defaultTags}, or the state machine alone.
    """
    name, path = (None, name_or_file) if file is None else (name_or_file, file)
    request = read_definition(path, name=name, tags=parse_tags(tag or ()))
    change, definition = asyncio.run(_put(request, force=force, url=url))
    note(f"{WORDS[change]} {definition_label(definition)}.")
    if output is Format.TABLE:
        write_table([definition], DEFINITION_COLUMNS)
    else:
        write_document(definition, output=output)


async def _list(name: str | None, *, url: str) -> list[models.WorkflowDefinition]:
    async with WorkflowManager(url) as manager:
        return await (manager.list_definitions() if name is None else manager.list_definition_versions(name))


async def _get(name: str, version: int | None, *, url: str) -> models.WorkflowDefinition:
    async with WorkflowManager(url) as manager:
        return await manager.get_definition(name, version=version)


async def _put(
    request: models.NewWorkflowDefinitionRequest, *, force: bool, url: str
) -> tuple[Change, models.WorkflowDefinition]:
    async with WorkflowManager(url) as manager:
        difference = await compare(manager, request)
        change = Change.ADDED if force and difference.change is Change.NONE else difference.change
        return change, await make_so(manager, difference, force=force)
