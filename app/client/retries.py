"""When the client tries again, and how long it waits before."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Answers that promise nothing about the next try."""

Clock = Callable[[], datetime]


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with full jitter: each pause is a random part of a limit that doubles.

    A service that asks for a longer pause (``Retry-After``) gets it, up to a limit; beyond it there is no further
    attempt. ``total_seconds`` is the time for all attempts of a request together; None is as long as they take.
    """

    attempts: int = 4
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 5.0
    longest_retry_after_seconds: float = 30.0
    total_seconds: float | None = None

    def pause_limits(self) -> Iterator[float]:
        """Give the longest pause before each further attempt."""
        for retry in range(self.attempts - 1):
            yield min(self.first_pause_seconds * 2.0**retry, self.longest_pause_seconds)


def utc_now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def retry_after_seconds(value: str | None, *, now: Clock = utc_now) -> float:
    """Read a ``Retry-After`` header (RFC 9110, section 10.2.3): seconds or a date; 0 when it says nothing."""
    if value is None:
        return 0
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return 0
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds(), 0)
