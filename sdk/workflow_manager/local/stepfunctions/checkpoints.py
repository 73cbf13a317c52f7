"""Checkpoints: how far each path of an execution has come, which is where a redrive goes on.

A path is the execution itself, a branch of a Parallel or an item of a Map. The events that enter the history move its
checkpoint, in the same step, so that a redrive goes on with what the history says. AWS's rule is that a state runs
again when there is an event of its entry and none of its exit (developer guide, "Restarting executions with redrive").
"""

import dataclasses
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext

STARTS: Final = frozenset({HistoryEventType.ParallelStateStarted, HistoryEventType.MapStateStarted})
"""Events after which a state has branches or items."""

STARTED_WHOLE: Final = "States.DataLimitExceeded"
"""A Parallel or Map that failed with this error runs again with all its branches and items."""

Repetition = tuple[HistoryEventType, int]
"""Type and id of an event that the history has, and that the interpreter would add once more."""


@dataclass(frozen=True)
class Step:
    """What a path goes on with: a state and its input, or its output if it has come to its end."""

    state: str | None
    data: str
    """JSON text, as the history has it."""
    variables: dict[str, Any]


@dataclass
class Checkpoint:
    """How far one path has come."""

    step: Step | None = None
    """None before its first state is entered."""
    entered: Repetition | None = None
    """The entry of the state, unless it has been left."""
    entered_time: str | None = None
    """``$$.State.EnteredTime`` of the state."""
    left_id: int | None = None
    """The exit of the state before, if the next one has not been entered."""
    started: Repetition | None = None
    """The start of the branches or items of the state."""
    paths: dict[int, "Checkpoint"] = field(default_factory=dict)
    """Those of the branches or items since then, by number."""
    began_id: int | None = None
    """The start of the item, in the path of an item."""
    closed_id: int | None = None
    """The success of the item, in the path of an item."""
    error: str | None = None
    """What the state failed with."""
    map_run: Any = None
    """The run of a distributed Map, and its items."""
    items: list[Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether the path has come to its end, with an output."""
        return self.step is not None and self.step.state is None

    @property
    def output(self) -> Any:
        """The output of a path that has come to its end."""
        return json.loads(self.step.data) if self.step is not None else None

    def path(self, number: int) -> "Checkpoint":
        """Return the checkpoint of a branch or item."""
        return self.paths.setdefault(number, Checkpoint())

    def enter(self, step: Step, event: Repetition) -> None:
        """Note that a state was entered."""
        self._clear()
        self.step, self.entered = step, event

    def leave(self, step: Step, event_id: int) -> None:
        """Note that the state was left."""
        self._clear()
        self.step, self.left_id = step, event_id

    def start(self, event: Repetition) -> None:
        """Note that the state has branches or items, all of which are new."""
        self.started, self.paths, self.map_run, self.items = event, {}, None, None

    def again(self) -> "Checkpoint":
        """Return the checkpoint that a redrive goes on from, which what is left of the former run cannot move."""
        whole = self.error == STARTED_WHOLE
        kept = {} if whole else {number: path.again() for number, path in tuple(self.paths.items())}
        fresh: dict[str, Any] = {"started": None, "map_run": None, "items": None} if whole else {}
        return dataclasses.replace(self, error=None, paths=kept, **fresh)

    def repetitions(self) -> deque[Repetition]:
        """Return the events that the interpreter adds on its way to the checkpoint, in their order."""
        began, closed = HistoryEventType.MapIterationStarted, HistoryEventType.MapIterationSucceeded
        known = (
            self.began_id and (began, self.began_id),
            self.entered,
            self.started,
            self.closed_id and (closed, self.closed_id),
        )
        return deque(event for event in known if event)

    def _clear(self) -> None:
        self.entered = self.entered_time = self.left_id = self.error = None
        self.started, self.paths, self.map_run, self.items = None, {}, None, None


class HistoryPosition(EventHistoryContext):
    """Where a path stands in the history; ``abandoned`` once it may add nothing more."""

    def __init__(
        self,
        previous_event_id: int,
        *,
        checkpoint: Checkpoint | None = None,
        repetitions: deque[Repetition] | None = None,
        abandoned: bool = False,
    ) -> None:
        super().__init__(previous_event_id)
        self.abandoned = abandoned
        self.checkpoint = checkpoint or Checkpoint()
        self.coming: Step | None = None
        """What the entry or exit means that is about to be added."""
        self._repetitions = deque() if repetitions is None else repetitions

    @classmethod
    def inside(cls, outer: "HistoryPosition") -> "HistoryPosition":
        """Return the position of the evaluation of a state, or of a path that branches off here."""
        return cls(
            outer.source_event_id,
            checkpoint=outer.checkpoint,
            repetitions=outer._repetitions,  # noqa: SLF001 - the same class
            abandoned=outer.abandoned,
        )

    def take_path(self, number: int) -> None:
        """Become the position of a branch or item."""
        self.checkpoint = self.checkpoint.path(number)
        self._repetitions = self.checkpoint.repetitions()

    def repeated(self, event_type: HistoryEventType) -> int | None:
        """Return the id of an event that was there before the redrive, and is about to be added once more."""
        if not self._repetitions or self._repetitions[0][0] is not event_type:
            return None
        return self._repetitions.popleft()[1]

    def note(self, event_type: HistoryEventType, event_id: int) -> None:
        """Move the checkpoint with an event that was added."""
        self._repetitions.clear()
        kind = event_type.value
        if kind.endswith("StateEntered") and self.coming is not None:
            self.checkpoint.enter(self.coming, (event_type, event_id))
        elif kind.endswith("StateExited") and self.coming is not None:
            self.checkpoint.leave(self.coming, event_id)
        elif event_type in STARTS:
            self.checkpoint.start((event_type, event_id))
        elif event_type is HistoryEventType.MapIterationStarted:
            self.checkpoint.began_id = event_id
        elif event_type is HistoryEventType.MapIterationSucceeded:
            self.checkpoint.closed_id = event_id
