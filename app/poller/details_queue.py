"""The ended workflows whose outputs, reasons and jobs are still to be read, failures first."""

import heapq
from collections import deque
from typing import Final

from app.poller.tracking import Tracked
from workflow_manager.models import WorkflowStatus

MAX_WAITING: Final = 2_000
"""Workflows that went well and wait here; with more, the details of further ones are deferred."""

MAX_FAILED: Final = 20_000
"""Others that wait here; the store remembers what is beyond, and the next reading of its whole index finds them."""

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
"""What gave no answer is read again after so long, first and at most; the pause doubles each time."""


class Details:
    """Which workflow to read next. Times are seconds on the clock of the loop."""

    def __init__(self) -> None:
        self._failed: deque[Tracked] = deque()
        self._others: deque[Tracked] = deque()
        self._deferred: list[tuple[float, str, Tracked]] = []
        self._wanted: set[str] = set()
        self._being_read: set[str] = set()

    def __len__(self) -> int:
        return len(self._wanted)

    @property
    def full(self) -> bool:
        """Whether succeeded workflows need not be added."""
        return len(self._others) >= MAX_WAITING

    def enqueue(self, tracked: Tracked) -> None:
        """Queue an ended workflow for a history read; when full, drop it (the store still lists it)."""
        failed = tracked.status is WorkflowStatus.FAILED
        queue, most = (self._failed, MAX_FAILED) if failed else (self._others, MAX_WAITING)
        if tracked.id in self._wanted or tracked.id in self._being_read or len(queue) >= most:
            return
        self._wanted.add(tracked.id)
        queue.append(tracked)

    def defer(self, tracked: Tracked, moment: float) -> None:
        """Have an ended workflow read again later, because there was no answer at ``moment``, or not a whole one."""
        if tracked.id not in self._wanted:
            pause = min(FIRST_PAUSE_SECONDS * 2**tracked.tries, LONGEST_PAUSE_SECONDS)
            tracked.tries += 1
            self._wanted.add(tracked.id)
            heapq.heappush(self._deferred, (moment + pause, tracked.id, tracked))

    def next(self, moment: float) -> Tracked | None:
        """Take the workflow that is to be read next; it is not given out again before it is released."""
        while self._deferred and self._deferred[0][0] <= moment:
            _, _, tracked = heapq.heappop(self._deferred)
            self._wanted.discard(tracked.id)
            self.enqueue(tracked)
        queue = self._failed or self._others
        if not queue:
            return None
        tracked = queue.popleft()
        self._wanted.discard(tracked.id)
        self._being_read.add(tracked.id)
        return tracked

    def release(self, tracked: Tracked) -> None:
        """Note that a workflow has been read, with whatever outcome."""
        self._being_read.discard(tracked.id)

    def clear(self) -> None:
        """Forget everything; the store remembers."""
        self._failed.clear()
        self._others.clear()
        self._deferred.clear()
        self._wanted.clear()
