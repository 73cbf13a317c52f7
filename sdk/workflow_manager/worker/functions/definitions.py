"""The workflow definitions that come with a worker, and how the service learns them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import pydantic
import structlog

from workflow_manager import errors, models
from workflow_manager.states_language import validate
from workflow_manager.states_language.source.source import load
from workflow_manager.worker.backoff import Backoff

log = structlog.get_logger()

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0


class DefinitionService(Protocol):
    """The calls of the service's API that registering takes; ``workflow_manager.client.WorkflowManager`` has them."""

    async def get_definition(self, name: str) -> models.WorkflowDefinition:
        """Get the latest version; raises ``NotFound``."""
        ...

    async def create_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Create version 0; raises ``Conflict`` when the name is taken."""
        ...

    async def update_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Add the next version; raises ``Conflict`` when another client was faster."""
        ...


def read_definitions(path: Path) -> list[models.NewWorkflowDefinitionRequest]:
    """Read one definition, or a list of them, from a YAML or JSON file.

    Raises ``InvalidDefinition`` with all findings, each led by file and line, and ``SettingsError`` for a file that
    cannot be read.
    """
    try:
        source = load(path.read_text(encoding="utf-8"), format="json" if path.suffix == ".json" else "yaml")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise errors.SettingsError(f"definitions {path}: {unreadable}") from None
    document = source.machine
    entries = document if isinstance(document, list) else [document]
    found = list(source.findings)
    if source.readable:
        for number, entry in enumerate(entries):
            found += _judge(entry, f"/{number}" if isinstance(document, list) else "")
    for finding in found:
        if not finding.is_error:
            place = f"{path}:{source.line(finding.pointer)}: {finding.pointer or '/'}"
            log.warning(finding.message, action="definition-warning", place=place)
    if any(finding.is_error for finding in found):
        findings = [f._replace(pointer=f"{path}:{source.line(f.pointer)}: {f.pointer or '/'}") for f in found]
        raise errors.InvalidDefinition(f"{path} is not valid.", findings=findings)
    return [models.NewWorkflowDefinitionRequest.model_validate(entry) for entry in entries]


async def register(
    service: DefinitionService,
    definitions: Sequence[models.NewWorkflowDefinitionRequest],
    *,
    on_delay: Callable[[], object] = lambda: None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Make each definition the latest version of its name: create it, or add a version when something differs.

    Goes on trying while the service is away, and says so with ``on_delay`` each time; raises what the service refuses
    for good.
    """
    for definition in definitions:
        backoff = Backoff(first_seconds=FIRST_PAUSE_SECONDS, cap_seconds=LONGEST_PAUSE_SECONDS)
        while True:
            try:
                await _register(service, definition)
            except (errors.Unavailable, errors.Conflict) as passing:
                log.warning(
                    "definition not registered yet",
                    action="definition-retried",
                    definition=definition.name,
                    error=str(passing),
                )
                on_delay()
                await sleep(backoff.next_seconds())
            else:
                break


async def _register(service: DefinitionService, wanted: models.NewWorkflowDefinitionRequest) -> None:
    try:
        latest = await service.get_definition(wanted.name)
    except errors.NotFound:
        _tell(await service.create_definition(wanted))
        return
    if not models.same_content(wanted, latest):
        _tell(await service.update_definition(wanted))


def _tell(made: models.WorkflowDefinition) -> None:
    log.info("definition registered", action="definition-registered", definition=made.name, version=made.version)


def _judge(entry: Any, pointer: str) -> list[errors.Finding]:
    try:
        definition = models.NewWorkflowDefinitionRequest.model_validate(entry)
    except pydantic.ValidationError as invalid:
        return [
            errors.Finding("/".join([pointer, *map(str, found["loc"])]), found["msg"]) for found in invalid.errors()
        ]
    findings = validate(definition.state_machine)
    return [finding.within(f"{pointer}/stateMachine") for finding in findings]
