"""Quotas of Step Functions: token buckets per action, shared by everybody who calls it, people first.

AWS throttles by account, region and action with a bucket that refills at a fixed rate. Keeping the same account on our
side means that calls wait here, in order of importance, instead of being refused there.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import Final, NamedTuple


class Priority(IntEnum):
    """Priority of a call; a lower number goes first, nearly always (``FOR_THE_LAST``)."""

    PERSON = 0
    DISPATCH = 1
    STATUS = 2
    DETAIL = 3


class Quota(NamedTuple):
    """What AWS allows for one action."""

    bucket: float
    """Calls that can be made at once."""
    refill_per_second: float


LARGE_REGIONS: Final = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
"""Regions with the larger default quotas."""

LARGE: Final[Mapping[str, Quota]] = {
    "CreateActivity": Quota(100, 1),
    "CreateStateMachine": Quota(100, 1),
    "DescribeExecution": Quota(300, 15),
    "DescribeStateMachine": Quota(200, 20),
    "GetActivityTask": Quota(3000, 500),
    "GetExecutionHistory": Quota(400, 20),
    "ListExecutions": Quota(200, 5),
    "RedriveExecution": Quota(1300, 300),
    "SendTaskFailure": Quota(3000, 500),
    "SendTaskHeartbeat": Quota(3000, 500),
    "SendTaskSuccess": Quota(3000, 500),
    "StartExecution": Quota(1300, 300),
    "StopExecution": Quota(1000, 200),
    "UpdateStateMachine": Quota(100, 1),
}
"""Default quotas of the large regions (Step Functions developer guide, Service quotas)."""

OTHER: Final[Mapping[str, Quota]] = {
    **LARGE,
    "DescribeExecution": Quota(250, 10),
    "GetActivityTask": Quota(1500, 300),
    "ListExecutions": Quota(100, 2),
    "SendTaskFailure": Quota(1500, 300),
    "SendTaskHeartbeat": Quota(1500, 300),
    "SendTaskSuccess": Quota(1500, 300),
    "StartExecution": Quota(800, 150),
    "StopExecution": Quota(500, 25),
}
"""Default quotas of all other regions."""

EMBEDDED: Final[Mapping[str, Quota]] = {
    "DescribeExecution": Quota(50, 25),
    "GetExecutionHistory": Quota(100, 50),
    "ListExecutions": Quota(50, 10),
    "RedriveExecution": Quota(1300, 300),
}
"""What the embedded AWS should be asked for: it has no quotas, but one process for everything."""

BACK_OFF: Final = 0.7
"""Factor of the refill rate after AWS throttled a call: another client uses the same quota."""

CALM_SECONDS: Final = 0.5
"""Refusals within this time count once; after this time without one, the refill rate recovers."""

LEAST_SHARE: Final = 0.05
"""The refill never falls below this part of the quota, or it would not be seen when AWS has room again."""

RECOVERY_PER_SECOND: Final = 0.15
"""Part of the quota that the refill regains in a second without refusals."""

FOR_THE_LAST: Final = 10
"""While people use every call, one of this many goes to the lowest waiting priority, which would starve otherwise."""

MIN_WAIT_SECONDS: Final = 0.001
"""Rounding must not make the timer spin before the next token is whole."""

_priority: ContextVar[Priority] = ContextVar("lane", default=Priority.PERSON)


@contextmanager
def with_priority(priority: Priority) -> Iterator[None]:
    """Give every call inside this priority; ``PERSON`` is the default."""
    token = _priority.set(priority)
    try:
        yield
    finally:
        _priority.reset(token)


def current_priority() -> Priority:
    """Return the priority of calls made here."""
    return _priority.get()


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """How one action stands."""

    action: str
    bucket: float
    refill_per_second: float
    available: float
    waiting: int
    calls: int
    throttled: int


class Bucket:
    """The tokens of one action. Waiters are served by priority, and first come, first served within a priority.

    ``clock`` gives seconds and is that of the loop, so that tests can move it.
    """

    def __init__(self, quota: Quota, *, clock: Callable[[], float]) -> None:
        self.quota = quota
        self.calls = 0
        self.throttled = 0
        self._clock = clock
        self._tokens = quota.bucket
        self._refill = quota.refill_per_second
        self._counted_at = clock()
        self._refused_at = -inf
        self._backed_off_at = -inf
        self._waiters: tuple[deque[asyncio.Future[None]], ...] = tuple(deque() for _ in Priority)
        self._waiting = 0
        self._people_in_a_row = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def available(self) -> float:
        """Calls that could be made now."""
        self._count()
        return self._tokens

    @property
    def waiting(self) -> int:
        """Calls that wait for a token."""
        return self._waiting

    @property
    def refill_per_second(self) -> float:
        """The refill that is counted with; lower than the quota's after AWS refused calls."""
        self._count()
        return self._refill

    async def take(self, priority: Priority) -> None:
        """Wait for a token and take it."""
        self._count()
        if not self._waiting and self._tokens >= 1:
            self._spend()
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiters[priority].append(turn)
        self._waiting += 1
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting -= 1  # its place is skipped
            else:
                self._tokens += 1  # the cancelled caller had been served; return its token
                self.calls -= 1
            self._serve()
            raise

    def refused(self) -> None:
        """Note that AWS throttled a call: its bucket is empty, whatever we counted."""
        self._count()
        self.throttled += 1
        self._tokens = min(self._tokens, 0.0)
        self._refused_at = self._counted_at
        if self._refused_at - self._backed_off_at >= CALM_SECONDS:
            self._backed_off_at = self._refused_at
            self._refill = max(self._refill * BACK_OFF, self.quota.refill_per_second * LEAST_SHARE)
        self._serve()

    def _spend(self) -> None:
        self._tokens -= 1
        self.calls += 1

    def _count(self) -> None:
        moment = self._clock()
        counted_at, self._counted_at = self._counted_at, moment
        full = self.quota.refill_per_second
        self._tokens = min(self.quota.bucket, self._tokens + (moment - counted_at) * self._refill)
        calm = max(0.0, moment - max(counted_at, self._refused_at + CALM_SECONDS))
        self._refill = min(full, self._refill + calm * full * RECOVERY_PER_SECOND)

    def _serve(self) -> None:
        self._count()
        while self._tokens >= 1 and (turn := self._next()) is not None:
            self._waiting -= 1
            self._spend()
            turn.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            wait = (1 - self._tokens) / self._refill
            self._timer = asyncio.get_running_loop().call_later(max(wait, MIN_WAIT_SECONDS), self._serve)

    def _next(self) -> "asyncio.Future[None] | None":
        """Take the next waiter out of its queue, skipping cancelled ones."""
        last_first = self._people_in_a_row >= FOR_THE_LAST - 1
        for priority in reversed(self._waiters) if last_first else self._waiters:
            while priority:
                turn = priority.popleft()
                if not turn.done():
                    self._people_in_a_row = (
                        self._people_in_a_row + 1 if priority is self._waiters[Priority.PERSON] else 0
                    )
                    return turn
        return None


