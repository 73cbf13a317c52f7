"""The part of the quotas that goes into asking for statuses: all of it, or a quarter while events bring them."""

from collections.abc import Callable
from math import inf
from typing import Final, Literal

from app.executor import Quotas

Kind = Literal["list", "ask"]

ACTIONS: Final[dict[Kind, tuple[str, ...]]] = {
    "list": ("ListExecutions",),
    "ask": ("DescribeExecution", "GetExecutionHistory"),
}
"""The calls of each kind; either of the two tells the status of one workflow."""

SAFETY_NET_SHARE: Final = 0.25
"""Events get lost now and then, so sweeps go on; what they leave is for details and for people."""

SILENCE_SECONDS: Final = 60.0
"""Without an event for this long, events may no longer arrive, and polling alone keeps statuses fresh."""

SLACK_SECONDS: Final = 1.0
"""Calls that were due and not made in this time may be caught up with."""


class Budget:
    """Tells how fast statuses may be asked for, and keeps to it while that is less than the quotas allow."""

    def __init__(self, quotas: Quotas, *, clock: Callable[[], float]) -> None:
        self._quotas = quotas
        self._clock = clock
        self._last_event_at = -inf
        self._free_at: dict[Kind, float] = {}

    def on_event(self) -> None:
        """Record that an event has arrived."""
        self._last_event_at = self._clock()

    @property
    def events_arrive(self) -> bool:
        """Whether an event has arrived lately."""
        return self._clock() - self._last_event_at < SILENCE_SECONDS

    @property
    def lists_per_second(self) -> float:
        """Pages of ListExecutions."""
        return self._per_second("list")

    @property
    def asks_per_second(self) -> float:
        """Questions about one workflow."""
        return self._per_second("ask")

    def allows(self, kind: Kind) -> bool:
        """Tell whether a call is due; without events the quotas alone decide, which know when to wait."""
        return not self.events_arrive or self._clock() >= self._free_at.get(kind, -inf)

    def spend(self, kind: Kind, calls: int = 1) -> None:
        """Record calls that are about to be made."""
        earliest = self._clock() - SLACK_SECONDS
        self._free_at[kind] = max(self._free_at.get(kind, -inf), earliest) + calls / self._per_second(kind)

    def available(self, action: str) -> float:
        """Return how many calls could be made at once."""
        bucket = self._quotas.bucket(action)
        return bucket.available if bucket else inf

    def plenty(self, action: str) -> bool:
        """Return whether at least half of the bucket is available."""
        bucket = self._quotas.bucket(action)
        return bucket is None or bucket.available >= max(1.0, bucket.quota.bucket / 2)

    def _per_second(self, kind: Kind) -> float:
        share = SAFETY_NET_SHARE if self.events_arrive else 1.0
        buckets = [self._quotas.bucket(action) for action in ACTIONS[kind]]
        return share * sum(bucket.refill_per_second if bucket else inf for bucket in buckets)
