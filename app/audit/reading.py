"""Reading the audit, the newest entry first, over days and namespaces."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import structlog
from pydantic import ValidationError

from app.audit.trail import EVERYWHERE, NAMESPACES, bound_of, day_of, scope_of
from app.store.entries import Entry, EntryStore
from workflow_manager.models import AuditEntry

log = structlog.get_logger(__name__)

READ_AT_ONCE: Final = 200
"""Entries of one namespace and day that are read in one call."""

MAX_CALLS: Final = 100
"""Calls of the store for one page; a page that would need more ends early."""

MAX_NAMESPACES: Final = 1_000


class AuditPage(NamedTuple):
    """Some entries, and where the next page begins; None: there are no more."""

    entries: Sequence[AuditEntry]
    next_key: str | None


class AuditReader:
    """Reads what the trail stored."""

    def __init__(self, store: EntryStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def page(
        self,
        *,
        namespace: str | None,
        after: datetime,
        before_key: str | None,
        limit: int,
        shows: Callable[[AuditEntry], bool],
    ) -> AuditPage:
        """Return entries of one namespace, or of all and of what has none, that ``shows`` accepts.

        ``before_key`` is where the page before ended. A page can be empty, and yet another one follow.
        """
        namespaces = await self._namespaces() if namespace is None else [namespace]
        day = self._now() if before_key is None else _moment(before_key)
        key, oldest, calls = before_key, bound_of(after), 0
        shown: list[AuditEntry] = []
        while day_of(day) >= day_of(after):
            while True:
                if calls and calls + len(namespaces) > MAX_CALLS:
                    return AuditPage(shown, key or _last_key(day))
                calls += len(namespaces)
                found, is_last = await self._read(namespaces, day_of(day), key)
                for entry in found:
                    if entry.key < oldest:
                        return AuditPage(shown, None)
                    key = entry.key
                    parsed = _parsed(entry)
                    if parsed is not None and shows(parsed):
                        shown.append(parsed)
                        if len(shown) == limit:
                            return AuditPage(shown, key)
                if is_last:
                    break
            day, key = day - timedelta(days=1), None
        return AuditPage(shown, None)

    async def _namespaces(self) -> list[str]:
        known = await self._store.list_entries(NAMESPACES, limit=MAX_NAMESPACES)
        return [EVERYWHERE, *(entry.key for entry in known)]

    async def _read(self, namespaces: Sequence[str], day: str, before_key: str | None) -> tuple[list[Entry], bool]:
        """Return the next entries of a day in their order, and whether there are no more."""
        pages = [
            await self._store.list_entries(
                scope_of(namespace, day), limit=READ_AT_ONCE, after=before_key, newest_first=True
            )
            for namespace in namespaces
        ]
        # Below the last key of a page that was full, entries of its namespace may be missing.
        sure = max((page[-1].key for page in pages if len(page) == READ_AT_ONCE), default="")
        found = [entry for page in pages for entry in page if entry.key >= sure]
        return sorted(found, key=lambda entry: entry.key, reverse=True), not sure


def _moment(key: str) -> datetime:
    return datetime.fromtimestamp(int(key[:13]) / 1000, tz=UTC)


def _last_key(day: datetime) -> str:
    """Return a key that no entry of a day is above."""
    end = day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return f"{bound_of(end - timedelta(milliseconds=1))}~"


def _parsed(entry: Entry) -> AuditEntry | None:
    try:
        return AuditEntry.model_validate(entry.body)
    except ValidationError:
        log.warning("audit entry cannot be read", action="unreadable-audit-entry", scope=entry.scope, key=entry.key)
        return None
