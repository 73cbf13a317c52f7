"""Following a workflow: a stream of events, and a read that waits.

Covers `app.api.routes.events`.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI

from app.api.routes.events import HEARTBEAT, HEARTBEAT_SECONDS, matches
from app.api.workflow_feeds import Feeds
from app.executor.sfn.quotas import Priority, current_priority
from tests import samples
from tests.rig import Rig
from workflow_manager import models


class Event(NamedTuple):
    """One event of a stream."""

    kind: str
    id: int
    data: Any


class Stream:
    """A request whose answer takes its time, as a server hands it to the application."""

    def __init__(self, app: FastAPI, path: str, *, query: bytes = b"", last_event_id: str | None = None) -> None:
        headers = [(b"host", b"localhost")]
        if last_event_id is not None:
            headers.append((b"last-event-id", last_event_id.encode()))
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": path,
            "raw_path": b"",
            "query_string": query,
            "headers": headers,
            "app": app,
        }
        self._app = app
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self.status = 0
        self.headers: dict[str, str] = {}

    async def receive(self) -> dict[str, Any]:
        """Give the request, and nothing more until the client goes away."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Take a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self._sent.put_nowait(message)

    async def run(self) -> None:
        """Let the application answer."""
        await self._app(self._scope, self.receive, self.send)  # type: ignore[arg-type]

    def disconnect(self) -> None:
        """Go away."""
        self._gone.set()

    async def part(self) -> bytes:
        """Return the next part of the body; empty at its end."""
        message = await asyncio.wait_for(self._sent.get(), timeout=120)
        return bytes(message["body"])

    async def event(self) -> Event | None:
        """Return the next event; None at the end of the stream."""
        while part := await self.part():
            if part.startswith(b"event:"):
                kind, number, data = part.decode().rstrip("\n").split("\n")
                return Event(kind[7:], int(number[4:]), json.loads(data[6:]))
        return None


@asynccontextmanager
async def streaming(app: FastAPI, workflow_id: str, *, last_event_id: str | None = None) -> AsyncIterator[Stream]:
    """Follow a workflow for as long as the context lasts."""
    stream = Stream(app, f"/workflows/{workflow_id}/events", last_event_id=last_event_id)
    task = asyncio.create_task(stream.run())
    try:
        yield stream
    finally:
        stream.disconnect()
        await asyncio.wait_for(task, timeout=5)


@pytest.fixture
def feeds(app: FastAPI, api: httpx.AsyncClient) -> Iterator[Feeds]:
    """Put feeds that look every few milliseconds in the place of those of the application."""
    usual = app.state.feeds
    app.state.feeds = Feeds(interval_seconds=0.005)
    yield app.state.feeds
    app.state.feeds = usual


async def joined(feeds: Feeds) -> None:
    """Return once somebody follows a workflow."""
    async with asyncio.timeout(5):
        while not len(feeds):  # noqa: ASYNC110  no event tells of it
            await asyncio.sleep(0)


async def begun(rig: Rig) -> models.Workflow:
    """Return a running workflow; the clock stands still, so only the feed or the poller brings news of it."""
    workflow = await rig.started()
    assert workflow.status is models.WorkflowStatus.RUNNING
    return workflow


async def test_a_follower_sees_every_change_to_the_end(app: FastAPI, feeds: Feeds, rig: Rig) -> None:
    workflow = await begun(rig)
    async with streaming(app, workflow.id) as stream:
        first = await stream.event()
        rig.sfn.enter(workflow.id, "echo", input="{}")
        await rig.executor.get(workflow.id, fetch_history=True)
        second = await stream.event()
        rig.sfn.succeed(workflow.id, output='{"bar":1}')
        await rig.poller.poll_once()
        last = await stream.event()
        assert await stream.event() is None

    assert first
    assert second
    assert last
    assert {first.kind, second.kind, last.kind} == {"workflow"}
    assert [each.data["status"] for each in (first, second, last)] == ["running", "running", "succeeded"]
    assert [len(each.data["jobs"]) for each in (first, second, last)] == [0, 1, 1]
    assert first.id < second.id < last.id
    assert last.data["output"] == '{"bar":1}'
    assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (stream.headers["cache-control"], stream.headers["x-accel-buffering"]) == ("no-store", "no")


async def test_followers_wait_for_quotas_behind_people(
    app: FastAPI, feeds: Feeds, api: httpx.AsyncClient, rig: Rig
) -> None:
    workflow = await begun(rig)
    seen: list[Priority] = []

    async def note_priority() -> None:
        seen.append(current_priority())

    rig.sfn.before["get_execution_history"] = note_priority
    rig.clock.advance(2)
    async with streaming(app, workflow.id) as stream:
        await stream.event()
    rig.clock.advance(2)
    await api.get(f"/workflows/{workflow.id}")

    assert seen == [Priority.DETAIL, Priority.PERSON]


