"""Answers for the Go and JavaScript clients that wag generated from the peer's swagger.

Covers `app.api.generated_clients`.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.api import generated_clients
from tests import samples
from tests.rig import Rig
from workflow_manager import errors

GO_STRUCTS: Final = Path(__file__).parent / "go_structs" / "main.go"
GO_HEADERS: Final = {
    "User-Agent": "Go-http-client/1.1",
    "Content-Type": "application/json",
    "X-Client-Version": "0.15.0",
    "Accept-Encoding": "gzip",
}
JAVASCRIPT_HEADERS: Final = {
    "X-Client-Version": "0.15.0",
    "accept": "application/json",
    "content-type": "application/json",
}
"""What each client sends with every request, beside the name of the operation as ``Canonical-Resource``."""

NAME: Final = "wide"
INNER: Final = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Result": [1], "Parameters": {"x": 1}, "End": True}}}
RULES: Final[list[dict[str, Any]]] = [
    {"Variable": "$.a", "NumericEquals": 1.5, "Next": "Pass"},
    {"Variable": "$.a", "NumericEquals": 2.0, "Next": "Pass"},
    {
        "And": [{"Not": {"Variable": "$.a", "NumericGreaterThanEquals": 2**70}}, {"Variable": "$.a", "IsNull": True}],
        "Next": "Pass",
    },
    {"Variable": "$.a", "TimestampEquals": "2016-12-31T23:59:60Z", "Next": "Pass"},
    {"Variable": "$.a", "TimestampLessThan": "2030-01-01T00:00:00.5+01:00", "Next": "Pass"},
    {"Variable": "$.a", "NumericLessThan": 1.5, "Next": "Pass"},
]
WIDE: Final[dict[str, Any]] = {
    "StartAt": "Choice",
    "TimeoutSeconds": 60.0,
    "States": {
        "Choice": {"Type": "Choice", "Choices": RULES, "Default": "Pass"},
        "Pass": {"Type": "Pass", "Result": {"an": "object"}, "Comment": "kept", "Next": "a/b~ü"},
        "a/b~ü": {"Type": "Pass", "Result": 5, "ResultPath": None, "Next": "Wait"},
        "Wait": {"Type": "Wait", "Seconds": 1.0, "Next": "Task"},
        "Task": {
            "Type": "Task",
            "Resource": "arn:aws:states:::glue:startJobRun",
            "Parameters": {"JobName": "j", "deep": {"er": [1.5]}},
            "ResultSelector": {"a.$": "$.x", "b": {"c": 1}},
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2.0, "BackoffRate": 1.5, "MaxAttempts": 0}],
            "timeoutseconds": "an unknown field in the letters of a known one",
            "Next": "Expression",
        },
        "Expression": {
            "Type": "Task",
            "QueryLanguage": "JSONata",
            "Resource": "echo",
            "TimeoutSeconds": "{% 5 %}",
            "Arguments": {"a": 1},
            "Next": "Parallel",
        },
        "Parallel": {"Type": "Parallel", "Branches": [INNER], "Next": "Map"},
        "Map": {
            "Type": "Map",
            "Iterator": json.loads(json.dumps(INNER).replace('"I"', '"J"')),
            "MaxConcurrency": 2,
            "End": True,
        },
    },
}
"""A definition that AWS takes, and that the structs of the Go client do not hold."""

OMITTED: Final = {
    "/States/Choice/Choices/0/NumericEquals",
    "/States/Choice/Choices/2/And/0/Not/NumericGreaterThanEquals",
    "/States/Choice/Choices/3/TimestampEquals",
    "/States/Pass/Result",
    "/States/a~1b~0%C3%BC/Result",
    "/States/Task/ResultSelector/b",
    "/States/Task/timeoutseconds",
    "/States/Expression/TimeoutSeconds",
    "/States/Parallel/Branches/0/States/I/Result",
    "/States/Map/Iterator/States/J/Result",
}


def sent(operation: str, headers: dict[str, str] = GO_HEADERS) -> dict[str, str]:
    """Return the headers of a request of an operation."""
    return {**headers, "Canonical-Resource": operation}


async def define(api: httpx.AsyncClient) -> None:
    """Store a definition that every client holds, and the wide one."""
    plain = await api.post("/workflow-definitions", json={"name": "plain", "stateMachine": samples.ECHO})
    wide = await api.post("/workflow-definitions", json={"name": NAME, "stateMachine": WIDE})
    assert (plain.status_code, wide.status_code) == (201, 201), wide.text


def omitted(answer: httpx.Response) -> list[str]:
    """Return the pointers that an answer names as left out."""
    named = answer.headers.get(generated_clients.OMITTED_HEADER)
    return named.split(", ") if named else []


def at_end(pointers: set[str], prefix: str) -> set[str]:
    return {f"{prefix}{pointer}" for pointer in pointers}


START: Final = {"workflowDefinition": {"name": NAME}, "namespace": "dev", "input": "{}"}
ANSWERS: Final = [
    ("getWorkflowDefinitions", "GET", "/workflow-definitions", None, "definitions", "/1/stateMachine"),
    (
        "newWorkflowDefinition",
        "POST",
        "/workflow-definitions",
        {"name": "w", "stateMachine": WIDE},
        "definition",
        "/stateMachine",
    ),
    (
        "updateWorkflowDefinition",
        "PUT",
        f"/workflow-definitions/{NAME}",
        {"name": NAME, "stateMachine": WIDE},
        "definition",
        "/stateMachine",
    ),
    (
        "getWorkflowDefinitionVersionsByName",
        "GET",
        f"/workflow-definitions/{NAME}",
        None,
        "definitions",
        "/0/stateMachine",
    ),
    (
        "getWorkflowDefinitionByNameAndVersion",
        "GET",
        f"/workflow-definitions/{NAME}/0",
        None,
        "definition",
        "/stateMachine",
    ),
    ("startWorkflow", "POST", "/workflows", START, "workflow", "/workflowDefinition/stateMachine"),
    (
        "getWorkflows",
        "GET",
        f"/workflows?workflowDefinitionName={NAME}&limit=1",
        None,
        "workflows",
        "/0/workflowDefinition/stateMachine",
    ),
    ("getWorkflowByID", "GET", "/workflows/{id}", None, "workflow", "/workflowDefinition/stateMachine"),
]
"""Operations that answer with definitions: request, shape of the answer, and where the definition is."""


@pytest.mark.parametrize(
    ("operation", "method", "path", "body", "shape", "where"), ANSWERS, ids=lambda part: str(part)[:30]
)
async def test_what_the_structs_cannot_hold_is_left_out_and_named(
    api: httpx.AsyncClient, operation: str, method: str, path: str, body: object, shape: str, where: str
) -> None:
    await define(api)
    workflow = (await api.post("/workflows", json=START)).json()
    await api.post("/workflows", json=START)

    answer = await api.request(method, path.replace("{id}", workflow["id"]), json=body, headers=sent(operation))

    assert answer.status_code in {200, 201}, answer.text
    assert set(omitted(answer)) == at_end(OMITTED, where)
    machine: Any = answer.json()
    for step in where.strip("/").split("/"):
        machine = machine[int(step) if step.isdigit() else step]
    assert (machine["StartAt"], machine["TimeoutSeconds"]) == ("Choice", 60)
    assert machine["States"]["Pass"] == {"Type": "Pass", "Comment": "kept", "Next": "a/b~ü"}
    assert machine["States"]["Task"]["Parameters"] == {"JobName": "j", "deep": {"er": [1.5]}}
    if operation == "getWorkflows":
        assert answer.headers["X-Next-Page-Path"]


async def test_a_resumed_workflow_can_be_held(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)
    workflow = (await api.post("/workflows", json=START)).json()
    rig.sfn.enter(workflow["id"], "Choice")
    rig.sfn.fail(workflow["id"], "Boom", "it broke")
    await rig.poller.poll_once()

    answer = await api.post(
        f"/workflows/{workflow['id']}", json={"StartAt": "Choice"}, headers=sent("resumeWorkflowByID")
    )

    assert answer.status_code == 200, answer.text
    assert set(omitted(answer)) == at_end(OMITTED, "/workflowDefinition/stateMachine")


@pytest.mark.parametrize("path", ["/workflow-definitions/plain", f"/workflow-definitions/{NAME}"])
async def test_others_get_everything(api: httpx.AsyncClient, path: str) -> None:
    await define(api)

    answer = await api.get(path)

    assert answer.json()[0]["stateMachine"] in (samples.ECHO, WIDE)
    assert generated_clients.OMITTED_HEADER not in answer.headers


async def test_an_answer_that_can_be_held_is_the_same_for_everybody(api: httpx.AsyncClient) -> None:
    await define(api)

    for headers in (GO_HEADERS, JAVASCRIPT_HEADERS):
        answer = await api.get("/workflow-definitions/plain", headers=headers)
        assert answer.content == (await api.get("/workflow-definitions/plain")).content
        assert omitted(answer) == []


async def test_a_long_list_of_what_is_left_out_is_cut(api: httpx.AsyncClient) -> None:
    states = {
        f"state {number}": {"Type": "Pass", "Result": number, "Next": f"state {number + 1}"} for number in range(300)
    }
    states["state 300"] = {"Type": "Succeed"}
    machine = {"StartAt": "state 0", "States": states}
    await api.post("/workflow-definitions", json={"name": NAME, "stateMachine": machine})

    answer = await api.get(f"/workflow-definitions/{NAME}/0", headers=sent("getWorkflowDefinitionByNameAndVersion"))

    *named, more = omitted(answer)
    assert named[0] == "/stateMachine/States/state%200/Result"
    assert more == f"and {300 - len(named)} more"
    assert len(answer.headers[generated_clients.OMITTED_HEADER]) < 2_100


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go here")
async def test_go_structs_hold_every_answer(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)
    workflow = (await api.post("/workflows", json=START)).json()
    rig.sfn.enter(workflow["id"], "Choice")
    rig.sfn.fail(workflow["id"], "Boom", "it broke")
    await rig.poller.poll_once()
    lines: list[str] = []
    wide_lines: list[str] = []
    for operation, method, path, body, shape, _ in ANSWERS:
        place = path.replace("{id}", workflow["id"])
        for headers, kept in ((sent(operation), lines), ({}, wide_lines)):
            answer = await api.request(method, place, json=body, headers=headers)
            if answer.status_code < 300:
                kept.append(json.dumps({"into": shape, "answer": answer.json()}))

    held = _go("\n".join(lines))
    refused = [_go(line).returncode for line in wide_lines[:2]]

    assert (held.returncode, held.stderr) == (0, "")
    assert refused == [1, 1], "the structs would hold everything, so nothing need be left out"


def _go(lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["go", "run", GO_STRUCTS], input=lines, capture_output=True, text=True, timeout=300, check=False
    )


CLASSES: Final = {400: "BadRequest", 404: "NotFound", 409: "Conflict", 500: "InternalError"}
"""The error classes of both clients; a status that an operation has none for loses its message."""

FAILURES: Final = [
    ("getWorkflows", "GET", "/workflows?limit=x", None, "BadRequest", None),
    (
        "newWorkflowDefinition",
        "POST",
        "/workflow-definitions",
        {"name": "plain", "stateMachine": samples.ECHO},
        "BadRequest",
        "409",
    ),
    ("newWorkflowDefinition", "POST", "/workflow-definitions", {"name": "x"}, "BadRequest", None),
    ("newWorkflowDefinition", "POST", "/workflow-definitions", {"name": "x" * (1 << 20)}, "BadRequest", "413"),
    (
        "updateWorkflowDefinition",
        "PUT",
        "/workflow-definitions/none",
        {"name": "none", "stateMachine": samples.ECHO},
        "NotFound",
        None,
    ),
    ("getWorkflowDefinitionVersionsByName", "GET", "/workflow-definitions/none", None, "NotFound", None),
    ("getWorkflowDefinitionByNameAndVersion", "GET", "/workflow-definitions/plain/9", None, "NotFound", None),
    ("startWorkflow", "POST", "/workflows", {**START, "workflowDefinition": {"name": "none"}}, "NotFound", None),
    ("startWorkflow", "POST", "/workflows", {**START, "input": "["}, "BadRequest", None),
    ("getWorkflowByID", "GET", "/workflows/none", None, "NotFound", None),
    ("CancelWorkflow", "DELETE", "/workflows/none", {"reason": "x"}, "NotFound", None),
    ("resumeWorkflowByID", "POST", "/workflows/none", {"StartAt": "Pass"}, "NotFound", None),
    ("resumeWorkflowByID", "POST", "/workflows/{id}", {"StartAt": "Pass"}, "BadRequest", "409"),
    ("resolveWorkflowByID", "POST", "/workflows/none/resolved", None, "NotFound", None),
    ("resolveWorkflowByID", "POST", "/workflows/{cancelled}/resolved", None, "Conflict", None),
    ("postStateResource", "POST", "/state-resources", {"name": "a"}, "BadRequest", None),
    ("getStateResource", "GET", "/state-resources/dev/none", None, "NotFound", None),
    (
        "putStateResource",
        "PUT",
        "/state-resources/dev/a",
        {"name": "b", "namespace": "dev", "uri": "u"},
        "BadRequest",
        None,
    ),
    ("deleteStateResource", "DELETE", "/state-resources/dev/none", None, "NotFound", None),
]


@pytest.mark.parametrize("headers", [GO_HEADERS, JAVASCRIPT_HEADERS], ids=["go", "javascript"])
@pytest.mark.parametrize(
    ("operation", "method", "path", "body", "error", "original"), FAILURES, ids=lambda part: str(part)[:30]
)
async def test_an_error_has_a_class_in_both_clients(
    api: httpx.AsyncClient,
    headers: dict[str, str],
    operation: str,
    method: str,
    path: str,
    body: object,
    error: str,
    original: str | None,
) -> None:
    await define(api)
    started = [(await api.post("/workflows", json=START)).json()["id"] for _ in range(2)]
    await api.request("DELETE", f"/workflows/{started[1]}", json={"reason": "enough"})
    place = path.replace("{id}", started[0]).replace("{cancelled}", started[1])

    answer = await api.request(method, place, json=body, headers=sent(operation, headers))

    assert CLASSES.get(answer.status_code) == error, answer.text
    assert answer.status_code in generated_clients.STATUSES[operation] | {400, 500}
    assert answer.json()["message"]
    assert answer.headers.get(generated_clients.STATUS_HEADER) == original


async def test_what_is_behind_the_service_fails_as_an_internal_error(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)
    workflow = (await api.post("/workflows", json=START)).json()
    for headers, status in ((sent("CancelWorkflow"), 500), ({}, 503)):
        rig.sfn.fail_next("stop_execution", errors.Unavailable("AWS gave no answer: timeout"))
        answer = await api.request("DELETE", f"/workflows/{workflow['id']}", json={"reason": "x"}, headers=headers)
        assert answer.status_code == status, answer.text
        assert answer.json()["message"]


async def test_other_clients_get_the_exact_status(api: httpx.AsyncClient) -> None:
    await define(api)

    answer = await api.post("/workflow-definitions", json={"name": "plain", "stateMachine": samples.ECHO})

    assert answer.status_code == 409
    assert generated_clients.STATUS_HEADER not in answer.headers


def test_the_table_has_every_operation_of_the_peer() -> None:
    assert {operation for operation, *_ in FAILURES} | {"healthCheck", "getWorkflowDefinitions"} == set(
        generated_clients.STATUSES
    )
