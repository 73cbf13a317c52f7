"""A circuit breaker for Step Functions: during an outage, starts are postponed at once."""

from collections.abc import Callable
from math import inf
from typing import Final

FAILURES: Final = 3
"""Consecutive calls without an answer that open the circuit breaker."""

PROBE_SECONDS: Final = 1.0
"""Interval of the starts that probe whether an outage is over."""

SLOW_SECONDS: Final = 1.0
"""A call that was cancelled after this long counts as a failure; one cancelled sooner does not count."""


class CircuitBreaker:
    """Counts consecutive failures of StartExecution. ``clock`` gives seconds and never goes back.

    While it is open, one start a second is tried as a probe, and all others are postponed. A throttled call is a
    success: Step Functions answers.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._next_probe_at = -inf

    @property
    def is_open(self) -> bool:
        """Whether the latest calls had no answer."""
        return self._failures >= FAILURES

    def allow(self) -> bool:
        """Return whether to start an execution now; while open, the caller that gets true is the probe."""
        if not self.is_open:
            return True
        moment = self._clock()
        if moment < self._next_probe_at:
            return False
        self._next_probe_at = moment + PROBE_SECONDS
        return True

    def record_success(self) -> None:
        """Record an answer; a refusal is one too."""
        self._failures = 0

    def record_failure(self, *, after_seconds: float = inf) -> None:
        """Record a call that had no answer, or was cancelled after some time."""
        if after_seconds >= SLOW_SECONDS:
            self._failures += 1
