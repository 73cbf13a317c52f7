"""Following by the events of the service, and waiting at it.

Covers `workflow_manager.client.sse` and `workflow_manager.client.watching`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest

from tests.sdk.client.documents import workflow_json
from workflow_manager import errors
from workflow_manager.client import WorkflowManager
from workflow_manager.client.http import Sleep
from workflow_manager.client.outage_tolerance import OUTAGE_SECONDS
from workflow_manager.client.sse import EventParser, ServerEvent
from workflow_manager.client.watching import WAIT_SECONDS

TEXTS = [
    ("id: 1\nevent: workflow\ndata: {}\n\n", [ServerEvent("workflow", b"{}", "1")]),
    ("data: a\ndata: b\n\n", [ServerEvent("message", b"a\nb", None)]),
    ("data:a\n\ndata:  b\n\n", [ServerEvent("message", b"a", None), ServerEvent("message", b" b", None)]),
    (": still here\n\nretry: 1000\n\n", []),
    ("id: 1\n\ndata\n\n", [ServerEvent("message", b"", "1")]),
    ("id: 1\ndata: a\n\ndata: b\n\n", [ServerEvent("message", b"a", "1"), ServerEvent("message", b"b", "1")]),
    ("id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [ServerEvent("message", b"a", "1"), ServerEvent("message", b"b", "1")]),
    ("event: x\n\ndata: a\n\n", [ServerEvent("message", b"a", None)]),
    ("data: \u2028 \x0b \x85\n\n", [ServerEvent("message", "\u2028 \x0b \x85".encode(), None)]),
    ("data: never ended\n", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "events"), TEXTS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_events_are_put_together(text: str, events: list[ServerEvent], line_end: str, size: int) -> None:
    """Wherever the pieces are cut, and however lines end."""
    content = text.replace("\n", line_end).encode()
    parser = EventParser()
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    assert [event for piece in pieces for event in parser.feed(piece)] == events


class Cut(Exception):
    """Where a scripted stream breaks."""


Part = dict[str, Any] | str | int | type[Cut]
Answer = Sequence[Part] | int
"""The parts of a stream (a workflow, raw text, seconds of silence, or the place where it breaks), another answer's text
or its status."""


class Events:
    """A service that tells of changes; each connection gets the next answer, the last one stays."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self._revision = 0
        self.resumed_from: list[str | None] = []
        self.polled: list[str] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/events"):
            self.polled.append(request.url.query.decode())
            return httpx.Response(200, json=workflow_json("succeeded"))
        self.resumed_from.append(request.headers.get("Last-Event-ID"))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, int):
            return httpx.Response(answer, json={"message": "no"})
        if isinstance(answer, str):
            return httpx.Response(200, html=answer)
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=self._stream(answer))

    async def _stream(self, parts: Sequence[Part]) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        for part in parts:
            if isinstance(part, type):
                raise httpx.ReadError("cut")
            if isinstance(part, int):
                await asyncio.sleep(part)
                continue
            if isinstance(part, str):
                yield part.encode()
                continue
            self._revision += 1
            yield f"event: workflow\nid: {self._revision}\ndata: {json.dumps(part)}\n\n".encode()

    async def sleep(self, seconds: float) -> None:
        """Remember the pause, and let others run."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def follow(self, *, sleep: Sleep | None = None) -> list[str]:
        """Follow the workflow to its end; return its statuses."""
        async with WorkflowManager(
            "http://service.test", transport=httpx.MockTransport(self), sleep=sleep or self.sleep
        ) as manager:
            return [workflow.status.value async for workflow in manager.follow("w")]


QUEUED, RUNNING, SUCCEEDED = (workflow_json(status) for status in ("queued", "running", "succeeded"))


async def test_one_request_shows_every_change() -> None:
    """Without polling."""
    service = Events([QUEUED, ": still here\n\n", RUNNING, SUCCEEDED])
    assert await service.follow() == ["queued", "running", "succeeded"]
    assert (service.resumed_from, service.polled, service.pauses) == ([None], [], [])


async def test_details_after_the_end_are_shown() -> None:
    """An output can come a moment later than the status."""
    service = Events([{**SUCCEEDED}, {**SUCCEEDED, "output": "{}"}])
    assert await service.follow() == ["succeeded", "succeeded"]


async def test_a_write_that_changes_nothing_is_not_shown() -> None:
    """A read is not a change."""
    seen = {**RUNNING, "lastUpdated": "2026-01-02T03:04:09.000Z", "observedAt": "2026-01-02T03:04:09.000Z"}
    assert await Events([RUNNING, seen, SUCCEEDED]).follow() == ["running", "succeeded"]


async def test_other_events_are_passed_over() -> None:
    """A service of tomorrow may tell more."""
    assert await Events([RUNNING, "event: news\ndata: x\n\n", SUCCEEDED]).follow() == ["running", "succeeded"]


@pytest.mark.parametrize("end", [[QUEUED, Cut], [QUEUED], [QUEUED, "data: half"]], ids=["cut", "closed", "torn"])
async def test_a_stream_that_breaks_off_is_resumed(end: Sequence[Part]) -> None:
    """Another replica continues after the last event that arrived."""
    service = Events(end, 503, [RUNNING, SUCCEEDED])
    assert await service.follow() == ["queued", "running", "succeeded"]
    assert service.resumed_from == [None, "1", "1"]
    assert service.polled == []


async def test_a_break_after_the_end_is_the_end() -> None:
    """There is nothing left to ask for."""
    service = Events([SUCCEEDED, Cut])
    assert await service.follow() == ["succeeded"]
    assert service.resumed_from == [None]


@pytest.mark.looptime
async def test_an_outage_without_end_is_raised() -> None:
    """The watcher does not wait for ever."""
    service = Events([RUNNING], 503)
    with pytest.raises(errors.Unavailable):
        await service.follow(sleep=asyncio.sleep)
    assert asyncio.get_running_loop().time() == pytest.approx(OUTAGE_SECONDS, abs=10)


@pytest.mark.looptime
async def test_a_connection_that_is_cut_every_minute_is_no_outage() -> None:
    """Heartbeats count as life."""
    cuts: list[Answer] = [[": still here\n\n", 60, Cut] for _ in range(10)]
    assert await Events([RUNNING], *cuts, [SUCCEEDED]).follow(sleep=asyncio.sleep) == ["running", "succeeded"]
    assert asyncio.get_running_loop().time() > OUTAGE_SECONDS


async def test_a_page_in_mid_course_is_no_end() -> None:
    """While a service is deployed, what is in front of it answers in its own way."""
    service = Events([RUNNING], "<html>", [SUCCEEDED])
    assert await service.follow() == ["running", "succeeded"]


@pytest.mark.parametrize("status", [404, 405, 406, 401, 500, 503, 204])
async def test_without_events_the_service_is_asked_again_and_again(status: int) -> None:
    """An older service, or a gateway that does not let them through."""
    service = Events(status)
    assert await service.follow() == ["succeeded"]
    assert service.polled == ["fetchHistory=true"]


async def test_a_page_in_place_of_events_is_none() -> None:
    """A 200 of something else."""

    def other(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=workflow_json("succeeded"))

    async with WorkflowManager("http://service.test", transport=httpx.MockTransport(other)) as manager:
        assert [workflow.status.value async for workflow in manager.follow("w")] == ["succeeded"]


async def test_replicas_without_events_take_over() -> None:
    """During a deployment; what was shown is not shown again."""
    service = Events([{**SUCCEEDED, "status": "running"}], 404)
    assert await service.follow() == ["running", "succeeded"]


async def test_an_event_that_is_no_workflow_is_not_believed() -> None:
    """The service is polled instead."""
    service = Events(["event: workflow\ndata: {}\n\n"])
    assert await service.follow() == ["succeeded"]


@pytest.mark.looptime
async def test_a_stream_that_is_held_back_is_given_up() -> None:
    """A proxy that collects the whole answer first."""

    async def never() -> AsyncIterator[bytes]:
        await asyncio.sleep(3600)
        yield b""

    def held_back(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=never())
        return httpx.Response(200, json=workflow_json("succeeded"))

    async with WorkflowManager("http://service.test", transport=httpx.MockTransport(held_back)) as manager:
        assert [workflow.status.value async for workflow in manager.follow("w")] == ["succeeded"]
    assert asyncio.get_running_loop().time() == pytest.approx(10, abs=1)


class Endless(httpx.AsyncByteStream):
    """The stream of a workflow that never ends."""

    closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield f"event: workflow\nid: 1\ndata: {json.dumps(RUNNING)}\n\n".encode()
        await asyncio.sleep(3600)

    async def aclose(self) -> None:
        """Record that the reader has stopped."""
        self.closed = True


async def test_leaving_the_iteration_closes_the_stream() -> None:
    """Nothing continues in the background."""
    stream = Endless()

    def service(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=stream)

    async with WorkflowManager("http://service.test", transport=httpx.MockTransport(service)) as manager:
        changes = manager.follow("w")
        await anext(changes)
        await changes.aclose()
    assert stream.closed


class LongPolled:
    """A service that answers when the workflow changes, or with 304 after the wait."""

    def __init__(self, *answers: dict[str, Any] | int) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str | None]] = []
        self.tolerance: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.query.decode(), request.headers.get("If-None-Match")))
        self.tolerance.append(request.extensions["timeout"]["read"])
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        tag = {"ETag": f'W/"{len(self.asked)}"'}
        if isinstance(answer, int):
            return httpx.Response(answer, headers=tag)
        return httpx.Response(200, json=answer, headers=tag)

    async def wait(self, sleep: Callable[[float], Any]) -> str:
        """Wait for the end of the workflow."""
        async with WorkflowManager("http://s", transport=httpx.MockTransport(self), sleep=sleep) as manager:
            return (await manager.wait("w")).status.value


async def test_a_service_that_can_wait_is_waited_at() -> None:
    """A handful of requests for a workflow that takes long, and none that is missed."""
    service = LongPolled(QUEUED, 304, 304, RUNNING, SUCCEEDED)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    assert await service.wait(sleep) == "succeeded"
    waited = f"fetchHistory=false&wait={WAIT_SECONDS}"
    assert service.asked == [
        ("fetchHistory=false", None),
        *[(waited, 'W/"1"')] * 3,
        (waited, 'W/"4"'),
        ("fetchHistory=true", None),
    ]
    assert service.tolerance == [30, *[30 + WAIT_SECONDS] * 4, 30]
    assert max(pauses) < 1
