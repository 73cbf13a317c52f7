"""When requests are retried, and after which pauses."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Transient statuses: another attempt may succeed."""

Clock = Callable[[], datetime]
Randomness = Callable[[], float]
"""A number in [0, 1)."""


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with full jitter: each pause is a random part of a limit that doubles.

    Attempts continue for ``retry_seconds``, longer than a restart of the service takes, with at least two attempts
    and at most ``attempts``. ``refused_seconds`` applies instead while no connection can be made and nothing has ever
    answered. A longer pause that the service requests (``Retry-After``) is kept, up to a limit; beyond it there is no
    further attempt. ``total_seconds`` limits all attempts of a request together, the last one included; None is no
    limit.
    """

    attempts: int | None = None
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 4.0
    longest_retry_after_seconds: float = 30.0
    retry_seconds: float = 30.0
    refused_seconds: float | None = None
    total_seconds: float | None = None

    def pause_limits(self) -> Iterator[float]:
        """Yield the longest pause before each further attempt."""
        limit = self.first_pause_seconds
        for _ in itertools.count() if self.attempts is None else range(self.attempts - 1):
            yield min(limit, self.longest_pause_seconds)
            limit = min(2.0 * limit, self.longest_pause_seconds)


class Attempts:
    """Counts the attempts of one request, and chooses the pauses between them."""

    def __init__(self, policy: RetryPolicy, *, randomness: Randomness) -> None:
        self._longest_retry_after_seconds = policy.longest_retry_after_seconds
        self._limits = policy.pause_limits()
        self._randomness = randomness
        self._made = 0
        self._spent_seconds = 0.0

    def pause_after(self, took_seconds: float, *, within_seconds: float, asked_seconds: float = 0.0) -> float | None:
        """Return the pause after a failed attempt; None if it was the last.

        Attempts begin within ``within_seconds``; ``asked_seconds`` is the pause that the service requested.
        """
        self._made += 1
        self._spent_seconds += took_seconds
        limit = next(self._limits, None)
        left = within_seconds - self._spent_seconds
        over = left <= 0 and (self._made > 1 or within_seconds <= 0)
        if limit is None or over or asked_seconds > self._longest_retry_after_seconds:
            return None
        pause = max(min(self._randomness() * limit, left), asked_seconds, 0.0)
        self._spent_seconds += pause
        return pause


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def retry_after_seconds(value: str | None, *, now: Clock = utc_now) -> float:
    """Parse a ``Retry-After`` header (RFC 9110, section 10.2.3): seconds or a date; 0 if there is none."""
    if value is None:
        return 0
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds(), 0)
