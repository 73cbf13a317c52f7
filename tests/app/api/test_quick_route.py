"""The short way of a start: it answers what the general one answers.

Covers `app.api.fast_route`.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.types import Message, Receive, Scope, Send

from app.api.fast_route import QuickRoute
from app.api.strict_route import MAX_BODY_BYTES
from app.main import create_app
from app.settings import Settings
from tests.rig import Rig
from workflow_manager.models import StartWorkflowRequest, Workflow

START = {"workflowDefinition": {"name": "echo", "version": 0}, "namespace": "dev", "input": "{}", "tags": {"a": "é"}}
RUBBISH: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "nothing in it": b"{}",
    "a repeated key": b'{"namespace":"dev","namespace":"dev"}',
    "not a number": b'{"namespace":NaN}',
    "no text": b"\xff",
    "an unknown field": json.dumps(START | {"surprise": 1}).encode(),
    "a wrong type": json.dumps(START | {"namespace": 1}).encode(),
    "several wrong ones": json.dumps(START | {"namespace": 1, "queue": ""}).encode(),
    "an unknown definition": json.dumps(START | {"workflowDefinition": {"name": "nope"}}).encode(),
    "an input that is a list": json.dumps(START | {"input": "[]"}).encode(),
    "too much": b" " * (MAX_BODY_BYTES + 1),
}


@pytest.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    rig = Rig()
    await rig.define()
    app = create_app(Settings())
    app.state.services = rig.services()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as client:
        yield client


def body_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the body without what differs from request to request."""
    body: dict[str, Any] = answer.json()
    for name in ("id", "executionArn", "requestId"):
        body.pop(name, None)
    return body


async def test_both_ways_answer_the_same(api: httpx.AsyncClient) -> None:
    quick = await api.post("/workflows", json=START)
    # With this parameter the content type is another text, and the request goes the general way.
    general = await api.post(
        "/workflows", content=json.dumps(START), headers={"Content-Type": "application/json; charset=utf-8"}
    )

    assert (quick.status_code, general.status_code) == (200, 200)
    assert body_of(quick) == body_of(general)
    assert quick.headers.keys() == general.headers.keys()
    assert quick.headers["content-type"] == general.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
async def test_what_is_wrong_is_explained_alike(api: httpx.AsyncClient, body: bytes) -> None:
    answers = [
        await api.post("/workflows", content=body, headers={"Content-Type": content_type})
        for content_type in ("application/json", "application/json; charset=utf-8")
    ]

    assert 400 <= answers[0].status_code < 500
    assert answers[0].status_code == answers[1].status_code
    assert body_of(answers[0]) == body_of(answers[1])


async def test_a_key_is_honoured(api: httpx.AsyncClient) -> None:
    first, second = [await api.post("/workflows", json=START, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert first.json()["id"] == second.json()["id"]


async def test_a_body_in_pieces_is_read_whole() -> None:
    sent = await _post([b'{"workflowDefinition":{"name":"echo"},', b'"namespace":"dev"}'])

    assert sent[0]["status"] == 200


async def test_a_body_in_pieces_that_is_wrong_is_explained() -> None:
    sent = await _post([b'{"workflowDefinition":', b'{"name":1}}'])

    assert sent[0]["status"] == 400
    assert b"/workflowDefinition/name" in sent[1]["body"]


async def test_a_caller_that_hangs_up_gets_no_answer() -> None:
    assert await _post([b"{"], hang_up=True) == []


async def test_a_route_with_more_than_a_body_cannot_be_quick() -> None:
    router = APIRouter(route_class=QuickRoute)

    async def endpoint(request: StartWorkflowRequest, page: int) -> Workflow:
        raise NotImplementedError

    with pytest.raises(TypeError, match="a quick route takes a body"):
        router.add_api_route("/x", endpoint, methods=["POST"])


async def _post(pieces: list[bytes], *, hang_up: bool = False) -> list[Message]:
    """Send a body piece by piece; return what is answered."""
    rig = Rig()
    await rig.define()
    app: FastAPI = create_app(Settings())
    app.state.services = rig.services()
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/workflows",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.disconnect"} if hang_up else {"type": "http.request", "body": b""})
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    receiving: Receive = receive
    sending: Send = send
    await app(scope, receiving, sending)
    return sent
