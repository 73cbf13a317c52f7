"""When the client tries again, and how long it waits before."""

import dataclasses
from collections.abc import Iterator

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Answers that promise nothing about the next try."""


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with full jitter: each pause is a random part of a limit that doubles."""

    attempts: int = 4
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 5.0

    def pause_limits(self) -> Iterator[float]:
        """Give the longest pause before each further attempt."""
        for retry in range(self.attempts - 1):
            yield min(self.first_pause_seconds * 2.0**retry, self.longest_pause_seconds)
