"""Reading status changes.

Covers `app.poller.events.messages`.
"""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.executor.observations import Observation
from tests.app.poller.events import status_events
from workflow_manager.models import WorkflowStatus

ARN = "arn:aws:states:us-west-2:123456789012:execution:dev--echo--0--echo:one"
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
STOPPED = datetime(2026, 1, 1, 0, 0, 5, 123_000, tzinfo=UTC)


def observation(status: str, **detail: Any) -> Observation:
    return status_events.read(status_events.body("one", ARN, status, **detail)).observation


def test_an_event_names_its_execution() -> None:
    event = status_events.read(status_events.body("one", ARN, "RUNNING"))

    assert event.workflow_id == "one"
    assert event.execution_arn == ARN


@pytest.mark.parametrize(
    ("status", "detail", "expected"),
    [
        ("RUNNING", {}, Observation(status=WorkflowStatus.RUNNING, started_at=STARTED)),
        ("PENDING_REDRIVE", {}, Observation(status=WorkflowStatus.RUNNING, started_at=STARTED)),
        (
            "SUCCEEDED",
            {},
            Observation(
                status=WorkflowStatus.SUCCEEDED,
                started_at=STARTED,
                stopped_at=STOPPED,
                outcome_known=True,
                output='{"done":1}',
            ),
        ),
        (
            "FAILED",
            {"error": "Boom", "cause": '{"errorMessage":"it broke"}'},
            Observation(
                status=WorkflowStatus.FAILED,
                started_at=STARTED,
                stopped_at=STOPPED,
                outcome_known=True,
                reason="Boom: it broke",
                error="Boom",
            ),
        ),
        (
            "TIMED_OUT",
            {},
            Observation(
                status=WorkflowStatus.FAILED,
                started_at=STARTED,
                stopped_at=STOPPED,
                outcome_known=True,
                reason="Workflow timed out",
            ),
        ),
        (
            "ABORTED",
            {"cause": "not needed any more"},
            Observation(
                status=WorkflowStatus.CANCELLED,
                started_at=STARTED,
                stopped_at=STOPPED,
                outcome_known=True,
                reason="not needed any more",
            ),
        ),
    ],
)
def test_an_event_tells_status_times_output_and_reason(
    status: str, detail: dict[str, Any], expected: Observation
) -> None:
    assert observation(status, **detail) == replace(expected, redrives=0)


@pytest.mark.parametrize(("count", "redrives"), [(0, 0), (3, 3), (None, 0)])
def test_an_event_tells_how_often_the_run_was_redriven(count: int | None, redrives: int) -> None:
    """AWS gives the date as a number, though its reference says text."""
    seen = observation("RUNNING", redriveCount=count, redriveDate=1_767_225_605_000)

    assert (seen.status, seen.redrives) == (WorkflowStatus.RUNNING, redrives)


@pytest.mark.parametrize("output", [None, '{"cut'])
def test_an_output_that_did_not_fit_is_left_to_be_asked_for(output: str | None) -> None:
    seen = observation("SUCCEEDED", output=output, outputDetails={"included": False})

    assert seen.status is WorkflowStatus.SUCCEEDED
    assert not seen.outcome_known
    assert seen.output is None


def test_an_event_of_the_first_days_has_neither_error_nor_times_of_a_redrive() -> None:
    event = json.loads(status_events.body("one", ARN, "FAILED"))
    for later in ("error", "cause", "redriveCount", "redriveDate", "redriveStatus", "redriveStatusReason"):
        del event["detail"][later]

    seen = status_events.read(json.dumps(event)).observation

    assert seen.status is WorkflowStatus.FAILED
    assert seen.reason is None
    assert seen.redrives == 0


def altered(**changes: Any) -> str:
    event = json.loads(status_events.body("one", ARN, "RUNNING"))
    return json.dumps(event | {key.replace("_", "-"): value for key, value in changes.items()})


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("", "Invalid JSON"),
        ("hello", "Invalid JSON"),
        ("\ud800", "Input should be a valid string"),
        pytest.param("[" * 100_000, "Invalid JSON", id="deep"),
        ("[]", "Input should be an object"),
        ("{}", "source: Field required; detail-type: Field required; detail: Field required"),
        (altered(source="aws.ecs"), "source: "),
        (altered(detail_type="Step Functions Map Run Status Change"), "detail-type: "),
        (altered(detail=None), "detail: "),
        (json.dumps({"Type": "Notification", "Message": altered()}), "source: Field required"),
        (status_events.body("one", ARN, "PAUSED"), "detail.status: "),
        (status_events.body("", ARN, "RUNNING"), "detail.name: "),
        (status_events.body("x" * 81, ARN, "RUNNING"), "detail.name: "),
        (status_events.body("one", "", "RUNNING"), "detail.executionArn: "),
        (status_events.body("one", ARN, "RUNNING", startDate="soon"), "detail.startDate: "),
        (status_events.body("one", ARN, "SUCCEEDED", stopDate=10**18), "detail.stopDate: "),
        (status_events.body("one", ARN, "SUCCEEDED", output={"done": 1}), "detail.output: "),
    ],
)
def test_what_is_no_status_change_is_refused_with_one_line_that_tells_why(body: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)) as refusal:
        status_events.read(body)

    assert "\n" not in str(refusal.value)


MINUTE = 60_000
START_MS = 1_767_225_600_000


@pytest.mark.parametrize(
    ("dates", "complaint"),
    [
        ({"startDate": START_MS, "stopDate": START_MS - 1}, "stopDate is before startDate"),
        ({"startDate": START_MS, "stopDate": START_MS + 7 * MINUTE}, "more than five minutes ahead"),
        ({"startDate": START_MS + 7 * MINUTE, "stopDate": None}, "more than five minutes ahead"),
    ],
)
def test_times_that_cannot_be_are_refused(dates: dict[str, int | None], complaint: str) -> None:
    status = "RUNNING" if dates["stopDate"] is None else "SUCCEEDED"
    with pytest.raises(ValueError, match=complaint):
        status_events.read(status_events.body("one", ARN, status, **dates))


@pytest.mark.parametrize("stopped", [START_MS, START_MS + 6 * MINUTE], ids=["at once", "a clock ahead of ours"])
def test_times_that_can_be_are_taken(stopped: int) -> None:
    dates = {"startDate": START_MS, "stopDate": stopped}
    assert status_events.read(status_events.body("one", ARN, "SUCCEEDED", **dates)).observation.stopped_at