async def test_an_event_holds_what_a_read_returns(app: FastAPI, feeds: Feeds, api: httpx.AsyncClient, rig: Rig) -> None:
    failed = await rig.failed()
    async with streaming(app, failed.id) as stream:
        event = await stream.event()
        assert await stream.event() is None

    assert event
    assert event.data == (await api.get(f"/workflows/{failed.id}")).json()
    assert event.id == failed.revision


async def test_any_replica_sees_what_another_has_written(app: FastAPI, feeds: Feeds, rig: Rig) -> None:
    workflow = await begun(rig)
    other = Rig(replica_of=rig)
    async with streaming(app, workflow.id) as stream:
        await stream.event()
        await other.executor.cancel(workflow.id, "enough")
        event = await stream.event()

    assert event
    assert (event.data["status"], event.data["statusReason"]) == ("cancelled", "enough")


async def test_a_stream_is_resumed_after_the_last_event(app: FastAPI, feeds: Feeds, rig: Rig) -> None:
    """What has arrived is not sent again; what came meanwhile is."""
    workflow = await begun(rig)
    async with streaming(app, workflow.id) as stream:
        first = await stream.event()
    assert first
    async with streaming(app, workflow.id, last_event_id=str(first.id)) as stream:
        assert (await stream.part()).startswith(b"retry: ")
        rig.sfn.succeed(workflow.id)
        await rig.poller.poll_once()
        event = await stream.event()

    assert event
    assert event.data["status"] == "succeeded"


async def test_what_has_ended_tells_a_browser_not_to_come_back(app: FastAPI, feeds: Feeds, rig: Rig) -> None:
    """Status 204 stops an EventSource, which would otherwise reconnect for ever."""
    failed = await rig.failed()
    async with streaming(app, failed.id, last_event_id=str(failed.revision)) as stream:
        assert await stream.part() == b""
    assert stream.status == 204


@pytest.mark.parametrize("strange", ["", "x", "-1", "1.5", "9" * 14, "9" * 400, "\u00b2"])
async def test_a_strange_last_event_id_gets_everything(strange: str, app: FastAPI, feeds: Feeds, rig: Rig) -> None:
    failed = await rig.failed()
    async with streaming(app, failed.id, last_event_id=strange) as stream:
        event = await stream.event()
    assert event
    assert event.id == failed.revision


