"""Workflows from submission to their end, through a running service, a real worker and the embedded AWS.

Covers `app.main` and `workflow_manager.worker`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Service
from tests.eventually import eventually

Worker = Callable[[str, str], None]

EVERYTHING: dict[str, Any] = {
    "StartAt": "choose",
    "States": {
        "choose": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "flaky"}],
            "Default": "never",
        },
        "never": {"Type": "Fail", "Error": "Never"},
        "flaky": {
            "Type": "Task",
            "Resource": "flaky",
            "Retry": [
                {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1.0}
            ],
            "ResultPath": "$.flaky",
            "Next": "both",
        },
        "both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "good", "States": {"good": {"Type": "Pass", "End": True}}},
                {
                    "StartAt": "linger",  # or it may fail before the other branch has begun
                    "States": {
                        "linger": {"Type": "Wait", "Seconds": 1, "Next": "bad"},
                        "bad": {"Type": "Fail", "Error": "Bad", "Cause": "on purpose"},
                    },
                },
            ],
            "Catch": [{"ErrorEquals": ["Bad"], "ResultPath": "$.caught", "Next": "each"}],
            "Next": "never",
        },
        "each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ItemProcessor": {"StartAt": "item", "States": {"item": {"Type": "Pass", "End": True}}},
            "ResultPath": "$.mapped",
            "Next": "pause",
        },
        "pause": {"Type": "Wait", "Seconds": 1, "Next": "shape"},
        "shape": {"Type": "Pass", "Parameters": {"items.$": "$.mapped"}, "Next": "done"},
        "done": {"Type": "Succeed"},
    },
}


def job(workflow: dict[str, Any], state: str) -> dict[str, Any]:
    """Return the only job of a state."""
    found: dict[str, Any]
    (found,) = [job for job in workflow["jobs"] if job["state"] == state]
    return found


def test_a_workflow_with_every_kind_of_state_succeeds_with_the_right_jobs(
    service: Service, worker: Worker, tmp_path: Path
) -> None:
    tries = tmp_path / "tries"
    worker("flaky", f"echo x >> {tries}; test $(wc -l < {tries}) -ge 3 || exit 1; echo '{{\"worked\": true}}'")
    service.define("everything", EVERYTHING)

    workflow = service.ended(service.start("everything", '{"go":true,"items":[1,2,3]}'))

    assert workflow["status"] == "succeeded", workflow.get("statusReason")
    assert workflow["output"].replace(" ", "") == '{"items":[1,2,3]}'
    outer = [job["state"] for job in workflow["jobs"] if "parent" not in job]
    assert outer == ["choose", "flaky", "both", "each", "pause", "shape", "done"]
    flaky = job(workflow, "flaky")
    assert (flaky["status"], len(flaky["attempts"])) == ("succeeded", 2)
    assert [bool(attempt.get("reason")) for attempt in flaky["attempts"]] == [True, True]
    assert job(workflow, "both")["status"] == "failed"
    assert job(workflow, "bad")["branch"] == 1
    assert job(workflow, "good")["branch"] == 0
    assert [item["iteration"] for item in workflow["jobs"] if item["state"] == "item"] == [0, 1, 2]
    assert workflow["lastJob"]["state"] == "done"
    assert workflow["resolvedByUser"]


def test_a_failed_task_names_its_job_and_its_error(service: Service, worker: Worker) -> None:
    worker("broken", "echo 'disk on fire' >&2; exit 3")
    service.define(
        "broken",
        {
            "StartAt": "first",
            "States": {
                "first": {"Type": "Pass", "Next": "broken"},
                "broken": {"Type": "Task", "Resource": "broken", "End": True},
            },
        },
    )

    workflow = service.ended(service.start("broken"))

    assert workflow["status"] == "failed"
    assert workflow["lastJob"]["state"] == "broken"
    assert "CommandExitedNonzero" in workflow["statusReason"]
    assert "disk on fire" in workflow["statusReason"]
    assert workflow["lastJob"]["status"] == "failed"
    assert not workflow["resolvedByUser"]


def test_a_workflow_stopped_in_mid_task_is_cancelled_with_the_reason_given(
    service: Service, worker: Worker, tmp_path: Path
) -> None:
    stopped = tmp_path / "stopped"
    worker("slow", f"trap 'touch {stopped}; exit 1' TERM; while true; do sleep 0.1; done")
    machine = {"StartAt": "slow", "States": {"slow": {"Type": "Task", "Resource": "slow", "End": True}}}
    service.define("slow", machine)
    workflow_id = service.start("slow")

    def running() -> bool:
        jobs = service.workflow(workflow_id).get("jobs", [])
        return bool(jobs) and jobs[0]["status"] == "running" and "container" in jobs[0]

    eventually(running, what="a worker to take the task")
    answer = service.api.request("DELETE", f"/workflows/{workflow_id}", json={"reason": "wrong input"})

    assert answer.status_code == 200
    workflow = service.ended(workflow_id)
    assert (workflow["status"], workflow["statusReason"]) == ("cancelled", "wrong input")
    assert job(workflow, "slow")["status"] == "aborted_by_user"


def test_a_state_resource_decides_where_a_task_goes(service: Service, worker: Worker) -> None:
    worker("elsewhere", 'echo \'{"from": "elsewhere"}\'')
    uri = "arn:aws:states:us-west-2:123456789012:activity:test--elsewhere"
    body = {"namespace": "test", "name": "somewhere", "uri": uri}
    assert service.api.put("/state-resources/test/somewhere", json=body).status_code == 201
    machine = {"StartAt": "a", "States": {"a": {"Type": "Task", "Resource": "somewhere", "End": True}}}
    service.define("redirected", machine)

    workflow = service.ended(service.start("redirected"))

    assert workflow["status"] == "succeeded", workflow.get("statusReason")
    assert '"elsewhere"' in workflow["output"]
