"""How the end is announced: to one task, and to the whole worker."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import NamedTuple


class StopReason(Enum):
    """Why a task has to end before it is done."""

    SHUTDOWN = auto()
    """The worker stops; the task is handed back, to be tried again."""

    LOST = auto()
    """AWS no longer waits for the task; another worker may already run it."""


class StopRequest(NamedTuple):
    """Asks a handler to end its task within ``grace_seconds``."""

    reason: StopReason
    grace_seconds: float


class StopSignal:
    """Carries requests to stop to the handler of one task; a later one can be more urgent.

    A handler iterates over it beside its work: ``async for request in stop``.
    """

    def __init__(self) -> None:
        self._requests: asyncio.Queue[StopRequest] = asyncio.Queue()
        self.reason: StopReason | None = None

    def request(self, request: StopRequest) -> None:
        """Ask for the end; that a task was lost outweighs every other reason."""
        if self.reason is not StopReason.LOST:
            self.reason = request.reason
        self._requests.put_nowait(request)

    async def __aiter__(self) -> AsyncIterator[StopRequest]:
        while True:
            yield await self._requests.get()


class WorkerShutdown:
    """The end of the worker: asked once it is orderly, asked again it is immediate."""

    def __init__(self, *, grace_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._stops: set[StopSignal] = set()
        self.requested = asyncio.Event()
        self.urgent = asyncio.Event()
        self.ends_at = math.inf
        """When the grace of the tasks is over, by the clock."""

    def request(self) -> None:
        """Take no more tasks, and ask the running ones to stop."""
        if self.requested.is_set():
            self.urgent.set()
        self.requested.set()
        request = self._request()
        self.ends_at = min(self.ends_at, self._clock() + request.grace_seconds)
        for stop in self._stops:
            stop.request(request)

    def news(self) -> asyncio.Event:
        """Return what happens next: the request, then that it becomes urgent, and nothing after that."""
        return next((event for event in (self.requested, self.urgent) if not event.is_set()), asyncio.Event())

    @contextmanager
    def reaching_task(self) -> Iterator[StopSignal]:
        """Open the line to one task; one that starts late hears at once."""
        stop = StopSignal()
        self._stops.add(stop)
        try:
            if self.requested.is_set():
                stop.request(self._request())
            yield stop
        finally:
            self._stops.discard(stop)

    def _request(self) -> StopRequest:
        return StopRequest(StopReason.SHUTDOWN, 0 if self.urgent.is_set() else self._grace_seconds)
