"""Warnings about a definition: it is stored, and the answer tells what is hardly meant.

Covers `app.api.routes.definitions`, `workflow_manager.states_language.validation` and
`workflow_manager.states_language.advice`.
"""

from typing import Any

import httpx

from tests import samples

BODY: dict[str, Any] = {
    "name": "a",
    "stateMachine": {
        "StartAt": "Work",
        "TimeoutSeconds": 600,
        "States": {"Work": {"Type": "Task", "Resource": "w", "End": True, "Retry": [{"ErrorEquals": ["States.Mine"]}]}},
    },
}
WARNING_PLACE = "/stateMachine/States/Work/Retry/0/ErrorEquals/0"


async def test_a_definition_with_warnings_is_stored_and_they_are_told(api: httpx.AsyncClient) -> None:
    created = await api.post("/workflow-definitions", json=BODY)
    updated = await api.put("/workflow-definitions/a", json=BODY)

    for answer in (created, updated):
        assert answer.status_code == 201
        assert [warning["pointer"] for warning in answer.json()["warnings"]] == [WARNING_PLACE]
    assert "warnings" not in (await api.get("/workflow-definitions/a/1")).json()


async def test_a_verdict_tells_warnings(api: httpx.AsyncClient) -> None:
    verdict = (await api.post("/workflow-definitions?validateOnly=true", json=BODY)).json()

    assert verdict["valid"] is True
    assert [warning["pointer"] for warning in verdict["warnings"]] == [WARNING_PLACE]


async def test_a_definition_without_warnings_has_none(api: httpx.AsyncClient) -> None:
    created = await api.post("/workflow-definitions", json={"name": "b", "stateMachine": samples.BOUNDED_ECHO})

    assert "warnings" not in created.json()


async def test_a_refusal_marks_what_is_only_a_warning(api: httpx.AsyncClient) -> None:
    machine = BODY["stateMachine"]
    broken = {**machine, "States": {"Work": {**machine["States"]["Work"], "TimeoutSeconds": -1}}}

    refused = await api.post("/workflow-definitions", json={"name": "a", "stateMachine": broken})

    assert refused.status_code == 400
    assert {
        problem["pointer"].rpartition("/States/Work/")[2]: problem.get("severity")
        for problem in refused.json()["errors"]
    } == {
        "Retry/0/ErrorEquals/0": "warning",
        "TimeoutSeconds": None,
    }


async def test_advice_about_long_runs_is_told_and_refuses_nothing(api: httpx.AsyncClient) -> None:
    created = await api.post("/workflow-definitions", json={"name": "c", "stateMachine": samples.ECHO})

    assert created.status_code == 201
    (warning,) = created.json()["warnings"]
    assert warning["pointer"] == "/stateMachine/States/echo"
    assert "without TimeoutSeconds and HeartbeatSeconds" in warning["message"]
