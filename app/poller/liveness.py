"""Whether the loops of the poller get through: what readiness is judged by."""

from collections.abc import Callable, Iterable
from typing import Final

STALE_SECONDS: Final = 60.0
STALE_INTERVALS: Final = 10
"""A loop that has not got through for this long, or so many intervals, stands still."""


class Liveness:
    """When each loop last got through. ``clock`` gives seconds."""

    def __init__(self, loops: Iterable[str], *, clock: Callable[[], float], interval_seconds: float) -> None:
        self._clock = clock
        self._patience_seconds = max(STALE_SECONDS, STALE_INTERVALS * interval_seconds)
        self._ticks = dict.fromkeys(loops, clock())
        self._still = set(self._ticks)

    @property
    def age_seconds(self) -> float:
        """How long ago the slowest loop got through."""
        return self._clock() - min(self._ticks.values())

    @property
    def healthy(self) -> bool:
        """Whether every loop has got through, and none stands still."""
        return not self._still and self.age_seconds < self._patience_seconds

    def tick(self, loop: str) -> None:
        """Note that a loop got through."""
        self._ticks[loop] = self._clock()
        self._still.discard(loop)
