"""Whether the loops of the poller make progress, which readiness depends on."""

from collections.abc import Callable, Iterable
from typing import Final

STALE_SECONDS: Final = 60.0
STALE_INTERVALS: Final = 10
"""A loop without a tick for this long, or for this many intervals, is stalled."""


class Liveness:
    """When each loop last completed a round. ``clock`` gives seconds."""

    def __init__(self, loops: Iterable[str], *, clock: Callable[[], float], interval_seconds: float) -> None:
        self._clock = clock
        self._patience_seconds = max(STALE_SECONDS, STALE_INTERVALS * interval_seconds)
        self._ticks = dict.fromkeys(loops, clock())
        self._still = set(self._ticks)

    @property
    def age_seconds(self) -> float:
        """Age of the oldest tick."""
        return self._clock() - min(self._ticks.values())

    @property
    def healthy(self) -> bool:
        """Whether every loop has ticked, and none is stalled."""
        return not self._still and self.age_seconds < self._patience_seconds

    def tick(self, loop: str) -> None:
        """Record that a loop completed a round."""
        self._ticks[loop] = self._clock()
        self._still.discard(loop)
