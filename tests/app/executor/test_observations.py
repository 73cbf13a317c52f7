"""What Step Functions says of a run, whichever call it said it in.

Covers `app.executor.observations`.
"""

from datetime import timedelta
from typing import Any

import pytest

from app.executor.observations import RunReading, from_description, from_row
from tests import samples
from tests.app.executor.history import recorded
from tests.app.executor.history.recorded import event
from workflow_manager.models import WorkflowStatus

ROW: dict[str, Any] = {"status": "FAILED", "startDate": samples.EPOCH, "stopDate": samples.EPOCH + timedelta(1)}


@pytest.mark.parametrize(("count", "redrives"), [({}, 0), ({"redriveCount": 0}, 0), ({"redriveCount": 2}, 2)])
def test_descriptions_and_rows_tell_how_often_a_run_was_redriven(count: dict[str, int], redrives: int) -> None:
    """Stand-ins for AWS without redrive do not count them."""
    assert from_description({**ROW, **count}).redrives == redrives
    assert from_row({**ROW, **count}).redrives == redrives


def test_a_run_that_waits_for_its_redrive_is_running() -> None:
    seen = from_row({"status": "PENDING_REDRIVE", "startDate": samples.EPOCH, "redriveCount": 1})

    assert (seen.status, seen.stopped_at, seen.redrives) == (WorkflowStatus.RUNNING, None, 1)


def test_a_history_tells_how_often_a_run_was_redriven_up_to_each_event() -> None:
    reading = RunReading(None)
    seen = []
    for one in recorded.load("moto_redriven_task").events:
        reading.add([one])
        if one["type"].startswith("Execution"):
            observation = reading.observation()
            seen.append((observation.status.value, observation.redrives, observation.error))

    assert seen == [
        ("running", 0, None),
        ("failed", 0, "Busy"),
        ("running", 1, None),
        ("failed", 1, "Worse"),
        ("running", 2, None),
        ("succeeded", 2, None),
    ]


def test_a_redriven_run_has_the_end_and_the_reason_of_its_last_attempt() -> None:
    reading, sample = RunReading(None), recorded.load("moto_redriven_task_failed_again")
    reading.add(sample.events)

    observation = reading.observation()

    assert (observation.error, observation.reason) == ("Worse", "Worse: at last")
    assert observation.stopped_at == sample.events[-1]["timestamp"]
    assert observation.started_at == sample.events[0]["timestamp"]


def test_a_redriven_run_has_no_end_while_it_goes_on() -> None:
    reading = RunReading(None)
    reading.add(
        [
            event(1, 0, "ExecutionStarted"),
            event(2, 0, "TaskStateEntered", name="Fetch"),
            event(3, 2, "ExecutionFailed", error="Busy", cause="for now"),
            event(4, 3, "ExecutionRedriven", redriveCount=1),
        ]
    )

    observation = reading.observation()

    assert (observation.status, observation.redrives) == (WorkflowStatus.RUNNING, 1)
    assert (observation.stopped_at, observation.reason, observation.error) == (None, None, None)
