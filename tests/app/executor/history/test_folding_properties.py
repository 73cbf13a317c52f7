"""What holds for every history: cut anywhere, read twice, full of rubbish, or very long.

Covers `app.executor.history.folding`.
"""

import functools
import sys
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.model import StringShape
from hypothesis import given, settings
from hypothesis import strategies as st

from app.executor import history
from app.executor.history import Event
from tests.app.executor.history import recorded
from tests.app.executor.history.recorded import event
from workflow_manager.models import WorkflowStatus

"""Step Functions ends an execution that reaches it."""

samples = st.sampled_from(recorded.NAMES).map(recorded.load)


@functools.cache
def event_types() -> frozenset[str]:
    """Ask botocore for all types of history events."""
    shape = botocore.session.get_session().get_service_model("stepfunctions").shape_for("HistoryEventType")
    assert isinstance(shape, StringShape)
    return frozenset(shape.enum)


def test_every_event_type_of_aws_is_either_handled_or_ignored() -> None:
    assert event_types() == history.HANDLED | history.IGNORED
    assert not history.HANDLED & history.IGNORED


def test_the_recorded_histories_have_every_event_type() -> None:
    seen = {one["type"] for name in recorded.NAMES for one in recorded.load(name).events}
    assert event_types() <= seen


@given(sample=samples, data=st.data())
@settings(deadline=None, max_examples=80)
def test_a_history_gives_the_same_jobs_however_it_is_cut(sample: recorded.Recorded, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sample.events)))))
    pieces = history.HistoryFold(sample.definition)
    for begin, end in zip([0, *cuts], [*cuts, len(sample.events)], strict=True):
        pieces.add(sample.events[begin:end])
        pieces.jobs()
    assert pieces.jobs() == history.fold(sample.events, state_machine=sample.definition)


@given(sample=samples, data=st.data())
@settings(deadline=None, max_examples=50)
def test_events_that_are_read_again_change_nothing(sample: recorded.Recorded, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(sample.events)))
    again = data.draw(st.integers(0, end))
    fold = history.HistoryFold(sample.definition)
    fold.add(sample.events[:end])
    fold.add(sample.events[again:])
    fold.add(sample.events)
    assert fold.jobs() == history.fold(sample.events, state_machine=sample.definition)
    assert fold.last_event_id == len(sample.events)


@given(sample=samples, data=st.data())
@settings(deadline=None, max_examples=80)
def test_a_history_with_holes_is_no_error(sample: recorded.Recorded, data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.sampled_from(range(len(sample.events)))))
    jobs = history.fold([sample.events[index] for index in sorted(kept)], state_machine=sample.definition)
    entered = [sample.events[index] for index in sorted(kept) if sample.events[index]["type"].endswith("Entered")]
    assert [job.id for job in jobs] == [str(one["id"]) for one in entered]
    history.last_job(jobs, status=WorkflowStatus.FAILED)


rubbish = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
details = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("name", "index", "error", "cause", "resource", "resourceType", "input", "output"), rubbish),
)


@st.composite
def rubbish_events(draw: st.DrawFn) -> list[Event]:
    """Draw events of real types, with pointers and details that make no sense."""
    types = draw(st.lists(st.sampled_from(sorted(event_types() | {"QuantumStateEntangled"})), max_size=25))
    events: list[Event] = []
    for event_id, event_type in enumerate(types, 1):
        one: dict[str, Any] = dict(event(event_id, draw(st.integers(-1, event_id + 1)), event_type))
        one[recorded.details_key(event_type)] = draw(details | rubbish)
        for field in draw(st.sets(st.sampled_from(["id", "previousEventId", "type", "timestamp"]), max_size=1)):
            one[field] = draw(rubbish)
        events.append(one)
    return events


@given(events=rubbish_events(), definition=st.none() | st.dictionaries(st.just("States"), rubbish))
@settings(deadline=None, max_examples=80)
def test_rubbish_is_no_error(events: list[Event], definition: dict[str, Any] | None) -> None:
    jobs = history.fold(events, state_machine=definition)
    assert len(jobs) <= len(events)
    for status in WorkflowStatus:
        history.last_job(jobs, status=status)


def test_an_unknown_event_type_hands_its_path_on() -> None:
    (job,) = history.fold(
        [
            event(1, 0, "TaskStateEntered", name="Fetch"),
            event(2, 1, "TaskPondered"),
            event(3, 2, "TaskStateExited", name="Fetch", output="{}"),
        ]
    )
    assert job.status == "succeeded"


@pytest.mark.parametrize("definition", [{}, {"States": []}, {"States": {"A": None, "B": {"Branches": {"x": 1}}}}])
def test_a_malformed_definition_is_no_error(definition: dict[str, Any]) -> None:
    sample = recorded.load("moto_nested")
    assert len(history.fold(sample.events, state_machine=definition)) == len(sample.jobs)


def linear(length: int) -> Iterator[Event]:
    """Write a loop of one Task that runs until the history is full."""
    steps = ("TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded")
    for event_id in range(1, length + 1):
        step = (*steps, "TaskStateExited")[event_id % 5 - 1]
        yield event(event_id, event_id - 1, step, name="Work", input="{}", output="{}", resource="arn:a:b:c:d:f:x--y")


def wide(length: int) -> Iterator[Event]:
    """Write a Map with as many items at once as fit, of which the first fails."""
    yield event(1, 0, "MapStateEntered", name="Each")
    yield event(2, 1, "MapStateStarted", length=length)
    items = (length - 5) // 4
    for item in range(items):
        yield event(3 + item, 2, "MapIterationStarted", name="Each", index=item)
    for item in range(items):
        yield event(3 + items + item, 3 + item, "TaskStateEntered", name="Work", input="{}")
    failed = 3 + 2 * items
    yield event(failed, 3 + items, "TaskFailed", error="E")
    yield event(failed + 1, failed, "MapIterationFailed", name="Each", index=0)
    for item in range(1, items):
        yield event(failed + 2 * item, failed, "TaskStateAborted")
        yield event(failed + 2 * item + 1, failed, "MapIterationAborted", name="Each", index=item)
    yield event(failed + 2 * items, failed, "MapStateFailed")
    yield event(failed + 2 * items + 1, failed + 2 * items, "ExecutionFailed", error="E")


def lines_to_fold(events: list[Event]) -> int:
    """Count the lines of Python that a fold executes: unlike its time, the same on every machine."""
    lines = 0

    def trace(_: object, kind: str, __: object) -> Any:
        nonlocal lines
        lines += kind == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        history.fold(events)
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("shape", [linear, wide])
def test_the_cost_of_a_fold_is_linear(shape: Any) -> None:
    """A quadratic fold would take 25 times as much for 5 times the events."""
    short = lines_to_fold(list(shape(1_000)))
    long = lines_to_fold(list(shape(5_000)))

    assert long < 5.5 * short
