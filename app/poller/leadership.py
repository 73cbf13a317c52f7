"""Leadership: one poller at a time does the work, so that the quotas are not spent twice.

A lease is a document with the name of its holder and a count that the holder raises. Clocks are never compared: a
candidate that sees the count unchanged for the length of a lease, on its own clock, takes over. Two leaders at once are
harmless, because every write of the poller is conditional; the lease only saves calls.
"""

from collections.abc import Callable
from typing import Final

import structlog

from app.store.documents import Document, DocumentStore
from app.store.unreadable import UnreadableRecords
from workflow_manager import errors

log = structlog.get_logger(__name__)

KEY: Final = "lease/poller"

UNKNOWN: Final = object()

RENEWALS_PER_LEASE: Final = 3
"""A leader renews so often that two lost renewals do not cost it the lease."""


class Leadership:
    """One candidate. ``clock`` is monotonic and gives seconds."""

    def __init__(
        self,
        store: DocumentStore,
        *,
        candidate: str,
        lease_seconds: float,
        clock: Callable[[], float],
        unreadable: UnreadableRecords | None = None,
    ) -> None:
        self._store = store
        self._candidate = candidate
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._unreadable = unreadable or UnreadableRecords()
        self._renewed_at: float | None = None
        self._seen: Document | None = None
        self._seen_at = 0.0

    @property
    def leading(self) -> bool:
        """Whether this candidate leads, as far as it can know: a frozen process finds out by its own clock."""
        return self._renewed_at is not None and self._clock() - self._renewed_at < self._lease_seconds

    @property
    def renew_seconds(self) -> float:
        """How often ``step`` is to be called."""
        return self._lease_seconds / RENEWALS_PER_LEASE

    async def step(self) -> bool:
        """Renew the lease, or take it when its holder stands still; returns whether this candidate leads."""
        moment = self._clock()
        document = await self._store.get_document(KEY)
        if document is not None and "holder" not in document.body:
            # Another replica may hold it: it is taken over like any other, once its count stands still.
            self._unreadable.note("lease", KEY, document.unreadable or "it has no holder")
        if self._holds(document) or document is None or self._stands_still(document, moment):
            await self._take(document, moment)
        return self.leading

    async def resign(self) -> None:
        """Give the lease up, so that another candidate need not wait."""
        if not self.leading:
            return
        self._renewed_at = None
        document = await self._store.get_document(KEY)
        if document is not None and self._holds(document):
            try:
                await self._store.put_document(KEY, {"holder": None}, revision=document.revision)
            except errors.VersionConflict:
                return

    def _holds(self, document: Document | None) -> bool:
        return document is not None and document.body.get("holder") == self._candidate

    def _stands_still(self, document: Document, moment: float) -> bool:
        if document.body.get("holder", UNKNOWN) is None:
            return True
        if self._seen is None or self._seen.revision != document.revision:
            self._seen, self._seen_at = document, moment
        return moment - self._seen_at >= self._lease_seconds

    async def _take(self, document: Document | None, moment: float) -> None:
        led = self.leading
        try:
            await self._store.put_document(
                KEY, {"holder": self._candidate}, revision=document.revision if document else 0
            )
        except errors.VersionConflict:
            self._renewed_at = None
            return
        # The moment before the write: the lease must never look longer to its holder than to the others.
        self._renewed_at = moment
        if not led:
            log.info("became leader", action="lead", candidate=self._candidate)
