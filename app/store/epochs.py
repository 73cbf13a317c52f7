"""Epochs: what a replica made of documents is made anew soon after any replica changed one of them.

A write of such a document raises ``epoch/<kind>`` in the same step, so a replica reads one small item a second, and the
documents only when it has changed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, Final, Generic, TypeVar

import structlog

from app.store.documents import DocumentStore
from workflow_manager import errors

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
"""Time that what was made is taken as current."""

LATEST_SECONDS: Final = 8.0
"""Time after which what was made is not used without a look: a revoked key must be refused everywhere within ten."""

PAUSE_SECONDS: Final = 0.1
"""Time between two looks for callers who cannot wait for the next one."""

T = TypeVar("T")


def epoch_key(kind: str) -> str:
    """Return the key of the document that every change of a kind raises."""
    return f"epoch/{kind}"


class Watched(Generic[T]):
    """Something that ``load`` makes of the documents of a kind. ``clock`` gives seconds."""

    def __init__(
        self,
        store: DocumentStore,
        *,
        kind: str,
        load: Callable[[], Awaitable[T]],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._key = epoch_key(kind)
        self._load = load
        self._clock = clock
        self._sleep = sleep
        self._next: asyncio.Task[T] | None = None
        self._made: tuple[T] | None = None
        self._epoch = -1
        self._looked_at = -inf
        self._looking: asyncio.Task[None] | None = None

    async def get(self) -> T:
        """Return what was made, at most ``LATEST_SECONDS`` after a look; a look is under way after ``LOOK_SECONDS``.

        Raises the store's error if the last successful read is too old.
        """
        age = self._clock() - self._looked_at
        if self._made is not None and age <= LATEST_SECONDS:
            if age > LOOK_SECONDS:
                self._start_look()
            return self._made[0]
        return await self._looked()

    async def latest(self) -> T:
        """Return what a look finds that begins after this call.

        Callers share it, and it waits its turn: many who call cost ten looks a second.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._look_in_turn(), name=f"look-in-turn-at-{self._key}")
            self._next.add_done_callback(_report)
        return await asyncio.shield(self._next)

    async def _look_in_turn(self) -> T:
        try:
            await self._sleep(max(0.0, self._looked_at + PAUSE_SECONDS - self._clock()))
            if self._looking is not None:
                await asyncio.wait({self._looking})
        finally:
            self._next = None  # who calls from now on needs another look
        return await self._looked()

    async def _looked(self) -> T:
        await asyncio.shield(self._start_look())
        assert self._made is not None  # noqa: S101 (a look that fails raises)
        return self._made[0]

    def outdate(self) -> None:
        """Have the next read look: something was just changed here."""
        self._looked_at = -inf

    def _start_look(self) -> asyncio.Task[None]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name=f"look-at-{self._key}")
            self._looking.add_done_callback(_report)
        return self._looking

    async def _look(self) -> None:
        moment = self._clock()
        epoch = await self._store.get_document(self._key)
        revision = epoch.revision if epoch else 0
        if self._made is None or revision != self._epoch:
            # What is written after the epoch was read raises it again, so it is found at the next look.
            self._made = (await self._load(),)
            self._epoch = revision
        self._looked_at = moment


def _report(look: asyncio.Task[Any]) -> None:
    if not look.cancelled() and isinstance(failure := look.exception(), errors.WorkflowManagerError):
        log.warning("changes cannot be looked for", action="look-at-epoch", error=failure.message)
