"""Error answers: a code, a sentence, and no traceback.

Covers `app.api.error_responses`.
"""

from typing import Any

import httpx
import pytest

from tests import samples
from tests.rig import Rig
from workflow_manager import errors

BAD_REQUESTS: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/workflow-definitions", {}, 400, "/name"),
    ("POST", "/workflow-definitions", [], 400, "object"),
    ("POST", "/workflow-definitions", {"name": "a b", "stateMachine": samples.ECHO}, 400, "/name"),
    ("POST", "/workflow-definitions", {"name": "a", "stateMachine": {}}, 400, "StartAt"),
    ("POST", "/workflow-definitions", {"name": "a", "stateMachine": samples.ECHO, "typo": 1}, 400, "/typo"),
    ("PUT", "/workflow-definitions/a", {"name": "b", "stateMachine": samples.ECHO}, 400, "path"),
    ("PUT", "/workflow-definitions/a", {"name": "a", "stateMachine": samples.ECHO}, 404, "a"),
    ("GET", "/workflow-definitions/nothing", None, 404, "nothing"),
    ("GET", "/workflow-definitions/nothing/0", None, 404, "nothing"),
    ("GET", "/workflow-definitions/nothing/x", None, 400, "version"),
    ("POST", "/workflows", {"workflowDefinition": {"name": "nothing"}, "namespace": "dev"}, 404, "nothing"),
    ("POST", "/workflows", {"namespace": "dev"}, 400, "/workflowDefinition"),
    ("GET", "/workflows/nothing", None, 404, "nothing"),
    ("DELETE", "/workflows/nothing", {"reason": ""}, 404, "nothing"),
    ("POST", "/workflows/nothing", {"StartAt": "x"}, 404, "nothing"),
    ("POST", "/workflows/nothing/resolved", None, 404, "nothing"),
    ("GET", "/workflows?limit=-1", None, 400, "limit"),
    ("GET", "/workflows?pageToken=zzz", None, 400, "page token"),
    ("GET", "/workflows?statsu=failed", None, 400, "statsu"),
    ("GET", "/state-resources/dev/nothing", None, 404, "nothing"),
    ("DELETE", "/state-resources/dev/nothing", None, 404, "nothing"),
    ("PUT", "/state-resources/dev/a", {"namespace": "dev", "name": "b", "uri": "arn:x"}, 400, "path"),
    ("GET", "/nowhere", None, 404, "/nowhere"),
    ("PATCH", "/workflows", {}, 405, "PATCH"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "hint"), BAD_REQUESTS)
async def test_a_bad_request_is_told_what_is_wrong(
    api: httpx.AsyncClient, method: str, path: str, body: Any, status: int, hint: str
) -> None:
    answer = await api.request(method, path, json=body)

    assert answer.status_code == status, answer.text
    assert hint in answer.json()["message"]


async def test_all_that_is_wrong_is_told_at_once(api: httpx.AsyncClient) -> None:
    machine = {"StartAt": "nothing", "States": {"a": {"Type": "Task", "Next": "nowhere"}}}

    answer = await api.post("/workflow-definitions", json={"name": "a", "stateMachine": machine})

    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert {"/stateMachine/StartAt", "/stateMachine/States/a/Next"} <= pointers


PLACES = [
    ("/workflows/a%20b", {}, "{workflowID}", "workflowID: "),
    ("/workflow-definitions/x/y", {}, "{version}", "version: "),
    ("/workflows?limit=-1", {}, "?limit", "?limit: "),
    ("/workflows?createdAfter=today", {}, "?createdAfter", "?createdAfter: write the time as RFC 3339"),
    ("/workflows/w", {"If-None-Match": "x" * 2000}, "if-none-match:", "if-none-match: "),
]


@pytest.mark.parametrize(("path", "headers", "pointer", "words"), PLACES)
async def test_a_pointer_tells_path_query_and_header_apart(
    api: httpx.AsyncClient, path: str, headers: dict[str, str], pointer: str, words: str
) -> None:
    answer = await api.get(path, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert answer.json()["message"].startswith(words)


@pytest.mark.parametrize(
    "body", [b'{"name": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\\ud800"}', b"\xff", b"{", b"[" * 5000]
)
async def test_doubtful_json_is_refused(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await api.post("/workflows", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert "not valid JSON" in answer.json()["message"]


async def test_a_body_that_is_too_large_is_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post("/workflows", json={"input": "x" * (1 << 20)})

    assert answer.status_code == 413
    assert "message" in answer.json()


async def test_a_body_that_nobody_declared_is_read_as_json(api: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = await api.post("/state-resources", content=b'{"namespace":"a","name":"b","uri":"c"}', headers=headers)

    assert answer.status_code == 201


async def test_a_form_of_a_page_is_not_read_as_json(api: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "text/plain", "Origin": "http://localhost"}

    answer = await api.post("/state-resources", content=b'{"namespace":"a","name":"b","uri":"c"}', headers=headers)

    assert answer.status_code == 400


async def test_a_crash_is_answered_without_its_details(api: httpx.AsyncClient, rig: Rig) -> None:
    await api.post("/workflow-definitions", json={"name": "echo", "stateMachine": samples.ECHO})
    rig.sfn.fail_next("start_execution", KeyError("secret"))

    answer = await api.post("/workflows", json={"workflowDefinition": {"name": "echo"}, "namespace": "dev"})

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["requestId"] == answer.headers["X-Request-Id"]


async def test_an_aws_that_does_not_answer_is_503(api: httpx.AsyncClient, rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.fail_next("stop_execution", errors.Unavailable("AWS gave no answer: timeout"))

    answer = await api.request("DELETE", f"/workflows/{workflow.id}", json={"reason": ""})

    assert (answer.status_code, answer.json()["message"]) == (503, "AWS gave no answer: timeout")


@pytest.mark.parametrize("given", ["abc-123", "x" * 128])
async def test_a_request_id_of_the_caller_is_kept(api: httpx.AsyncClient, given: str) -> None:
    assert (await api.get("/_health", headers={"X-Request-Id": given})).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["x" * 129, "a b", "a\tb"])
async def test_an_odd_request_id_is_replaced(api: httpx.AsyncClient, given: str) -> None:
    answer = await api.get("/_health", headers={"X-Request-Id": given})

    assert answer.headers["X-Request-Id"] not in {given, ""}


METHODS = [
    ("/_health", {"GET", "HEAD"}),
    ("/workflow-definitions", {"GET", "POST"}),
    ("/workflow-definitions/a", {"GET", "PUT"}),
    ("/workflow-definitions/a/0", {"GET"}),
    ("/workflows", {"GET", "POST"}),
    ("/workflows/a", {"GET", "POST", "DELETE"}),
    ("/workflows/a/resolved", {"POST"}),
    ("/state-resources", {"POST"}),
    ("/state-resources/a/b", {"GET", "PUT", "DELETE"}),
]


@pytest.mark.parametrize(("path", "methods"), METHODS)
async def test_a_wrong_method_is_told_all_methods_of_the_path(
    api: httpx.AsyncClient, path: str, methods: set[str]
) -> None:
    answer = await api.request("PATCH", path)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == methods
