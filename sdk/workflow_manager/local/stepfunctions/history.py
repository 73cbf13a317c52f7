"""The history of one execution: its events in order, of which the first ending is the only one."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager

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


class HistoryPosition(EventHistoryContext):
    """Where a line of states stands in the history; ``abandoned`` once it may add nothing more."""

    def __init__(self, previous_event_id: int, *, abandoned: bool = False) -> None:
        super().__init__(previous_event_id)
        self.abandoned = abandoned

    @classmethod
    def inside(cls, outer: EventHistoryContext) -> "HistoryPosition":
        """Return the position of a line that branches off here."""
        return cls(outer.source_event_id, abandoned=getattr(outer, "abandoned", False))


class History(EventManager):
    """The events of one execution.

    The program, a stop and a timeout compete for its end. Whoever adds the ending first decides it, under the
    lock that orders the events; everything after that is dropped.
    """

    def __init__(self, *, on_end: Callable[[Event], None]) -> None:
        super().__init__()
        self.begun = threading.Event()
        """Set once the first state was entered, or the execution ended without one."""
        self.program_runs: Callable[[], bool] = lambda: True
        self._on_end = on_end
        self._over = False
        self._turns = FairTurns()
        self._evaluation: Any = None

    def add_event(
        self, context: EventHistoryContext, event_type: HistoryEventType, *details: Any, **options: Any
    ) -> int:
        """Add an event, unless its line was abandoned or it claims an end while the program goes on."""
        # A failed state may report ExecutionFailed although a Retry or Catch still follows.
        premature = event_type is HistoryEventType.ExecutionFailed and self.program_runs()
        if premature or getattr(context, "abandoned", False) or self._is_repeated(event_type, details):
            return int(context.last_published_event_id)
        self._turns.take()
        return int(super().add_event(context, event_type, *details, **options))

    def _is_repeated(self, event_type: HistoryEventType, details: tuple[Any, ...]) -> bool:
        """Tell whether this evaluation was reported already: the interpreter does so once more, without its state."""
        if event_type is not HistoryEventType.EvaluationFailed:
            return False
        evaluation = (details[0] if details else {}).get("evaluationFailedEventDetails", {})
        repeated = "state" not in evaluation or evaluation == self._evaluation
        self._evaluation = evaluation
        return repeated

    def end(self, event_type: HistoryEventType, details: dict[str, str]) -> bool:
        """End the history from outside; return whether it was still open."""
        name = f"{event_type.value[0].lower()}{event_type.value[1:]}EventDetails"
        with self._mutex:
            if self._over:
                return False
            self._publish_history_event(
                event_id=self._event_id_gen.get(),
                source_event_id=0,
                event_type=event_type,
                timestamp=iso_8601_datetime_with_milliseconds(datetime.now(UTC)),
                event_details={name: details},
            )
            return True

    def page(self, *, first_id: int | None, limit: int, newest_first: bool) -> tuple[list[Event], int | None]:
        """Return up to ``limit`` events from ``first_id`` on, and the id to go on with if there are more.

        Ids count from 1 without gaps, so a page stays where it is while the history grows.
        """
        with self._mutex:
            events: list[Any] = list(self._history_event_list)
        if newest_first:
            last = len(events) if first_id is None else min(first_id, len(events))
            rest = max(0, last - limit)
            return events[rest:last][::-1], rest or None
        start = 0 if first_id is None else first_id - 1
        end = start + limit
        return events[start:end], end + 1 if end < len(events) else None

    def _publish_history_event(self, *details: Any, **options: Any) -> None:
        if self._over:
            return
        if len(self._history_event_list) == MAX_EVENTS - 1 and options["event_type"] not in ENDINGS:
            options |= {"event_type": HistoryEventType.ExecutionFailed, "event_details": dict(TOO_MANY)}
        if options["event_type"] is HistoryEventType.EvaluationFailed:
            options["source_event_id"] = self._before_entry(options)
        super()._publish_history_event(*details, **options)
        event: Any = self._history_event_list[-1]
        if event["type"] in ENDINGS:
            self._over = True
            self._on_end(event)
        if len(self._history_event_list) > 1:
            self.begun.set()

    def _before_entry(self, options: dict[str, Any]) -> int:
        """Return the event that a failed evaluation names as the one before: that before the entry of its state.

        In a Wait state it is the entry itself. Both are AWS's ways.
        """
        state = options["event_details"]["evaluationFailedEventDetails"].get("state")
        events: list[Any] = self._history_event_list
        for event in reversed(events):
            if event.get("stateEnteredEventDetails", {}).get("name") == state:
                waits = event["type"] == HistoryEventType.WaitStateEntered
                return int(event["id"] if waits else event["previousEventId"])
        return int(options["source_event_id"])
