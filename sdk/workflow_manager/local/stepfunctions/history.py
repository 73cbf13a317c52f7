"""The history of one execution: its events in order, of which the first ending is the only one."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

from workflow_manager.local.stepfunctions.checkpoints import HistoryPosition
from workflow_manager.local.stepfunctions.turns import FairTurns

Event = dict[str, Any]

ENDINGS: Final = {
    HistoryEventType.ExecutionSucceeded: ExecutionStatus.SUCCEEDED,
    HistoryEventType.ExecutionFailed: ExecutionStatus.FAILED,
    HistoryEventType.ExecutionAborted: ExecutionStatus.ABORTED,
    HistoryEventType.ExecutionTimedOut: ExecutionStatus.TIMED_OUT,
}


MAX_EVENTS: Final = 25_000
"""Quota of Step Functions: if the event of this number is not the end, the execution fails with it."""

TOO_MANY: Final = {
    "executionFailedEventDetails": {
        "error": "States.Runtime",
        "cause": f"The execution reached the maximum number of history events ({MAX_EVENTS}).",
    }
}


class History(EventManager):
    """The events of one execution, up to its end or that of a redrive.

    The program, a stop and a timeout compete for the end. The first ending that is added wins, under the lock that
    orders the events; everything after it is dropped. A redrive continues in a history of its own, which begins with
    the events of this one, so that what still runs here can add nothing there.
    """

    def __init__(
        self,
        *,
        on_end: Callable[[Event], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        before: Sequence[Event] = (),
    ) -> None:
        super().__init__()
        self.begun = threading.Event()
        """Set once the first state was entered or gone on with, or the execution ended without one."""
        self.program_runs: Callable[[], bool] = lambda: True
        self._on_end = on_end
        self._now = now
        self._over = False
        self._turns = FairTurns()
        self._evaluation: Any = None
        self._events: list[Event] = list(before)

    def __len__(self) -> int:
        return len(self._events)

    @property
    def events(self) -> list[Event]:
        """The events so far."""
        with self._mutex:
            return list(self._events)

    def add_event(  # type: ignore[override]
        self,
        context: HistoryPosition,
        event_type: HistoryEventType,
        event_details: Any = None,
        timestamp: datetime | None = None,
        update_source_event_id: bool = True,
    ) -> int:
        """Add an event, unless its path was abandoned or it claims an end while the program goes on."""
        # A failed state may report ExecutionFailed although a Retry or Catch still follows.
        premature = event_type is HistoryEventType.ExecutionFailed and self.program_runs()
        if premature or context.abandoned or self._is_repeated(event_type, event_details):
            return int(context.last_published_event_id)
        self._turns.take()
        with self._mutex:
            if self._over or context.abandoned:
                return int(context.last_published_event_id)
            event_id = context.repeated(event_type)
            if event_id is None:
                event = self._append(event_type, context.source_event_id, event_details, timestamp or self._now())
                event_id = event["id"]
                context.note(event["type"], event_id)
            context.last_published_event_id = event_id
            if update_source_event_id:
                context.source_event_id = event_id
            if event_type is not HistoryEventType.ExecutionStarted:
                self.begun.set()
            return int(event_id)

    def redriven(self, count: int, moment: datetime) -> None:
        """Note that the execution is redriven: the first event of a history that goes on."""
        details = {"executionRedrivenEventDetails": {"redriveCount": count}}
        with self._mutex:
            self._append(HistoryEventType.ExecutionRedriven, len(self._events), details, moment)

    def _is_repeated(self, event_type: HistoryEventType, details: Any) -> bool:
        """Tell whether this evaluation was reported already: the interpreter does so once more, without its state."""
        if event_type is not HistoryEventType.EvaluationFailed:
            return False
        evaluation = (details or {}).get("evaluationFailedEventDetails", {})
        repeated = "state" not in evaluation or evaluation == self._evaluation
        self._evaluation = evaluation
        return repeated

    def end(self, event_type: HistoryEventType, details: dict[str, str]) -> bool:
        """End the history from outside; return whether it was still open."""
        name = f"{event_type.value[0].lower()}{event_type.value[1:]}EventDetails"
        with self._mutex:
            if self._over:
                return False
            self._append(event_type, 0, {name: details}, self._now())
            return True

    def page(self, *, first_id: int | None, limit: int, newest_first: bool) -> tuple[list[Event], int | None]:
        """Return up to ``limit`` events from ``first_id`` on, and the id to go on with if there are more.

        Ids count from 1 without gaps, so a page stays where it is while the history grows.
        """
        events = self.events
        if newest_first:
            last = len(events) if first_id is None else min(first_id, len(events))
            rest = max(0, last - limit)
            return events[rest:last][::-1], rest or None
        start = 0 if first_id is None else first_id - 1
        end = start + limit
        return events[start:end], end + 1 if end < len(events) else None

    def _append(self, event_type: HistoryEventType, source_event_id: int, details: Any, moment: datetime) -> Event:
        if len(self._events) == MAX_EVENTS - 1 and event_type not in ENDINGS:
            event_type, details = HistoryEventType.ExecutionFailed, dict(TOO_MANY)
        if event_type is HistoryEventType.EvaluationFailed:
            source_event_id = self._before_entry(details, source_event_id)
        event: Event = {
            **(details or {}),
            "id": len(self._events) + 1,
            "previousEventId": source_event_id,
            "type": event_type,
            "timestamp": iso_8601_datetime_with_milliseconds(moment),
        }
        self._events.append(event)
        if event_type in ENDINGS:
            self._over = True
            self._on_end(event)
            self.begun.set()
        return event

    def _before_entry(self, details: Any, source_event_id: int) -> int:
        """Return the event that a failed evaluation names as the one before: that before the entry of its state.

        In a Wait state it is the entry itself. Both are AWS's ways.
        """
        state = details["evaluationFailedEventDetails"].get("state")
        for event in reversed(self._events):
            if event.get("stateEnteredEventDetails", {}).get("name") == state:
                waits = event["type"] == HistoryEventType.WaitStateEntered
                return int(event["id"] if waits else event["previousEventId"])
        return source_event_id
