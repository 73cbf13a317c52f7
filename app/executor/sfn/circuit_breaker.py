"""Noticing that Step Functions is down, so that nobody waits for it in vain."""

from collections.abc import Callable
from math import inf
from typing import Final

FAILURES: Final = 3
"""Calls in a row without an answer that make an outage."""

PROBE_SECONDS: Final = 1.0
"""How often one start may find out whether an outage is over."""

SLOW_SECONDS: Final = 1.0
"""A call that was given up after so long had no answer; one that was given up sooner says nothing."""


class CircuitBreaker:
    """Whether Step Functions answers those who start executions. ``clock`` gives seconds and never goes back.

    During an outage one start a second is tried, and all others are left for later at once. A throttled call is an
    answer: quotas are another matter.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._next_probe_at = -inf

    @property
    def is_open(self) -> bool:
        """Whether the latest calls got no answer."""
        return self._failures >= FAILURES

    def allow(self) -> bool:
        """Tell whether to start something now; during an outage, the one who is told so is the probe."""
        if not self.is_open:
            return True
        moment = self._clock()
        if moment < self._next_probe_at:
            return False
        self._next_probe_at = moment + PROBE_SECONDS
        return True

    def record_success(self) -> None:
        """Note an answer, be it a refusal."""
        self._failures = 0

    def record_failure(self, *, after_seconds: float = inf) -> None:
        """Note that a call failed without an answer, or was given up after some time."""
        if after_seconds >= SLOW_SECONDS:
            self._failures += 1
