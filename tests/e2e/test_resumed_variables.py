"""Resuming through a running service on the embedded AWS.

Covers `app.executor.resuming`.
"""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Service

VALUES: dict[str, Any] = {
    "day": 'a "quoted" \\ day',
    "one": [1],
    "empty": [],
    "nested": [[2]],
    "nothing": None,
    "deep": {"x": [{"y": [1]}]},
    "número": 0.1,
}

JSONPATH: dict[str, Any] = {
    "StartAt": "set",
    "States": {
        "set": {"Type": "Pass", "Assign": {f"{name}.$": f"$['{name}']" for name in VALUES}, "Next": "echo"},
        "echo": {
            "Type": "Pass",
            "Parameters": {"given.$": "$", "who.$": "$$.Execution.Input.day", "day.$": "$day", "one.$": "$one"}
            | {"empty.$": "$empty", "nested.$": "$nested", "nothing.$": "$nothing", "deep.$": "$deep"},
            "Next": "broken",
        },
        "broken": {"Type": "Fail", "Error": "Boom"},
    },
}

JSONATA: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "set",
    "States": {
        "set": {"Type": "Pass", "Assign": {name: f"{{% $states.input.`{name}` %}}" for name in VALUES}, "Next": "echo"},
        "echo": {
            "Type": "Pass",
            "Output": {name: f"{{% ${name} %}}" for name in VALUES if name != "número"}
            | {"given": "{% $states.input %}", "who": "{% $states.context.Execution.Input.day %}"},
            "Next": "broken",
        },
        "broken": {"Type": "Fail", "Error": "Boom"},
    },
}


@pytest.mark.parametrize(("name", "machine"), [("restored-jsonpath", JSONPATH), ("restored-jsonata", JSONATA)])
def test_a_resumed_run_sees_what_the_state_saw_before(service: Service, name: str, machine: dict[str, Any]) -> None:
    service.define(name, machine)
    workflow = service.ended(service.start(name, json.dumps(VALUES)))
    before = output_of(workflow, "echo")

    for _ in range(2):
        answer = service.api.post(f"/workflows/{workflow['id']}", json={"StartAt": "echo"})
        assert answer.status_code == 200, answer.text
        workflow = service.ended(answer.json()["id"])

        after = output_of(workflow, "echo")
        assert [job["state"] for job in workflow["jobs"]] == ["echo", "broken"], workflow.get("statusReason")
        assert after.pop("given").pop("_EXECUTION_NAME") == workflow["id"]
        assert after == {key: value for key, value in before.items() if key != "given"}


def output_of(workflow: dict[str, Any], state: str) -> dict[str, Any]:
    """Return the output of the only job of a state."""
    found: dict[str, Any]
    (found,) = [json.loads(job["output"]) for job in workflow["jobs"] if job["state"] == state]
    return found
