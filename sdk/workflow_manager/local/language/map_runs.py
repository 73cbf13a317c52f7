"""The run of a distributed Map: how many of its items and children wait, run and have ended, and its redrives."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.stepfunctions.parser.api import MapRunStatus
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    Counter,
    MapRunRecord,
)

MAX_REDRIVES: Final = 1_000
"""Redrives of one Map Run (AWS: Redriving Map Runs)."""


class MapRun(MapRunRecord):
    """The record of a Map Run, with what AWS tells besides moto."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.redrive_count = 0
        self._redrive_date: datetime | None = None
        self._items_to_redrive = Counter()  # type: ignore[no-untyped-call]
        self._children_to_redrive = Counter()  # type: ignore[no-untyped-call]

    def redrive(self) -> None:
        """Go on after it had ended."""
        self.redrive_count += 1
        self._redrive_date = datetime.now(UTC)
        self.status, self.stop_date = MapRunStatus.RUNNING, None

    def admit(self, *, new: Collection[int], redriven: Collection[int]) -> None:
        """Count waiting children, new ones and ones to run again, each by its number of items."""
        for counter, waiting, new_ones, old_ones in (
            (self.item_counter, self._items_to_redrive, sum(new), sum(redriven)),
            (self.execution_counter, self._children_to_redrive, len(new), len(redriven)),
        ):
            for ended in (counter.failed, counter.aborted, counter.timed_out):
                _set(ended, 0)
            _set(counter.pending, new_ones)
            _set(waiting, old_ones)
            _set(counter.total, new_ones + old_ones + counter.succeeded.get())

    def take(self, items: int, *, redriven: bool) -> None:
        """Count a child that begins, or goes on."""
        for counter, waiting, amount in self._counters(items):
            (waiting if redriven else counter.pending).offset(-amount)
            counter.running.count(amount)

    def close(self, items: int, *, succeeded: bool, aborted: bool) -> None:
        """Count a child that has ended."""
        for counter, _, amount in self._counters(items):
            counter.running.offset(-amount)
            if succeeded:
                counter.results_written.count(amount)
            (counter.succeeded if succeeded else counter.aborted if aborted else counter.failed).count(amount)

    def describe(self) -> Any:
        """Return what DescribeMapRun tells."""
        description: Any = super().describe()
        for name, waiting in (("itemCounts", self._items_to_redrive), ("executionCounts", self._children_to_redrive)):
            description[name] |= {"failuresNotRedrivable": 0, "pendingRedrive": waiting.get()}
        description["redriveCount"] = self.redrive_count
        if self._redrive_date is not None:
            description["redriveDate"] = iso_8601_datetime_with_milliseconds(self._redrive_date)
        return description

    def _counters(self, items: int) -> tuple[tuple[Any, Counter, int], ...]:
        return (self.item_counter, self._items_to_redrive, items), (
            self.execution_counter,
            self._children_to_redrive,
            1,
        )


def _set(counter: Counter, value: int) -> None:
    counter.offset(value - counter.get())
