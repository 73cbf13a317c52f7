"""The workflows that wait to be started, in the order in which they are to go."""

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from workflow_manager.models import Workflow

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
"""A workflow whose start failed waits so long for the next try, first and at most; the pause doubles each time."""


class BacklogPlace(NamedTuple):
    """Where a workflow stands in its queue: higher priority first, then the older one."""

    urgency: int
    created_at: datetime
    workflow_id: str


@dataclass(slots=True)
class _Waiting:
    place: BacklogPlace
    queue: str
    since: float
    """When it came here, in seconds on the clock of the loop."""
    touched: bool
    """Whether an attempt to start it may have been made."""
    tries: int = 0
    deferred: bool = False


class Backlog:
    """Every workflow that is to be started by the dispatcher, by queue. ``clock`` gives seconds.

    A place costs a few hundred bytes, and the first of a queue are found without looking at the others.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_id: dict[str, _Waiting] = {}
        self._lines: dict[str, list[BacklogPlace]] = {}
        self._depths: Counter[str] = Counter()
        self._deferred: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, workflow_id: object) -> bool:
        return workflow_id in self._by_id

    def untouched(self, workflow_id: object) -> bool:
        """Return whether a workflow waits here without an attempt to start it."""
        waiting = self._by_id.get(workflow_id) if isinstance(workflow_id, str) else None
        return waiting is not None and not waiting.touched

    def queues(self) -> list[str]:
        """Return the queues with a workflow that can be tried now."""
        self._take_up()
        return list(self._lines)

    def depth(self, queue: str) -> int:
        """Return how many wait in a queue."""
        return self._depths[queue]

    def triable(self, queue: str) -> int:
        """Return how many of a queue can be tried now."""
        self._take_up()
        return len(self._lines.get(queue, ()))

    def oldest(self, *, besides: Container[str] = ()) -> datetime | None:
        """Return when the workflow was submitted that has waited for longest, in other queues than some."""
        return min(
            (waiting.place.created_at for waiting in self._by_id.values() if waiting.queue not in besides), default=None
        )

    def add(self, workflow: Workflow) -> None:
        """Add a workflow, unless it is here already."""
        if workflow.id not in self._by_id:
            place = BacklogPlace(-workflow.priority, workflow.created_at, workflow.id)
            self._by_id[workflow.id] = _Waiting(place, workflow.queue, self._clock(), touched=workflow.revision > 0)
            self._depths[workflow.queue] += 1
            insort(self._lines.setdefault(workflow.queue, []), place)

    def remove(self, workflow_id: str) -> None:
        """Remove a workflow."""
        waiting = self._by_id.pop(workflow_id, None)
        if waiting is None:
            return
        self._depths -= Counter([waiting.queue])
        if not waiting.deferred:
            self._leave_line(waiting)

    def keep(self, workflow_ids: Container[str], *, since: float) -> None:
        """Remove all other workflows, except those added after ``since``."""
        gone = [each for each, waiting in self._by_id.items() if each not in workflow_ids and waiting.since <= since]
        for workflow_id in gone:
            self.remove(workflow_id)

    def clear(self) -> None:
        """Forget everything; the store remembers."""
        self._by_id.clear()
        self._lines.clear()
        self._depths.clear()
        self._deferred.clear()

    def first(self, queue: str, count: int, *, besides: Container[str] = ()) -> list[str]:
        """Return the first of a queue that can be tried now, at most ``count``, and none of ``besides``."""
        self._take_up()
        ids = (place.workflow_id for place in self._lines.get(queue, ()))
        return list(islice((each for each in ids if each not in besides), count))

    def ready(self, workflow_ids: Iterable[str]) -> list[str]:
        """Return those of some workflows that wait here and can be tried now."""
        self._take_up()
        return [each for each in workflow_ids if (found := self._by_id.get(each)) is not None and not found.deferred]

    def defer(self, workflow_id: str) -> None:
        """Try a workflow again after a pause, and the others of its queue first."""
        waiting = self._by_id.get(workflow_id)
        if waiting is None or waiting.deferred:
            return
        self._leave_line(waiting)
        pause = min(FIRST_PAUSE_SECONDS * 2**waiting.tries, LONGEST_PAUSE_SECONDS)
        waiting.tries += 1
        waiting.deferred = waiting.touched = True
        heapq.heappush(self._deferred, (self._clock() + pause, workflow_id))

    def _take_up(self) -> None:
        moment = self._clock()
        while self._deferred and self._deferred[0][0] <= moment:
            _, workflow_id = heapq.heappop(self._deferred)
            waiting = self._by_id.get(workflow_id)
            if waiting is not None and waiting.deferred:
                waiting.deferred = False
                insort(self._lines.setdefault(waiting.queue, []), waiting.place)

    def _leave_line(self, waiting: _Waiting) -> None:
        line = self._lines[waiting.queue]
        del line[bisect_left(line, waiting.place)]
        if not line:
            del self._lines[waiting.queue]
