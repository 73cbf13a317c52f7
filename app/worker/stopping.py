"""How the end is announced: to one task, and to the whole worker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import NamedTuple


class StopReason(Enum):
    """Why a task has to end before it is done."""

    SHUTDOWN = auto()
    """The worker stops; the task is handed back, to be tried again."""

    LOST = auto()
    """AWS no longer waits for the task; somebody else may already work on it."""


class StopRequest(NamedTuple):
    """Asks a handler to end its task within ``grace_seconds``."""

    reason: StopReason
    grace_seconds: float


class Stop:
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


class Shutdown:
    """The end of the worker: asked once it is orderly, asked again it is immediate."""

    def __init__(self, *, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        self._stops: set[Stop] = set()
        self.requested = asyncio.Event()
        self.urgent = asyncio.Event()

    def request(self) -> None:
        """Take no more tasks, and pass the word to those that run."""
        if self.requested.is_set():
            self.urgent.set()
        self.requested.set()
        for stop in self._stops:
            stop.request(self._request())

    @contextmanager
    def reaching_task(self) -> Iterator[Stop]:
        """Open the line to one task; one that starts late hears at once."""
        stop = Stop()
        self._stops.add(stop)
        try:
            if self.requested.is_set():
                stop.request(self._request())
            yield stop
        finally:
            self._stops.discard(stop)

    def _request(self) -> StopRequest:
        return StopRequest(StopReason.SHUTDOWN, 0 if self.urgent.is_set() else self._grace_seconds)