async def test_an_unknown_workflow_is_not_found(api: httpx.AsyncClient, feeds: Feeds) -> None:
    answers = [await api.get("/workflows/nope/events"), await api.get("/workflows/nope?wait=5")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "nope" in answers[0].json()["message"]
    assert len(feeds) == 0


async def test_followers_who_leave_leave_nothing_behind(app: FastAPI, feeds: Feeds, rig: Rig) -> None:
    workflow = await begun(rig)
    before = asyncio.all_tasks()
    async with streaming(app, workflow.id) as one, streaming(app, workflow.id) as other:
        await one.event()
        await other.event()
        assert len(feeds) == 1
    await asyncio.sleep(0)

    assert len(feeds) == 0
    assert asyncio.all_tasks() == before


async def test_a_stopping_service_ends_its_streams_and_waits(
    app: FastAPI, feeds: Feeds, api: httpx.AsyncClient, rig: Rig
) -> None:
    workflow = await begun(rig)
    async with streaming(app, workflow.id) as stream:
        await stream.event()
        waiting = asyncio.create_task(api.get(f"/workflows/{workflow.id}?wait=60"))
        await asyncio.sleep(0)
        feeds.close()
        assert await stream.event() is None
        assert (await asyncio.wait_for(waiting, timeout=5)).json()["status"] == "running"

    assert (await api.get(f"/workflows/{workflow.id}/events")).status_code == 503


# The long poll


async def test_waiting_ends_when_the_workflow_changes(feeds: Feeds, api: httpx.AsyncClient, rig: Rig) -> None:
    workflow = await begun(rig)
    waiting = asyncio.create_task(api.get(f"/workflows/{workflow.id}?wait=60"))
    await joined(feeds)
    rig.sfn.succeed(workflow.id)
    await rig.poller.poll_once()

    assert (await asyncio.wait_for(waiting, timeout=5)).json()["status"] == "succeeded"


async def test_waiting_for_what_has_ended_takes_no_time(feeds: Feeds, api: httpx.AsyncClient, rig: Rig) -> None:
    failed = await rig.failed()
    answer = await asyncio.wait_for(api.get(f"/workflows/{failed.id}?wait=60"), timeout=5)

    assert answer.json()["status"] == "failed"


async def test_waiting_ends_after_its_time(feeds: Feeds, api: httpx.AsyncClient, rig: Rig) -> None:
    workflow = await begun(rig)
    answer = await asyncio.wait_for(api.get(f"/workflows/{workflow.id}?wait=0.05"), timeout=5)

    assert (answer.status_code, answer.json()["status"]) == (200, "running")


async def test_whoever_goes_away_while_waiting_is_not_waited_for(
    app: FastAPI, feeds: Feeds, api: httpx.AsyncClient, rig: Rig
) -> None:
    """A thousand impatient clients must not leave a thousand waits behind."""
    workflow = await begun(rig)
    before = asyncio.all_tasks()
    request = Stream(app, f"/workflows/{workflow.id}", query=b"wait=60")
    answering = asyncio.create_task(request.run())
    await joined(feeds)
    request.disconnect()
    await asyncio.wait_for(answering, timeout=5)

    assert len(feeds) == 0
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_wait_from_an_old_revision_ends_at_once(feeds: Feeds, api: httpx.AsyncClient, rig: Rig) -> None:
    """A change between two waits is not missed."""
    workflow = await begun(rig)
    known = (await api.get(f"/workflows/{workflow.id}")).headers["ETag"]
    rig.sfn.enter(workflow.id, "echo")
    await rig.executor.get(workflow.id, fetch_history=True)

    changed = api.get(f"/workflows/{workflow.id}?wait=60", headers={"If-None-Match": known})
    answer = await asyncio.wait_for(changed, timeout=5)

    assert len(answer.json()["jobs"]) == 1
    assert answer.headers["ETag"] != known


async def test_what_has_not_changed_is_not_sent_again(feeds: Feeds, api: httpx.AsyncClient, rig: Rig) -> None:
    workflow = await begun(rig)
    known = (await api.get(f"/workflows/{workflow.id}")).headers["ETag"]
    answers = [
        await api.get(f"/workflows/{workflow.id}{query}", headers={"If-None-Match": known})
        for query in ("", "?wait=0.02", "?fetchHistory=true")
    ]

    assert [answer.status_code for answer in answers] == [304, 304, 200]
    assert answers[0].content == b""
    assert answers[0].headers["ETag"] == known


@pytest.mark.parametrize("wait", ["-1", "60.1", "nan", "inf", "x"])
async def test_a_wait_is_up_to_a_minute(wait: str, api: httpx.AsyncClient) -> None:
    answer = await api.get(f"/workflows/x?wait={wait}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "?wait"


@pytest.mark.parametrize(
    ("header", "fits"),
    [('W/"7"', True), ('"7"', True), ('"1", W/"7"', True), ("*", True), ('"70"', False), ("7", False), ("", False)],
)
def test_a_tag_names_a_revision(header: str, fits: bool) -> None:
    assert matches(header, 7) is fits


@pytest.mark.looptime
async def test_silence_is_filled_with_heartbeats(app: FastAPI, api: httpx.AsyncClient, rig: Rig) -> None:
    """Proxies keep the connection, and clients know that it lives."""
    workflow = await begun(rig)
    loop = asyncio.get_running_loop()
    async with streaming(app, workflow.id) as stream:
        await stream.event()
        started = loop.time()
        assert [await stream.part() for _ in range(3)] == [HEARTBEAT] * 3
        assert loop.time() - started == pytest.approx(3 * HEARTBEAT_SECONDS, abs=2)


# Where it counts: a real process and a real signal


def test_a_stop_does_not_wait_for_followers() -> None:
    """Servers tell an application that they stop only when the last answer has ended; a signal ends it sooner."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "us-west-2",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "WFM_ACCOUNT_ID": "123456789012",
        "WFM_POLLER_ENABLED": "false",
    }
    command = [sys.executable, "-m", "app", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as run:
        try:
            assert run.stdout
            url = run.stdout.readline().partition(":")[2].strip()
            with httpx.Client(base_url=url, timeout=20) as client:
                client.post("/workflow-definitions", json={"name": "x", "stateMachine": samples.ECHO})
                body = {"workflowDefinition": {"name": "x"}, "namespace": "dev"}
                workflow_id = client.post("/workflows", json=body).json()["id"]
                with client.stream("GET", f"/workflows/{workflow_id}/events") as answer:
                    parts = answer.iter_raw()
                    while b"event: workflow" not in next(parts):
                        pass
                    run.send_signal(signal.SIGTERM)
                    stopped_at = time.monotonic()
                    assert b"".join(parts) == b""
                    assert time.monotonic() - stopped_at < 5  # and not the ten seconds that a stop may take
            assert run.wait(timeout=10) == 0
        finally:
            run.kill()
