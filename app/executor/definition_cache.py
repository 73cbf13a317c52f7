"""Definitions and state resources, cached so that a warm start reads nothing from the store."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from app.executor.lru_cache import LRUCache
from app.store import Store
from app.store.weights import held_bytes
from workflow_manager.models import WorkflowDefinition

RESOURCES_GOOD_FOR_SECONDS: Final = 5.0
"""A state resource that another replica registered or removed counts here after this time at the latest."""

MAX_DEFINITIONS: Final = 200
"""Versions kept at hand."""

MAX_DEFINITION_BYTES: Final = 64 * 1024 * 1024
"""What they may take together, roughly; one of 1 MB can take thirty."""

MAX_LOOKUPS: Final = 2_000
"""Answers kept about state resources, one for each namespace and set of names."""


class DefinitionCache:
    """Reads definitions and state resources. ``clock`` gives seconds.

    A definition version never changes, so it is read once. State resources change: they are remembered for a few
    seconds, and what this process itself changes counts at once.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._definitions: LRUCache[tuple[str, int], WorkflowDefinition] = LRUCache(
            MAX_DEFINITIONS,
            max_weight=MAX_DEFINITION_BYTES,
            weigh=lambda version: held_bytes(json.dumps(version.state_machine).encode()),
        )
        self._lookups: LRUCache[tuple[str, frozenset[str]], tuple[float, Mapping[str, str]]] = LRUCache(MAX_LOOKUPS)
        self._changes = 0

    async def definition(self, name: str, *, version: int | None) -> WorkflowDefinition:
        """Return one version, or the latest without ``version``. Raises ``DefinitionNotFound``."""
        if version is not None and (known := self._definitions.get((name, version))) is not None:
            return known
        definition = await self._store.get_definition(name, version=version)
        # All workflows of a version share one copy.
        return self._definitions.setdefault((name, definition.version), definition)

    async def uris(self, namespace: str, names: frozenset[str]) -> Mapping[str, str]:
        """Return the registered URIs of those of ``names`` that have one in ``namespace``."""
        if not names:
            return {}
        asked_at = self._clock()
        known = self._lookups.get((namespace, names))
        if known is not None and asked_at - known[0] < RESOURCES_GOOD_FOR_SECONDS:
            return known[1]
        changes = self._changes
        found = await self._store.find_state_resources(namespace, names)
        uris = {name: resource.uri for name, resource in found.items()}
        if changes == self._changes:  # a read during a write may be older than the write
            self._lookups.put((namespace, names), (asked_at, uris))
        return uris

    def forget_resources(self) -> None:
        """Read state resources again: one was changed here."""
        self._changes += 1
        self._lookups.clear()
