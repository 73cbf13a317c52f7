"""Answers end: pages of eight megabytes at most, in pieces, and one copy however many read the same.

Covers `app.api.pagination` and `app.api.bodies`.
"""

import asyncio
import gc
import json
from typing import Any

import httpx
import pytest
from starlette.types import Message

from app.api import bodies
from app.api.bodies import PAGE_BYTES, PIECE_BYTES, Bodies, page, send_in_pieces
from app.api.workflow_feeds import Snapshot
from tests import samples
from tests.rig import Rig
from workflow_manager.models import WorkflowStatus

LARGE = json.dumps({"x": '"' * 100_000})
"""Written as JSON text, it is twice as large."""


async def pages(api: httpx.AsyncClient, path: str) -> list[list[dict[str, Any]]]:
    """Follow the pages of a listing to the end."""
    found = []
    following: str | None = path
    while following:
        answer = await api.get(following)
        assert answer.status_code == 200
        assert len(answer.content) <= PAGE_BYTES
        found.append(answer.json())
        following = answer.headers.get("X-Next-Page-Path")
    return found


async def test_a_listing_of_large_workflows_comes_in_pages(api: httpx.AsyncClient, rig: Rig) -> None:
    definition = await rig.define()
    for number in range(40):
        await rig.store.create_workflow(
            samples.workflow(f"w{number}", minutes=number, workflow_definition=definition, input=LARGE, output=LARGE)
        )

    found = await pages(api, "/workflows?limit=10000&oldestFirst=true")
    summaries = await pages(api, "/workflows?limit=10000&oldestFirst=true&summaryOnly=true&omitInput=true")

    assert len(found) > 1
    assert [each["id"] for page in found for each in page] == [f"w{number}" for number in range(40)]
    assert len(summaries) == 1
    assert all("input" not in each and "stateMachine" not in each["workflowDefinition"] for each in summaries[0])
    assert all(each["workflowDefinition"]["id"] == definition.id for each in summaries[0])


async def test_a_listing_of_large_definitions_comes_in_pages(api: httpx.AsyncClient, rig: Rig) -> None:
    machine: dict[str, Any] = samples.ECHO | {"Comment": "x" * 900_000}
    for number in range(12):
        await rig.define(machine, name=f"d{number:02}")

    found = await pages(api, "/workflow-definitions")
    summaries = await pages(api, "/workflow-definitions?summaryOnly=true")
    limited = await pages(api, "/workflow-definitions?limit=5&summaryOnly=true")

    names = [f"d{number:02}" for number in range(12)]
    assert [each["name"] for page in found for each in page] == names
    assert len(found) > 1
    assert [each["name"] for each in summaries[0]] == names
    assert all(each["stateMachine"] == {"StartAt": "", "States": {}} for each in summaries[0])
    assert [len(page) for page in limited] == [5, 5, 2]


async def test_versions_of_a_definition_come_in_pages(api: httpx.AsyncClient, rig: Rig) -> None:
    await rig.define()
    for _ in range(4):
        await api.put("/workflow-definitions/echo", json={"name": "echo", "stateMachine": samples.ECHO})

    found = await pages(api, "/workflow-definitions/echo?latest=false&limit=2&order=desc")
    latest = await pages(api, "/workflow-definitions/echo?summaryOnly=true")

    assert [each["version"] for page in found for each in page] == [4, 3, 2, 1, 0]
    assert [[each["version"] for each in page] for page in latest] == [[4]]


def test_a_page_has_at_least_one_entry() -> None:
    assert page([b"{}" * 10, b"{}"], most=5) == (b"[" + b"{}" * 10 + b"]", 1)
    assert page([]) == (b"[]", 0)


def test_equal_answers_under_way_are_one_copy() -> None:
    shared = Bodies()
    responses = [shared.response(b"x" * 4_000_000) for _ in range(200)]
    other = shared.response(b"y" * 4_000_000)

    assert len({id(response.body) for response in responses}) == 1
    assert other.body[:1] == b"y"
    del responses, other
    gc.collect()
    assert len(shared) == 0


@pytest.mark.parametrize(
    "size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 5 * PIECE_BYTES - 1], ids=lambda size: f"{size} bytes"
)
@pytest.mark.parametrize("more", [False, True])
async def test_a_large_body_is_sent_in_pieces(size: int, *, more: bool) -> None:
    sent: list[Message] = []
    body = bytes(index % 251 for index in range(size))

    async def send(message: Message) -> None:
        sent.append(message)

    await send_in_pieces({"type": "http.response.body", "body": body, "more_body": more}, send)

    assert b"".join(message["body"] for message in sent) == body
    assert all(len(message["body"]) <= PIECE_BYTES for message in sent)
    assert [message.get("more_body", False) for message in sent] == [True] * (len(sent) - 1) + [more]


async def test_feeds_of_an_ended_workflow_share_their_bytes_and_keep_no_more() -> None:
    """Whoever follows an ended workflow has a feed of their own, which is over at once."""
    shared = Bodies()
    workflow = samples.workflow("w", status=WorkflowStatus.SUCCEEDED, output="x" * 4_000_000)

    snapshots = [Snapshot(workflow.model_copy(), shared) for _ in range(200)]

    assert len({id(snapshot.json) for snapshot in snapshots}) == 1
    assert not any(snapshot.workflow.output for snapshot in snapshots)
    assert json.loads(snapshots[0].json)["output"] == workflow.output


async def test_who_does_not_read_is_handed_one_piece() -> None:
    handed: list[Message] = []

    async def send(message: Message) -> None:
        handed.append(message)
        await asyncio.Event().wait()

    body = b"x" * 4_000_000
    readers = [
        asyncio.create_task(send_in_pieces({"type": "http.response.body", "body": body}, send)) for _ in range(9)
    ]
    await asyncio.sleep(0)

    assert [len(message["body"]) for message in handed] == [PIECE_BYTES] * 9
    for reader in readers:
        reader.cancel()


async def test_a_large_workflow_is_answered_with_shared_bytes(
    api: httpx.AsyncClient, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SHARED_BYTES", 10)
    workflow = await rig.started()

    answer = await api.get(f"/workflows/{workflow.id}")

    assert answer.json()["id"] == workflow.id
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["ETag"] == f'W/"{workflow.revision}"'
    assert int(answer.headers["content-length"]) == len(answer.content)
