"""A bounded cache of definition versions, which never change."""

from collections import OrderedDict
from typing import Final

from app.store.dynamodb.items import DefinitionKey
from workflow_manager import states_language
from workflow_manager.models import WorkflowDefinition

MAX_BYTES: Final = 96 * 2**20
"""Of memory."""


class SharedDefinitions:
    """Keeps the versions that were used last, so that all their workflows share one copy."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[DefinitionKey, tuple[WorkflowDefinition, int]] = OrderedDict()

    def get(self, key: DefinitionKey) -> WorkflowDefinition | None:
        """Return a version if it is at hand, cut to what is reachable from ``key.start_at``."""
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return found[0]
        whole = self._kept.get(key._replace(start_at=None))
        if whole is None or key.start_at is None:
            return None
        definition, size = whole
        return self._keep(key, starting_at(definition, key.start_at), size)

    def put(self, definition: WorkflowDefinition, *, size: int) -> None:
        """Keep a whole version that takes ``size`` bytes of memory."""
        self._keep(DefinitionKey(definition.name, definition.version, None), definition, size)

    def _keep(self, key: DefinitionKey, definition: WorkflowDefinition, size: int) -> WorkflowDefinition:
        if key not in self._kept:
            self._kept[key] = (definition, size)
            self._bytes += size
        while self._bytes > self._max_bytes and len(self._kept) > 1:
            _, (_, freed) = self._kept.popitem(last=False)
            self._bytes -= freed
        return definition


def starting_at(definition: WorkflowDefinition, start_at: str | None) -> WorkflowDefinition:
    """Return a definition as a run that starts at ``start_at`` has it."""
    if start_at in {None, definition.state_machine["StartAt"]}:
        return definition
    pruned = states_language.prune(definition.state_machine, start_at=start_at)
    return definition.model_copy(update={"state_machine": pruned})