class Quotas:
    """The buckets of all actions that have one; other actions are not limited."""

    def __init__(self, quotas: Mapping[str, Quota], *, clock: Callable[[], float]) -> None:
        self._buckets = {action: Bucket(quota, clock=clock) for action, quota in quotas.items()}

    async def take(self, action: str) -> None:
        """Wait until an action may be called, with the priority of the caller."""
        if bucket := self._buckets.get(action):
            await bucket.take(current_priority())

    def free(self, action: str) -> bool:
        """Return whether an action can be called now, with no caller waiting for it."""
        bucket = self._buckets.get(action)
        return bucket is None or (not bucket.waiting and bucket.available >= 1)

    def refused(self, action: str) -> None:
        """Record that AWS throttled an action."""
        if bucket := self._buckets.get(action):
            bucket.refused()

    def bucket(self, action: str) -> Bucket | None:
        """Return the bucket of an action, if it is limited."""
        return self._buckets.get(action)

    def headroom(self) -> list[QuotaUsage]:
        """Return the usage of every quota, by action."""
        return [
            QuotaUsage(
                action=action,
                bucket=bucket.quota.bucket,
                refill_per_second=bucket.refill_per_second,
                available=max(0.0, bucket.available),
                waiting=bucket.waiting,
                calls=bucket.calls,
                throttled=bucket.throttled,
            )
            for action, bucket in sorted(self._buckets.items())
        ]


def preset_name(setting: str, *, region: str, embedded: bool) -> str:
    """Return the preset that a setting means: itself, or for ``auto`` the one of the region."""
    if setting != "auto":
        return setting
    return "embedded" if embedded else "large" if region in LARGE_REGIONS else "other"


def preset(name: str) -> Mapping[str, Quota]:
    """Return the quotas of a preset: ``large``, ``other``, ``embedded`` or ``none``."""
    return {"large": LARGE, "other": OTHER, "embedded": EMBEDDED, "none": {}}[name]


def share_of(quotas: Mapping[str, Quota], share: float) -> Mapping[str, Quota]:
    """Return a part of the quotas, for a service that is not alone in its account; a bucket holds one call at least."""
    return {
        action: Quota(max(1.0, quota.bucket * share), quota.refill_per_second * share)
        for action, quota in quotas.items()
    }
