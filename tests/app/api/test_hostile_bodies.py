"""Bodies that nobody should send, on every route that takes one: refused, never a crash.

Covers `app.api.bodies` and `app.api.strict_route`.
"""

import json
from typing import Any

import httpx
import pytest

from tests import samples
from workflow_manager import strict_json

BAD_JSON: list[bytes] = [
    *(
        b"",
        b" ",
        b"{",
        b"}",
        b"[",
        b"nul",
        b"undefined",
        b"'a'",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"[1,]",
        b"{} {}",
        b"//x\n{}",
    ),
    *(b"NaN", b"Infinity", b"-Infinity", b'{"name": NaN}', b'{"limit": 1e999}', b'{"limit": -1e999}', b"9" * 5000),
    *(b'{"name": "a", "name": "b"}', b'{"a": {"b": 1, "b": 1}}'),
    *(b'{"name": "\\ud800"}', b'{"\\udfff": 1}', b'"\\ud800\\ud800"', b'{"name": "a\x00b"}', b'{"name": "\x1f"}'),
    *(b"\xff\xfe", b'{"name": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}", '{"name": "é"}'.encode("latin-1"), b"\x00" * 100),
    *(b"[" * 100_000, b"[" * 500 + b"]" * 500, b'{"a":' * 500 + b"1" + b"}" * 500),
    *(
        b"<xml/>",
        b"a=b&c=d",
        b"--boundary\r\n",
        b'{"a": 0x10}',
        b'{"a": 01}',
        b'{"a": .5}',
        b'{"a": +1}',
        b'{"a": \\u0031}',
    ),
]
BAD_SHAPES: list[Any] = [
    *(None, True, 0, 1.5, "text", [], [{}], {}, [[[]]]),
    *({"name": None}, {"name": 1}, {"name": ""}, {"name": "a" * 129}, {"name": "a/b"}, {"name": "é"}, {"name": "a\n"}),
    *({"name": "a", "stateMachine": None}, {"name": "a", "stateMachine": []}, {"name": "a", "stateMachine": "x"}),
    *(
        {"name": "a", "stateMachine": {"StartAt": 1, "States": []}},
        {"name": "a", "stateMachine": {"States": {"": None}}},
    ),
    {"name": "a", "stateMachine": {"StartAt": "a", "States": {"a": {"Type": {}}}}},
    {"name": "a", "stateMachine": {"StartAt": "a", "States": {"a": {"Type": "Task", "Resource": {"x": 1}, "End": 1}}}},
    {"name": "a", "stateMachine": {"StartAt": "a", "States": {"a": {"Type": "Choice", "Choices": [None, 1, [], {}]}}}},
    {"name": "a", "stateMachine": {"StartAt": "a", "States": {"a": {"Type": "Map", "ItemProcessor": [], "End": True}}}},
    {"name": "a", "stateMachine": {"StartAt": "a", "States": {"a": {"Type": "Parallel", "Branches": {}, "Next": []}}}},
    {"name": "a", "stateMachine": {**samples.ECHO, "TimeoutSeconds": 10**400}},
    {"name": "a", "stateMachine": samples.ECHO, "defaultTags": {"a": 1}},
    {"name": "a", "stateMachine": samples.ECHO, "manager": "batch"},
    {"name": "a", "stateMachine": samples.ECHO, "__proto__": {}},
    {"workflowDefinition": None, "namespace": "dev"},
    {"workflowDefinition": {"name": "a", "version": "0"}, "namespace": "dev"},
    {"workflowDefinition": {"name": "a", "version": -2}, "namespace": "dev"},
    {"workflowDefinition": {"name": "a", "version": 10**30}, "namespace": "dev"},
    {"workflowDefinition": {"name": "echo"}, "namespace": "dev", "input": "[]"},
    {"workflowDefinition": {"name": "echo"}, "namespace": "dev", "input": "{"},
    {"workflowDefinition": {"name": "echo"}, "namespace": "dev", "input": 1},
    {"workflowDefinition": {"name": "echo"}, "namespace": "dev", "input": '{"a": NaN}'},
    {"workflowDefinition": {"name": "echo"}, "namespace": "dev", "input": "[" * 50_000},
    {"workflowDefinition": {"name": "echo"}, "namespace": "dev", "tags": {"a": None}},
    {"workflowDefinition": {"name": "echo"}, "namespace": "../../etc"},
    {"workflowDefinition": {"name": "echo"}, "namespace": "dev", "queue": " "},
    {"reason": 1},
    {"reason": "x" * 40_000},
    {"reason": None, "extra": 1},
    {"StartAt": ""},
    {"StartAt": 1},
    {"StartAt": "x" * 81},
    {"startAt": "echo"},
    {"namespace": "dev", "name": "a", "uri": ""},
    {"namespace": "dev", "name": "a", "uri": 1},
    {"namespace": "dev", "name": "a", "uri": "x" * 3000},
]
WRITES = [
    ("POST", "/workflow-definitions"),
    ("POST", "/workflow-definitions?validateOnly=true"),
    ("PUT", "/workflow-definitions/echo"),
    ("POST", "/workflows"),
    ("DELETE", "/workflows/nothing"),
    ("POST", "/workflows/nothing"),
    ("POST", "/state-resources"),
    ("PUT", "/state-resources/dev/a"),
]


def test_there_are_many_of_them() -> None:
    assert len(BAD_JSON) + len(BAD_SHAPES) >= 60


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_a_hostile_body_is_refused_on_every_route(api: httpx.AsyncClient, method: str, path: str) -> None:
    await api.post("/workflow-definitions", json={"name": "echo", "stateMachine": samples.ECHO})
    bodies = BAD_JSON + [json.dumps(shape).encode() for shape in BAD_SHAPES]

    for body in bodies:
        answer = await api.request(method, path, content=body, headers={"Content-Type": "application/json"})

        assert 400 <= answer.status_code < 500, (body[:200], answer.text[:500])
        assert answer.json()["message"], body[:200]


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_a_body_of_no_declared_type_is_treated_the_same(api: httpx.AsyncClient, method: str, path: str) -> None:
    for content_type in (
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "application/json; charset=utf-16",
        "x",
    ):
        answer = await api.request(method, path, content=b'{"a": NaN}', headers={"Content-Type": content_type})

        assert answer.status_code == 400, (content_type, answer.text)


ODD_PATHS = ["%00", "%ff", "..%2f", "%20", "a%0ab", "%F0%9F%92%A9", "x" * 129, "x" * 5000, "a%2Fb", "'", '"', "{}", "*"]


@pytest.mark.parametrize("odd", ODD_PATHS)
async def test_odd_names_and_ids_are_refused_or_not_found(api: httpx.AsyncClient, odd: str) -> None:
    body = {"reason": ""}
    for method, path in [
        ("GET", f"/workflow-definitions/{odd}"),
        ("GET", f"/workflow-definitions/{odd}/0"),
        ("GET", f"/workflow-definitions/a/{odd}"),
        ("GET", f"/workflows/{odd}"),
        ("DELETE", f"/workflows/{odd}"),
        ("POST", f"/workflows/{odd}/resolved"),
        ("GET", f"/state-resources/{odd}/{odd}"),
        ("DELETE", f"/state-resources/a/{odd}"),
        ("GET", f"/workflows?pageToken={odd}"),
        ("GET", f"/workflows?limit={odd}"),
        ("GET", f"/workflows?status={odd}"),
        ("GET", f"/workflows?createdAfter={odd}"),
    ]:
        answer = await api.request(method, path, json=body if method == "DELETE" else None)

        assert answer.status_code in {400, 404}, (method, path, answer.text)


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_an_odd_idempotency_key_is_refused(api: httpx.AsyncClient, key: str) -> None:
    body = {"workflowDefinition": {"name": "echo"}, "namespace": "dev"}

    answer = await api.post("/workflows", json=body, headers={"Idempotency-Key": key})

    assert answer.status_code == 400


async def test_nesting_as_deep_as_allowed_comes_back_equal(api: httpx.AsyncClient) -> None:
    deep: Any = 1
    for _ in range(90):
        deep = [deep]
    machine = {"StartAt": "a", "States": {"a": {"Type": "Pass", "Result": deep, "End": True}}}

    answer = await api.post("/workflow-definitions", json={"name": "deep", "stateMachine": machine})

    assert strict_json.MAX_DEPTH > 90
    assert answer.status_code == 201, answer.text
    assert (await api.get("/workflow-definitions/deep/0")).json()["stateMachine"] == machine
