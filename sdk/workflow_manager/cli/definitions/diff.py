"""Comparing a definition with its latest version, and storing it."""

import difflib
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from workflow_manager import errors, models
from workflow_manager.client import WorkflowManager


class Change(StrEnum):
    """What storing a definition does."""

    CREATED = "created"
    ADDED = "added"
    NONE = "unchanged"

    @property
    def past_tense(self) -> str:
        """How a message begins, before the name of the definition."""
        return "Unchanged: identical to" if self is Change.NONE else self.value.capitalize()


class Difference(NamedTuple):
    """A wanted definition, its latest version, and what storing it would do."""

    wanted: models.NewWorkflowDefinitionRequest
    present: models.WorkflowDefinition | None
    change: Change

    def lines(self, source: str) -> Iterator[str]:
        """Write a unified diff; fields are sorted, because their order does not matter."""
        before = [] if self.present is None else _pretty(self.present)
        name = f"{self.wanted.name}:{self.present.version}" if self.present else "/dev/null"
        return difflib.unified_diff(before, _pretty(self.wanted), fromfile=name, tofile=source, lineterm="")


async def compare(manager: WorkflowManager, wanted: models.NewWorkflowDefinitionRequest) -> Difference:
    """Compare a definition with its latest version."""
    try:
        present = await manager.get_definition(wanted.name)
    except errors.DefinitionNotFound:
        return Difference(wanted, None, Change.CREATED)
    return Difference(wanted, present, Change.NONE if models.same_content(wanted, present) else Change.ADDED)


async def store_definition(
    manager: WorkflowManager, difference: Difference, *, force: bool = False
) -> models.WorkflowDefinition:
    """Create the definition, or add a version if it has changed; ``force`` always adds one."""
    if difference.present is None:
        return await manager.create_definition(difference.wanted)
    if difference.change is Change.NONE and not force:
        return difference.present
    return await manager.update_definition(difference.wanted)


def _fields(definition: models.NewWorkflowDefinitionRequest | models.WorkflowDefinition) -> dict[str, Any]:
    return {
        "stateMachine": definition.state_machine,
        "defaultTags": definition.default_tags,
        "manager": definition.manager,
    }


def _pretty(definition: models.NewWorkflowDefinitionRequest | models.WorkflowDefinition) -> list[str]:
    return json.dumps(_fields(definition), ensure_ascii=False, indent=2, sort_keys=True).splitlines()
