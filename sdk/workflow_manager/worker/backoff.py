"""Pauses between tries: how long they are, and what cuts them short."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Backoff:
    """Tells how long to wait after each failure in a row: doubling, capped, and spread so that workers do not march.

    Each pause is between half and all of its nominal length.
    """

    def __init__(
        self, *, first_seconds: float, cap_seconds: float, randomness: Callable[[], float] = random.random
    ) -> None:
        self._first_seconds = first_seconds
        self._cap_seconds = cap_seconds
        self._randomness = randomness
        self._nominal_seconds = first_seconds

    def next_seconds(self) -> float:
        """Count one more failure and return the pause that follows it."""
        nominal = min(self._nominal_seconds, self._cap_seconds)
        self._nominal_seconds = nominal * 2
        return nominal * (1 + self._randomness()) / 2

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self._nominal_seconds = self._first_seconds


async def pause(seconds: float, *, unless: asyncio.Event) -> None:
    """Wait for ``seconds``, or until the event is set."""
    if seconds > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await unless.wait()


async def wait_or_event(task: asyncio.Future[Any], *, unless: asyncio.Event, seconds: float | None = None) -> bool:
    """Wait until ``task`` is done, the event is set or the time is over; tell whether the task is done."""
    event = asyncio.ensure_future(unless.wait())
    try:
        await asyncio.wait({task, event}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        event.cancel()
    return task.done()


async def run_unless(work: Coroutine[Any, Any, T], event: asyncio.Event) -> T | None:
    """Do ``work`` and return what comes of it; when the event comes first, break it off and return nothing."""
    working = asyncio.ensure_future(work)
    try:
        await wait_or_event(working, unless=event)
    finally:
        working.cancel()
        await asyncio.wait({working})
    return None if working.cancelled() else working.result()
