"""One call of a function, which may be asked to end before it is done."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from app.worker.pauses import settle
from app.worker.stopping import Stop, StopReason

log = structlog.get_logger()


class Call:
    """A function that runs: an async one can be cancelled, a thread can only be told."""

    def __init__(self, outcome: asyncio.Future[object], *, cancelled: threading.Event, can_be_cancelled: bool) -> None:
        self._outcome = outcome
        self._cancelled = cancelled
        self._can_be_cancelled = can_be_cancelled
        self._overdue = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []

    async def see_through(self, stop: Stop) -> bool:
        """Wait for the end of the function, and pass on requests to stop; tell whether it has ended.

        The worker waits no longer than it may when it stops. The function of a lost task keeps its slot until it ends:
        nobody waits for that task, and what the function does, it should not do beside its successor.
        """
        with self._listening(stop):
            return await settle(self._outcome, unless=self._overdue)

    def failure(self) -> BaseException | None:
        """Return what the function raised."""
        return asyncio.CancelledError("cancelled") if self._outcome.cancelled() else self._outcome.exception()

    def result(self) -> object:
        """Return what the function returned."""
        return self._outcome.result()

    @contextmanager
    def _listening(self, stop: Stop) -> Iterator[None]:
        listening = asyncio.create_task(self._listen(stop), name="stop-of-function")
        try:
            yield
        finally:
            listening.cancel()
            for timer in self._timers:
                timer.cancel()
            if not self._outcome.done():
                self._ask_to_end()
                self._outcome.add_done_callback(_look_at)

    async def _listen(self, stop: Stop) -> None:
        loop = asyncio.get_running_loop()
        async for request in stop:
            self._ask_to_end()
            after = self._overdue.set if request.reason is StopReason.SHUTDOWN else _warn
            self._timers.append(loop.call_later(request.grace_seconds, after))

    def _ask_to_end(self) -> None:
        self._cancelled.set()
        if self._can_be_cancelled:
            self._outcome.cancel()


def _warn() -> None:
    log.warning("A function goes on though AWS no longer waits for its task", action="function-strays")


def _look_at(outcome: asyncio.Future[object]) -> None:
    """Keep asyncio from complaining that nobody asked how it ended."""
    if not outcome.cancelled():
        outcome.exception()
