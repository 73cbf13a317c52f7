"""One call of a function, which may be asked to end before it is done."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager

import structlog

from workflow_manager.worker.backoff import wait_or_event
from workflow_manager.worker.shutdown import StopReason, StopSignal

log = structlog.get_logger()


class Call:
    """A running function: an async one can be cancelled, a thread can only be asked to stop.

    What a thread returns can be awaitable: a decorator hid that the function is async. ``awaited`` says how it is then
    awaited, on the event loop.
    """

    def __init__(
        self,
        outcome: asyncio.Future[object],
        *,
        cancelled: threading.Event,
        can_be_cancelled: bool,
        awaited: Callable[[Awaitable[object]], Coroutine[None, None, object]],
    ) -> None:
        self._outcome = outcome
        self._awaited = awaited
        self._cancelled = cancelled
        self._can_be_cancelled = can_be_cancelled
        self._overdue = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []

    async def run(self, stop: StopSignal) -> bool:
        """Wait for the end of the function, and pass on requests to stop; tell whether it has ended.

        The worker waits no longer than it may when it stops. The function of a lost task keeps its slot until it ends:
        AWS no longer waits for that task, and the function must not run beside its successor.
        """
        with self._listening(stop):
            ended = await wait_or_event(self._outcome, unless=self._overdue)
            if ended and self._goes_on():
                ended = await wait_or_event(self._outcome, unless=self._overdue)
            return ended

    def failure(self) -> BaseException | None:
        """Return what the function raised."""
        return asyncio.CancelledError("cancelled") if self._outcome.cancelled() else self._outcome.exception()

    def result(self) -> object:
        """Return what the function returned."""
        return self._outcome.result()

    @contextmanager
    def _listening(self, stop: StopSignal) -> Iterator[None]:
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

    async def _listen(self, stop: StopSignal) -> None:
        loop = asyncio.get_running_loop()
        async for request in stop:
            self._ask_to_end()
            after = self._overdue.set if request.reason is StopReason.SHUTDOWN else _warn
            self._timers.append(loop.call_later(request.grace_seconds, after))

    def _goes_on(self) -> bool:
        """Begin to await what the function returned, if that is needed and still wanted."""
        if self._outcome.cancelled() or self._outcome.exception():
            return False
        result = self._outcome.result()
        if not inspect.isawaitable(result):
            return False
        if self._cancelled.is_set():
            self._outcome = _cancelled(result)
            return False
        self._outcome = asyncio.create_task(self._awaited(result), name="awaitable-of-function")
        self._can_be_cancelled = True
        return True

    def _ask_to_end(self) -> None:
        self._cancelled.set()
        if self._can_be_cancelled:
            self._outcome.cancel()


def _warn() -> None:
    log.warning("function still running although AWS no longer waits for its task", action="function-strays")


def _look_at(outcome: asyncio.Future[object]) -> None:
    """Retrieve the exception, so that asyncio does not log it."""
    if not outcome.cancelled():
        outcome.exception()


def _cancelled(awaitable: Awaitable[object]) -> asyncio.Future[object]:
    """Return the outcome of what is not even begun."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()
    outcome = asyncio.get_running_loop().create_future()
    outcome.cancel()
    return outcome
