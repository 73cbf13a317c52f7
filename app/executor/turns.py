"""Turns and places, which limit how many tasks do work that needs much memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self


class Turns:
    """A fair lock that its owner may acquire again."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[object] | None = None

    @property
    def mine(self) -> bool:
        """Whether the caller has the turn."""
        return self._owner is not None and self._owner is asyncio.current_task()

    @property
    def taken(self) -> bool:
        """Whether the caller would wait."""
        return self._lock.locked() and not self.mine

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn, and keep it inside."""
        if self.mine:
            yield
            return
        async with self._lock:
            self._owner = asyncio.current_task()
            try:
                yield
            finally:
                self._owner = None


class Place:
    """One of a few places, until it is given up; that may be done twice."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places: asyncio.Semaphore | None = places

    @classmethod
    async def among(cls, places: asyncio.Semaphore) -> Self:
        """Wait for a place, and take it."""
        await places.acquire()
        return cls(places)

    def give_up(self) -> None:
        """Release the place."""
        places, self._places = self._places, None
        if places is not None:
            places.release()
