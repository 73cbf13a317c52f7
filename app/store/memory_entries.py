"""Entries in memory."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from heapq import heappop, heappush
from typing import Any

from app.store.entries import Entry
from workflow_manager import errors


class Entries:
    """Entries by scope and key; expired ones are removed at each write."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: dict[str, dict[str, Entry]] = {}
        self._keys: dict[str, list[str]] = {}
        self._ends: list[tuple[datetime, str, str]] = []

    def add(self, scope: str, key: str, body: Mapping[str, Any], *, expires: datetime) -> bool:
        """Add an entry unless there is one."""
        self._expire()
        entries = self._entries.setdefault(scope, {})
        if key in entries:
            return False
        self._keep(Entry(scope, key, 1, deepcopy(dict(body)), expires.replace(microsecond=0)))
        insort(self._keys.setdefault(scope, []), key)
        return True

    def get(self, scope: str, key: str) -> Entry | None:
        """Return an entry that has not expired."""
        entry = self._entries.get(scope, {}).get(key)
        return entry if entry and entry.expires > self._now() else None

    def page(self, scope: str, *, limit: int, after: str | None, newest_first: bool) -> Sequence[Entry]:
        """Return entries in order."""
        keys = self._keys.get(scope, [])
        if newest_first:
            ordered = keys[: len(keys) if after is None else bisect_left(keys, after)][::-1]
        else:
            ordered = keys[0 if after is None else bisect_right(keys, after) :]
        present = filter(None, (self.get(scope, key) for key in ordered))
        return [entry for entry, _ in zip(present, range(limit), strict=False)]

    def update(
        self, scope: str, key: str, body: Mapping[str, Any], *, revision: int, expires: datetime | None
    ) -> Entry:
        """Replace an entry at a revision."""
        self._expire()
        known = self.get(scope, key)
        if known is None or known.revision != revision:
            raise errors.VersionConflict(f"entry {key!r} has changed in the meantime")
        end = known.expires if expires is None else expires.replace(microsecond=0)
        changed = replace(known, revision=revision + 1, body=deepcopy(dict(body)), expires=end)
        self._keep(changed)
        return changed

    def remove(self, scope: str, key: str) -> None:
        """Remove an entry, if there is one."""
        entries = self._entries.get(scope, {})
        if entries.pop(key, None) is None:
            return
        keys = self._keys[scope]
        del keys[bisect_left(keys, key)]
        if not entries:
            del self._entries[scope], self._keys[scope]

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.scope][entry.key] = entry
        heappush(self._ends, (entry.expires, entry.scope, entry.key))

    def _expire(self) -> None:
        while self._ends and self._ends[0][0] <= self._now():
            _, scope, key = heappop(self._ends)
            entry = self._entries.get(scope, {}).get(key)
            if entry is not None and entry.expires <= self._now():
                self.remove(scope, key)
