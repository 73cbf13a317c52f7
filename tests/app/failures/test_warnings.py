"""Warnings about runs that approach a limit of AWS.

Covers `app.failures.warnings` and `app.executor.observations`.
"""

from datetime import timedelta
from typing import Any

import pytest

from app.executor import observations
from app.executor.observations import Observation
from app.failures.warnings import warnings
from tests import samples
from workflow_manager.models import Job, JobStatus, WorkflowStatus, WorkflowWarning

NOW = samples.EPOCH + timedelta(days=30)


def job(**fields: Any) -> Job:
    values = {"id": "2", "state": "Load", "type": "Task", "status": JobStatus.RUNNING, "created_at": samples.EPOCH}
    return Job(**(values | fields))


def warned(*, known: tuple[WorkflowWarning, ...] = (), **fields: Any) -> list[tuple[str, int]]:
    values: dict[str, Any] = {
        "jobs": (),
        "events": 0,
        "started_at": samples.EPOCH,
        "now": NOW,
        "running": True,
    } | fields
    return [(warning.code, warning.value) for warning in warnings(known, **values)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [(19_999, []), (20_000, [("history-events", 20_000)]), (24_998, [("history-events", 24_998)])],
)
def test_a_history_that_fills_up_is_told(events: int, expected: list[tuple[str, int]]) -> None:
    assert warned(events=events) == expected


@pytest.mark.parametrize(
    ("events", "age", "expected"),
    [
        (1_000, timedelta(minutes=59), []),
        (1_000, timedelta(hours=1), ["history-events"]),
        (999, timedelta(hours=1), []),
        (5_000, timedelta(hours=12), []),
        (5_000, timedelta(hours=11, minutes=59), ["history-events"]),
    ],
)
def test_a_history_that_is_full_within_48_hours_at_its_rate_is_told(
    events: int, age: timedelta, expected: list[str]
) -> None:
    found = warned(events=events, now=samples.EPOCH + age)

    assert [code for code, _ in found] == expected
    assert warned(events=events, now=samples.EPOCH + age, running=False) == []


def test_a_loop_of_nine_events_a_minute_is_told_before_its_last_48_hours() -> None:
    first = next(
        minutes
        for minutes in range(10_000)
        if warned(events=9 * minutes, now=samples.EPOCH + timedelta(minutes=minutes))
    )

    assert first * 9 == 1_008


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 209_714, []),
        ("x" * 209_715, [("payload", 209_715)]),
        ("\U0001f600" * 52_428, []),
        ("\U0001f600" * 52_429, [("payload", 209_716)]),
    ],
    ids=["below", "at", "4 bytes below", "4 bytes at"],
)
def test_the_bytes_of_a_payload_count(text: str, expected: list[tuple[str, int]]) -> None:
    assert warned(jobs=[job(input=text)]) == warned(jobs=[job(output=text)]) == expected


def test_a_warning_that_is_known_stays_as_it_was() -> None:
    (known,) = warnings((), jobs=(), events=20_000, started_at=None, now=NOW, running=True)

    later = warnings((known,), jobs=(), events=24_000, started_at=None, now=NOW + timedelta(days=1), running=True)

    assert later == (known,)


def observation(events: int) -> Observation:
    return Observation(
        status=WorkflowStatus.RUNNING,
        started_at=samples.EPOCH,
        outcome_known=True,
        jobs=(job(),),
        last_event_id=events,
        redrives=0,
    )


def test_a_run_is_written_once_for_a_code() -> None:
    before = samples.workflow("a", status=WorkflowStatus.RUNNING, jobs=(job(),))

    changed = observations.changes(observation(20_000), before=before, now=NOW)
    after = before.model_copy(update=dict(changed))

    assert [warning.code for warning in after.warnings] == ["history-events"]
    assert observations.changes(observation(20_001), before=after, now=NOW) == {}
    assert observations.changes(observation(19_999), before=before, now=samples.EPOCH) == {}
