"""What ``definitions list``, ``get`` and ``put`` ask of the service."""

import json
from collections.abc import Mapping

from workflow_manager import errors, models
from workflow_manager.cli.async_runner import run
from workflow_manager.cli.definitions.diff import WORDS, Change, compare, make_so
from workflow_manager.cli.definitions.files import DefinitionFile
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.common import Format
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.output.columns import DEFINITION_COLUMNS, definition_label
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import visible_json
from workflow_manager.cli.output.formats import write_fields, write_result, write_results


def show_definitions(name: str | None, *, service: Service, output: Format) -> None:
    """Show the latest version of every definition, or all versions of one."""
    found = run(_list(name, service))
    write_results(found, DEFINITION_COLUMNS, output=output)


def show_definition(name: str, version: int | None, *, service: Service, output: Format) -> None:
    """Show one version of a definition, the latest without a number."""
    found = run(_get(name, version, service))
    if output is not Format.TABLE:
        write_result(found, DEFINITION_COLUMNS, output=output)
        return
    write_fields({title: column.show(found) for title, column in DEFINITION_COLUMNS.items()})
    write_line()
    write_line(visible_json(json.dumps(found.state_machine, ensure_ascii=False, indent=2)))


def put_file(
    path: str,
    *,
    name: str | None,
    tags: models.Tags,
    substitutions: Mapping[str, str],
    force: bool,
    service: Service,
    output: Format,
) -> None:
    """Make the service have the definition in a file."""
    entry = DefinitionFile(path, substitutions=substitutions).only()
    request = entry.definition(name=name, tags=tags)
    change, definition = run(_put(request, force=force, service=service))
    note(f"{WORDS[change]} {definition_label(definition)}.")
    for warning in definition.warnings or ():
        note(str(entry.problem(errors.Finding(warning.pointer, warning.message, errors.Severity.WARNING))))
    write_result(definition, DEFINITION_COLUMNS, output=output)


async def _list(name: str | None, service: Service) -> list[models.WorkflowDefinition]:
    async with connect(service) as manager:
        return await (manager.list_definitions() if name is None else manager.list_definition_versions(name))


async def _get(name: str, version: int | None, service: Service) -> models.WorkflowDefinition:
    async with connect(service) as manager:
        return await manager.get_definition(name, version=version)


async def _put(
    request: models.NewWorkflowDefinitionRequest, *, force: bool, service: Service
) -> tuple[Change, models.WorkflowDefinition]:
    async with connect(service) as manager:
        difference = await compare(manager, request)
        change = Change.ADDED if force and difference.change is Change.NONE else difference.change
        return change, await make_so(manager, difference, force=force)
