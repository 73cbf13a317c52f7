"""How much of its time a worker was busy."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Utilization:
    """Adds up the time of all slots of a worker: busy with a task, paused between two polls, or waiting for a task.

    Pauses count as neither busy nor idle: a worker with a task always at hand is 100 % busy.
    """

    def __init__(self, *, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots = slots
        self._clock = clock
        self._busy = self._paused = 0
        self._busy_seconds = self._counted_seconds = 0.0
        self._since = clock()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count one slot as busy meanwhile."""
        self._advance()
        self._busy += 1
        try:
            yield
        finally:
            self._advance()
            self._busy -= 1

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave one slot out of the count meanwhile."""
        self._advance()
        self._paused += 1
        try:
            yield
        finally:
            self._advance()
            self._paused -= 1

    def percent(self) -> float:
        """Return the busy share of the time since the last call, 0 to 100, and start over."""
        self._advance()
        busy, counted = self._busy_seconds, self._counted_seconds
        self._busy_seconds = self._counted_seconds = 0.0
        return 100.0 * busy / counted if counted > 0 else 0.0

    def _advance(self) -> None:
        now = self._clock()
        elapsed, self._since = now - self._since, now
        self._busy_seconds += elapsed * self._busy
        self._counted_seconds += elapsed * (self._slots - self._paused)
