"""The newest workflows of each definition, for readers that must see what was just written.

Indexes of DynamoDB lag behind their table, as a rule by milliseconds, now and then by more. So every new workflow is
also entered here, in a table that can be read as of now. Entries written at the same time share one request.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.store.dynamodb.batching import WRITE_BATCH, Calls
from app.store.dynamodb.items import Item, expiry, text
from app.store.tables import FILTERED
from workflow_manager import errors

log = structlog.get_logger(__name__)

WINDOW: Final = timedelta(minutes=15)
"""How long a workflow counts as new. An index that lags by more is an outage."""

KEPT: Final = timedelta(hours=1)
"""After this DynamoDB may remove an entry, at no cost."""


def scope(definition_name: str) -> str:
    """Return the partition of a definition's entries."""
    return f"recent#{definition_name}"


class Recent:
    """Enters new workflows, several with one request when many are created at once."""

    def __init__(self, calls: Calls, *, table: str, now: Callable[[], datetime]) -> None:
        self._calls = calls
        self._table = table
        self._now = now
        self._waiting: dict[str, tuple[Item, asyncio.Future[None]]] = {}
        self._writing: asyncio.Task[None] | None = None

    def enter(self, summary: Item) -> asyncio.Future[None]:
        """Begin to enter a workflow; the future is done once readers see it.

        It never fails: without its entry a workflow is listed when the index has caught up.
        """
        position = summary["position"]
        entry: Item = {
            "scope": text(scope(summary["definition"]["S"])),
            "entry": position,
            "expires_at": expiry(self._now(), KEPT),
            **{name: summary[name] for name in FILTERED if name in summary},
        }
        waiting = self._waiting.setdefault(position["S"], (entry, asyncio.get_running_loop().create_future()))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="enter-recent-workflows")
        return waiting[1]

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.pop(position) for position in list(self._waiting)[:WRITE_BATCH]]
                try:
                    await self._put([entry for entry, _ in batch])
                finally:
                    _release(batch)
        finally:
            self._writing = None
            _release(self._waiting.values())

    async def _put(self, entries: Sequence[Item]) -> None:
        try:
            await self._calls.write_many(self._table, [{"PutRequest": {"Item": entry}} for entry in entries])
        except errors.WorkflowManagerError as failure:
            log.warning(
                "new workflows not entered; they are listed when the index catches up",
                action="enter-recent",
                workflows=len(entries),
                error=failure.message,
            )


def _release(batch: Iterable[tuple[Item, asyncio.Future[None]]]) -> None:
    for _, done in batch:
        if not done.done():
            done.set_result(None)
