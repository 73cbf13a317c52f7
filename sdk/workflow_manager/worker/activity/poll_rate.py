"""How often a worker may ask for tasks."""

import time
from collections import deque
from collections.abc import Callable


class RateLimiter:
    """Lets as many polls start within an interval as a worker has slots, whichever of them polls.

    ``sfncli``, which does one task at a time, polls once a second at most; each slot is worth one ``sfncli``. A slot
    whose last poll brought a task may ask without a turn.
    """

    def __init__(self, *, slots: int, interval_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._starts: deque[float] = deque(maxlen=slots)

    def reserve(self) -> float:
        """Take the next turn; returns the seconds until it has come."""
        now = self._clock()
        full = len(self._starts) == self._starts.maxlen
        start = max(now, self._starts[0] + self._interval_seconds) if full else now
        self._starts.append(start)
        return start - now
