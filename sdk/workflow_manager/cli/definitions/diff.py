"""What putting a definition would change, and doing it."""

import difflib
import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, NamedTuple

from workflow_manager import errors, models
from workflow_manager.client import WorkflowManager


class Change(StrEnum):
    """What a put does."""

    CREATED = "created"
    ADDED = "added"
    NONE = "unchanged"


WORDS: Final = {Change.CREATED: "Created", Change.ADDED: "Added", Change.NONE: "Unchanged: identical to"}


class Difference(NamedTuple):
    """A definition as it is wanted, the latest version as it is, and what must be done to make them one."""

    wanted: models.NewWorkflowDefinitionRequest
    present: models.WorkflowDefinition | None
    change: Change

    def lines(self, source: str) -> Iterator[str]:
        """Write it as `diff -u` does; the order of fields does not matter, so they are sorted."""
        before = [] if self.present is None else _pretty(self.present)
        name = f"{self.wanted.name}:{self.present.version}" if self.present else "/dev/null"
        return difflib.unified_diff(before, _pretty(self.wanted), fromfile=name, tofile=source, lineterm="")


async def compare(manager: WorkflowManager, wanted: models.NewWorkflowDefinitionRequest) -> Difference:
    """Compare a definition with its latest version."""
    try:
        present = await manager.get_definition(wanted.name)
    except errors.DefinitionNotFound:
        return Difference(wanted, None, Change.CREATED)
    # As JSON, because Python takes 1, 1.0 and true for equal.
    same = json.dumps(_fields(wanted), sort_keys=True) == json.dumps(_fields(present), sort_keys=True)
    return Difference(wanted, present, Change.NONE if same else Change.ADDED)


async def make_so(
    manager: WorkflowManager, difference: Difference, *, force: bool = False
) -> models.WorkflowDefinition:
    """Create the definition or add a version to it, if it has changed; ``force`` adds one all the same."""
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
