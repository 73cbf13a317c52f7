"""The trail: every audited request is a line of the log at once, and an entry of the store soon after."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.store.entries import EntryStore
from workflow_manager import errors
from workflow_manager.models import AuditEntry, AuditOutcome

log = structlog.get_logger(__name__)

EVERYWHERE: Final = "*"
"""Stands for the namespace of what has none; no namespace can be called that."""

NAMESPACES: Final = "audit-namespaces"
"""Scope of the names of namespaces that have entries."""

MAX_PENDING: Final = 1_000
"""Entries that wait for the store; of more there are lines in the log alone."""

MAX_SOURCES: Final = 100
"""Sources that are counted separately in one minute while their callers are unknown."""

OTHERS: Final = "others"


def scope_of(namespace: str | None, day: str) -> str:
    """Return the scope of the entries of a namespace on a day such as ``2026-01-31``."""
    return f"audit#{namespace or EVERYWHERE}#{day}"


def day_of(moment: datetime) -> str:
    """Return the day of a moment, in UTC."""
    return f"{moment:%Y-%m-%d}"


def bound_of(moment: datetime) -> str:
    """Return what all keys of entries from a moment on are not below; its first part is in milliseconds."""
    return f"{int(moment.timestamp() * 1000):013d}"


class _Fold:
    """Counts refusals of unknown callers by source, a minute at a time."""

    def __init__(self) -> None:
        self._minute = ""
        self._counts: dict[str, int] = {}

    def count(self, entry: AuditEntry) -> tuple[str, int]:
        """Count one; return the key of its entry, and the count so far."""
        minute = bound_of(entry.at.replace(second=0, microsecond=0))
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        known = str(entry.source)
        source = known if known in self._counts or len(self._counts) < MAX_SOURCES else OTHERS
        self._counts[source] = self._counts.get(source, 0) + 1
        return f"{minute}#{source}", self._counts[source]


class AuditTrail:
    """Writes the audit to the log, and to the store when that answers: its outages hold up no request."""

    def __init__(self, store: EntryStore, *, days: int, now: Callable[[], datetime]) -> None:
        self._store = store
        self._kept = timedelta(days=days)
        self.now = now
        self._fold = _Fold()
        self._known: set[tuple[str, str]] = set()
        self._writing: set[asyncio.Task[None]] = set()

    def log(self, entry: AuditEntry) -> None:
        """Write a line of the log and nothing else."""
        log.info("audit", action="audit", **_fields(entry))

    def record(self, entry: AuditEntry) -> None:
        """Write a line of the log, and have the entry stored. Floods of unknown callers are folded."""
        key, count = self._key(entry), 1
        if entry.outcome is AuditOutcome.REFUSED and entry.actor is None:
            key, count = self._fold.count(entry)
            if not _is_power_of_ten(count):
                return
            # It stands for its minute, so that entries are in the order of their times.
            entry = entry.model_copy(update={"count": count, "at": entry.at.replace(second=0, microsecond=0)})
        self.log(entry)
        if len(self._writing) >= MAX_PENDING:
            log.warning("audit entry not stored: too many are waiting", action="audit-not-stored")
            return
        task = asyncio.create_task(self._write(entry, key), name="audit-entry")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def announce(self, entry: AuditEntry) -> None:
        """Store an entry before what it is about is done. Raises ``Unavailable`` when the store does not take it."""
        await self._add(entry, self._key(entry))

    async def settle(self) -> None:
        """Wait until every entry is stored, or could not be."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    def _key(self, entry: AuditEntry) -> str:
        return f"{bound_of(entry.at)}#{secrets.token_hex(6)}"

    async def _write(self, entry: AuditEntry, key: str) -> None:
        try:
            await self._add(entry, key)
        except errors.WorkflowManagerError as trouble:
            log.warning("audit entry not stored", action="audit-not-stored", error=trouble.message)

    async def _add(self, entry: AuditEntry, key: str) -> None:
        scope = scope_of(entry.namespace, day_of(entry.at))
        body = _body(entry)
        if not await self._store.add_entry(scope, key, body, expires=entry.at + self._kept):
            await self._raise_count(scope, key, entry)
        if entry.namespace is not None:
            await self._know(entry.namespace)

    async def _raise_count(self, scope: str, key: str, entry: AuditEntry) -> None:
        """Count more refusals in the entry of their minute, which another replica may have made."""
        known = await self._store.get_entry(scope, key)
        if known is None or known.body.get("count", 1) >= entry.count:
            return
        try:
            await self._store.update_entry(scope, key, {**known.body, "count": entry.count}, revision=known.revision)
        except errors.VersionConflict:
            return  # another replica counts too; the number is a lower bound

    async def _know(self, namespace: str) -> None:
        """Remember that a namespace has entries, for as long as it has some."""
        moment = self.now()
        today = (namespace, day_of(moment))
        if today in self._known:
            return
        end = moment + self._kept + timedelta(days=1)
        if not await self._store.add_entry(NAMESPACES, namespace, {}, expires=end):
            known = await self._store.get_entry(NAMESPACES, namespace)
            with suppress(errors.VersionConflict):  # another replica remembers it, too
                if known is not None:
                    await self._store.update_entry(NAMESPACES, namespace, {}, revision=known.revision, expires=end)
        self._known = {each for each in self._known if each[1] == today[1]} | {today}


def _body(entry: AuditEntry) -> dict[str, object]:
    return entry.model_dump(by_alias=True, exclude_none=True, mode="json")


def _fields(entry: AuditEntry) -> dict[str, object]:
    return entry.model_dump(exclude_none=True, mode="json", exclude={"at", "request_id"})


def _is_power_of_ten(count: int) -> bool:
    return str(count).rstrip("0") == "1"
