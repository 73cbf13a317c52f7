"""Entries: small bodies in order of their keys under a scope, such as what was audited on one day."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """A JSON object under a scope and a key, as one write left it."""

    scope: str
    key: str
    revision: int
    """Counts the writes; the first one makes it 1."""
    body: Mapping[str, Any]
    """Empty when it cannot be read."""
    expires: datetime
    """When it counts as gone, to the second."""
    unreadable: str | None = None
    """Why it cannot be read."""


class EntryStore(ABC):
    """Entries that end by themselves. A scope takes 1,000 writes a second: divide what has more by day or by owner.

    Scopes and keys are texts of 1 to 900 bytes, bodies JSON objects of at most 300 KB.
    """

    @abstractmethod
    async def add_entry(self, scope: str, key: str, body: Mapping[str, Any], *, expires: datetime) -> bool:
        """Add an entry unless there is one under this key, and tell whether it was added."""

    @abstractmethod
    async def get_entry(self, scope: str, key: str) -> Entry | None:
        """Return an entry as the last write left it, or None when there is none."""

    @abstractmethod
    async def list_entries(
        self, scope: str, *, limit: int, after: str | None = None, newest_first: bool = False
    ) -> Sequence[Entry]:
        """Return entries of a scope by key, the lowest first, or the highest first with ``newest_first``.

        With ``after``, the entries that follow this key in that order. Fewer than ``limit`` means that there are no
        more. An unreadable entry is returned without a body.
        """

    @abstractmethod
    async def update_entry(
        self, scope: str, key: str, body: Mapping[str, Any], *, revision: int, expires: datetime | None = None
    ) -> Entry:
        """Replace the body of the entry at ``revision``, and its end if one is given; return the entry as it is then.

        Raises ``VersionConflict`` when it is at another revision, or not there.
        """

    @abstractmethod
    async def remove_entry(self, scope: str, key: str) -> None:
        """Remove an entry; nothing happens when there is none."""
