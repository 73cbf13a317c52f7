"""Registering definitions and state resources: judged here, before AWS sees them."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Final, cast

import structlog

from app.access import checks
from app.access.principal import Role
from app.audit.notes import note
from app.executor.definition_cache import DefinitionCache
from app.store import Store
from workflow_manager import errors, states_language
from workflow_manager.models import (
    DefinitionWarning,
    NewStateResource,
    NewWorkflowDefinitionRequest,
    StateMachine,
    StateResource,
    WorkflowDefinition,
    resource_type,
)

log = structlog.get_logger(__name__)

MAX_CHECKED_AT_ONCE: Final = 50_000
"""Characters of a definition that are judged on the event loop, in some 50 ms at worst."""


class Registry:
    """Adds definitions and state resources to the store."""

    def __init__(self, store: Store, definition_cache: DefinitionCache, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._definition_cache = definition_cache
        self._now = now
        self._large = asyncio.Semaphore(1)

    async def check_definition(self, request: NewWorkflowDefinitionRequest) -> tuple[DefinitionWarning, ...]:
        """Return the warnings about a definition, without storing it. Raises ``InvalidDefinition``.

        A large one is read in a thread, one at a time, so that the event loop goes on.
        """
        if not states_language.is_heavy(request.state_machine, characters=MAX_CHECKED_AT_ONCE):
            return _check(request.state_machine)
        async with self._large:
            return await asyncio.to_thread(_check, request.state_machine)

    async def create_definition(self, request: NewWorkflowDefinitionRequest) -> WorkflowDefinition:
        """Store version 0 of a new definition. Raises ``InvalidDefinition``, ``DefinitionExists``."""
        checks.new_definition(request.name)
        warnings = await self.check_definition(request)
        definition = self._definition(request, version=0)
        await self._store.create_definition(definition)
        note(after={"version": definition.version, "id": definition.id})
        log.info("definition created", action="create-definition", definition=definition.name)
        return _warned(definition, warnings)

    async def update_definition(self, name: str, request: NewWorkflowDefinitionRequest) -> WorkflowDefinition:
        """Store the next version of a definition.

        Raises ``InvalidRequest`` when the request names another definition, ``InvalidDefinition``,
        ``DefinitionNotFound``, and ``VersionConflict`` when another request was faster.
        """
        if request.name != name:
            raise errors.InvalidRequest(f"the name in the body is {request.name!r}, the one in the path {name!r}")
        checks.existing_definition(name, Role.AUTHOR)
        version = await self._latest_version(name) + 1
        warnings = await self.check_definition(request)
        definition = self._definition(request, version=version)
        await self._store.add_definition_version(definition)
        note(before={"version": version - 1}, after={"version": version, "id": definition.id})
        log.info("definition updated", action="update-definition", definition=name, version=definition.version)
        return _warned(definition, warnings)

    async def _latest_version(self, name: str) -> int:
        try:
            return (await self._store.get_definition(name)).version
        except errors.RecordUnreadable as unreadable:
            return cast("WorkflowDefinition", unreadable.placeholder).version

    async def put_state_resource(self, request: NewStateResource) -> StateResource:
        """Store a state resource, replacing an existing one."""
        checks.changed_state_resource(request.namespace, request.name, exists=False)
        resource = StateResource(
            name=request.name,
            namespace=request.namespace,
            uri=request.uri,
            type=resource_type(request.uri),
            last_updated=self._now(),
        )
        try:
            await self._store.put_state_resource(resource)
        finally:
            self._definition_cache.forget_resources()  # also when it is unknown whether it was written
        note(made=f"{resource.namespace}/{resource.name}", after={"uri": resource.uri})
        log.info(
            "state resource registered", action="put-state-resource", namespace=resource.namespace, name=resource.name
        )
        return resource

    async def delete_state_resource(self, namespace: str, name: str) -> None:
        """Remove a state resource; its short name means the convention again. Raises ``StateResourceNotFound``."""
        checks.changed_state_resource(namespace, name, exists=True)
        try:
            await self._store.delete_state_resource(namespace, name)
        finally:
            self._definition_cache.forget_resources()
        log.info("state resource removed", action="delete-state-resource", namespace=namespace, name=name)

    def _definition(self, request: NewWorkflowDefinitionRequest, *, version: int) -> WorkflowDefinition:
        return WorkflowDefinition(
            id=str(uuid.uuid4()),
            name=request.name,
            version=version,
            created_at=self._now(),
            manager=request.manager,
            state_machine=request.state_machine,
            default_tags=request.default_tags,
        )


def _warned(definition: WorkflowDefinition, warnings: tuple[DefinitionWarning, ...]) -> WorkflowDefinition:
    return definition.model_copy(update={"warnings": warnings}) if warnings else definition


def _check(machine: StateMachine) -> tuple[DefinitionWarning, ...]:
    try:
        warnings = [*states_language.check(machine), *states_language.advise(machine)]
    except errors.InvalidDefinition as invalid:
        findings = [finding.within("/stateMachine") for finding in invalid.findings]
        raise errors.InvalidDefinition(invalid.message, findings=findings) from None
    return tuple(
        DefinitionWarning(pointer=f"/stateMachine{warning.pointer}", message=warning.message) for warning in warnings
    )
