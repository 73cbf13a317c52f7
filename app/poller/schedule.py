"""What the poller does next: which state machine to list, which workflow to ask about."""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Final

from app.poller.planning import machines_to_list, round_seconds
from app.poller.tracking import NEVER, ActiveSet, Tracked

WORTH_REPLANNING: Final = 1.1
"""A plan is kept while its round is at most this much longer than that of the best one."""

DOUBT_MEMORY_SECONDS: Final = 60.0
"""Over how long the rate of doubtful workflows is averaged; a round of lists takes up to a minute."""


class PollSchedule:
    """Queues of work. Everything that changes them happens on the loop, between two awaits."""

    def __init__(self, active: ActiveSet, *, interval_seconds: float) -> None:
        self._active = active
        self._interval_seconds = interval_seconds
        self._listed: frozenset[str] = frozenset()
        self._swept_at: dict[str, float] = {}
        self._sweeping: set[str] = set()
        self._single: OrderedDict[str, Tracked] = OrderedDict()
        self._running: OrderedDict[str, Tracked] = OrderedDict()
        self._doubtful: OrderedDict[str, Tracked] = OrderedDict()
        self._doubts = 0
        self._doubts_per_second = 0.0
        self._planned_at: float | None = None

    @property
    def listed(self) -> frozenset[str]:
        """State machines that are swept with lists."""
        return self._listed

    @property
    def unconfirmed(self) -> int:
        """Workflows that a list did not show and that must be asked for."""
        return len(self._doubtful)

    def track(self, tracked: Tracked) -> None:
        """Take in a workflow that became active."""
        self._active.add(tracked)
        self._running[tracked.id] = tracked
        if tracked.machine not in self._listed:
            self._single[tracked.id] = tracked

    def forget(self, tracked: Tracked) -> None:
        """Ask about a workflow no longer, if it is tracked."""
        if self.follows(tracked):
            self._active.remove(tracked)
            for queue in (self._running, self._single, self._doubtful):
                queue.pop(tracked.id, None)

    def follows(self, tracked: Tracked) -> bool:
        """Tell whether a workflow is tracked."""
        return self._active.get(tracked.id) is tracked

    def clear(self) -> None:
        """Forget all workflows."""
        for tracked in self._active:
            self.forget(tracked)

    def plan(self, moment: float, *, lists_per_second: float, asks_per_second: float) -> None:
        """Decide anew which state machines are listed; what the lists leave in doubt takes its part of the asks."""
        self._count_doubts(moment)
        counts = self._active.counts()
        asks_per_second = max(0.0, asks_per_second - self._doubts_per_second)
        listed = machines_to_list(counts, lists_per_second=lists_per_second, asks_per_second=asks_per_second)
        present, planned = (
            round_seconds(counts, choice, lists_per_second=lists_per_second, asks_per_second=asks_per_second)
            for choice in (self._listed, listed)
        )
        # A state machine that changes sides loses its place in the round, so a little better is not better.
        if present <= planned * WORTH_REPLANNING:
            return
        self._listed = listed
        self._swept_at = {machine: self._swept_at.get(machine, NEVER) for machine in listed}
        singles = [tracked for tracked in self._active if tracked.machine not in listed]
        singles.sort(key=lambda tracked: tracked.asked_at)
        self._single = OrderedDict((tracked.id, tracked) for tracked in singles)

    def next_machine(self, moment: float) -> str | None:
        """Return the state machine that was not listed for longest, if it is due; ``swept`` puts it back."""
        waiting = [machine for machine in self._swept_at.keys() - self._sweeping if self._active.members(machine)]
        machine = min(waiting, key=self._swept_at.__getitem__, default=None)
        if machine is None or moment - self._swept_at[machine] < self._interval_seconds:
            return None
        self._sweeping.add(machine)
        return machine

    def swept(self, machine: str, moment: float) -> None:
        """Note that a sweep of a state machine that began at ``moment`` is over."""
        self._sweeping.discard(machine)
        if machine in self._swept_at:
            self._swept_at[machine] = moment

    def doubt(self, workflows: Iterable[Tracked]) -> None:
        """Have workflows asked for, before anything else."""
        before = len(self._doubtful)
        self._doubtful.update((tracked.id, tracked) for tracked in workflows if self.follows(tracked))
        self._doubts += len(self._doubtful) - before

    def next_status(self, moment: float) -> Tracked | None:
        """Return the workflow whose status is to be asked for next."""
        return self.next_doubtful() or self._next_due(self._single, moment, unlisted=True)

    def next_doubtful(self) -> Tracked | None:
        """Return a workflow that a list did not show."""
        return self._doubtful.popitem(last=False)[1] if self._doubtful else None

    def next_running(self, moment: float) -> Tracked | None:
        """Return the running workflow whose jobs were not looked at for longest, if it is due."""
        return self._next_due(self._running, moment, unlisted=False)

    def everything(self) -> Collection[Tracked]:
        """Return all active workflows."""
        return list(self._active)

    def _count_doubts(self, moment: float) -> None:
        if self._planned_at is not None and moment > self._planned_at:
            passed = moment - self._planned_at
            weight = min(1.0, passed / DOUBT_MEMORY_SECONDS)
            self._doubts_per_second += weight * (self._doubts / passed - self._doubts_per_second)
            self._doubts = 0
        self._planned_at = moment

    def _next_due(self, queue: OrderedDict[str, Tracked], moment: float, *, unlisted: bool) -> Tracked | None:
        """Take the first that is due and put it back at the end; the queue is in order of the last question."""
        while queue:
            tracked = next(iter(queue.values()))
            if unlisted and tracked.machine in self._listed:
                del queue[tracked.id]
                continue
            if moment - tracked.asked_at < self._interval_seconds:
                return None
            queue.move_to_end(tracked.id)
            return tracked
        return None
