"""Limits of client connections: one client does not keep others out.

Covers `app.cli.connections`.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.cli import connections
from app.cli.connections import SPARE, LimitedProtocol, Limits, shares

PATIENCE_SECONDS = 20.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class App:
    """Answers with the body that it got; ``/hold`` only once it is let go, ``/much`` with more than buffers take."""

    def __init__(self) -> None:
        self.holding = 0
        self.release = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        if scope["path"] == "/hold":
            self.holding += 1
            await self.release.wait()
        if scope["path"] == "/much":
            body = b"x" * 50_000_000
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Served:
    """Where the application is, and the server in front of it."""

    def __init__(self, app: App, server: uvicorn.Server, port: int) -> None:
        self.app = app
        self.connections: set[Any] = server.server_state.connections
        self._port = port

    async def connect(self, sent: bytes = b"") -> Streams:
        """Open a connection and send something."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    async def ask(self, request: bytes) -> bytes:
        """Send something, and return all that is answered until the connection is closed."""
        reader, writer = await self.connect(request)
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await reader.read()
        writer.close()
        return answer

    async def hold(self) -> Streams:
        """Open a connection whose request is under way."""
        before = self.app.holding
        streams = await self.connect(get("/hold"))
        await until(lambda: self.app.holding > before)
        return streams


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[Served]:
    """Serve within limits."""
    app = App()
    protocol: Any = partial(LimitedProtocol, Limits(**limits))
    server = uvicorn.Server(
        uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None, server_header=False)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server._serve([listener]))
        await until(lambda: server.started)
        yield Served(app, server, listener.getsockname()[1])
        app.release.set()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        server.should_exit = True
        await running


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0.01)


def get(path: str, *headers: bytes) -> bytes:
    return b"".join([b"GET %s HTTP/1.1\r\nHost: x\r\n" % path.encode(), *headers, b"\r\n"])


CLOSE = b"Connection: close\r\n"


async def test_a_request_is_answered_with_nothing_about_the_server() -> None:
    async with serving() as served:
        answer = await served.ask(get("/", CLOSE))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nserver:" not in answer.lower()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_a_wish_for_websockets_is_answered_like_any_request(method: str) -> None:
    """Whether it has a body or not."""
    body = b'{"a": 1}' if method in {"POST", "PUT", "PATCH", "DELETE"} else b""
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    head = b"%s / HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n" % (method.encode(), upgrade, len(body))
    async with serving() as served:
        answer = await served.ask(head + body)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n" + body)


async def test_a_body_that_comes_after_a_wish_for_http_2_is_read() -> None:
    """As curl sends it with `--http2`, in a packet of its own."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    async with serving() as served:
        reader, writer = await served.connect(
            b"POST / HTTP/1.1\r\nHost: x\r\n" + upgrade + b"Transfer-Encoding: chunked\r\n\r\n"
        )
        await until(lambda: any(connection.cycle is not None for connection in served.connections))
        for part in (b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"):
            writer.write(part)
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await reader.read()
        writer.close()
    assert answer.endswith(b"\r\n\r\nabcde")


@pytest.mark.parametrize(
    "head",
    [
        get("/", b"X-Long: " + b"a" * 70_000 + b"\r\n"),
        get("/" + "a" * 70_000),
        get("/", *(b"X-%d: b\r\n" % number for number in range(101))),
        get("/", *(b"X-%d: %s\r\n" % (number, b"b" * 2_000) for number in range(40))),
        b"GET / HTTP/1.1\r\nX-Endless: " + b"a" * 500_000,
    ],
    ids=["long header", "long target", "many headers", "large headers", "no end"],
)
async def test_a_head_that_is_too_large_is_refused(head: bytes) -> None:
    async with serving() as served:
        reader, writer = await served.connect()
        writer.write(head)
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await reader.readuntil(b"\r\n")
        writer.close()
    assert answer == b"HTTP/1.1 431 Request Header Fields Too Large\r\n"


async def test_a_head_that_is_large_enough_passes() -> None:
    async with serving() as served:
        answer = await served.ask(get("/", CLOSE, b"X-Long: " + b"a" * 60_000 + b"\r\n"))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HT", get("/")[:-2]], ids=repr)
async def test_a_head_that_does_not_come_ends_the_connection(sent: bytes) -> None:
    async with serving(head_seconds=0.05) as served:
        answer = await served.ask(sent)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


async def test_a_second_head_that_trickles_in_ends_the_connection() -> None:
    async with serving(head_seconds=0.05) as served:
        answer = await served.ask(get("/") + b"GET / HT")
    assert [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP")] == [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 408 Request Timeout",
    ]


async def test_a_body_that_stops_coming_ends_the_connection() -> None:
    async with serving(body_seconds=0.05) as served:
        answer = await served.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        assert answer.startswith(b"HTTP/1.1 408 ")
        await until(lambda: not served.connections)


async def test_a_response_that_is_not_read_ends_the_connection() -> None:
    async with serving(write_seconds=0.05) as served:
        _, writer = await served.connect(get("/much"))
        await until(lambda: len(served.connections) == 1)
        await until(lambda: not served.connections)
        writer.close()


async def test_connections_that_do_nothing_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest first; who comes later is answered, and who is being answered stays."""
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.0)
    async with serving(connections=4) as served:
        held = await served.hold()
        idle = [await served.connect() for _ in range(10)]
        await until(lambda: len(served.connections) <= 4)
        answer = await served.ask(get("/", CLOSE))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        served.app.release.set()
        assert await held[0].readline() == b"HTTP/1.1 200 OK\r\n"
        for _, writer in (held, *idle):
            writer.close()


async def test_where_all_are_busy_the_answer_is_to_try_again_and_health_is_told() -> None:
    async with serving(connections=3) as served:
        held = [await served.hold() for _ in range(3)]
        refused, health, ready = [await served.ask(get(path)) for path in ("/", "/_health", "/_ready?x=1")]
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert "too many connections" in json.loads(refused.partition(b"\r\n\r\n")[2])["message"]
        assert (health[:12], ready[:12]) == (b"HTTP/1.1 200", b"HTTP/1.1 200")
        for _, writer in held:
            writer.close()


async def test_there_are_never_more_connections_than_the_limit_and_a_few() -> None:
    async with serving(connections=3) as served:
        held = [await served.hold() for _ in range(3)]
        more = [await served.connect() for _ in range(40)]
        await until(lambda: len(served.connections) <= 3 + SPARE)
        for _, writer in (*held, *more):
            writer.close()


@pytest.mark.parametrize("descriptors", [64, 128, 256, 1_024, 4_096, 65_536])
def test_descriptors_suffice_for_callers_and_aws(descriptors: int) -> None:
    divided = shares(descriptors, aws_connections=64)
    assert divided.callers + SPARE + 3 * divided.each_aws_service <= descriptors - connections.RESERVED_DESCRIPTORS
    assert divided.callers >= 14
    assert 2 <= divided.each_aws_service <= 64


def test_a_service_with_few_descriptors_serves_among_idle_clients(local_aws_url: str) -> None:
    """64 descriptors, and more clients that never say a word than those."""
    few = "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); "
    serve = "from app.cli.commands import main; sys.exit(main(['serve', '--port', '0']))"
    command = [sys.executable, "-c", few + serve]
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": local_aws_url,
        "WFM_LOG_LEVEL": "error",
    }
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as service,
        ExitStack() as clients,
    ):
        clients.callback(service.terminate)
        assert service.stdout is not None
        url = service.stdout.readline().partition(":")[2].strip()
        port = int(url.rpartition(":")[2])
        for _ in range(80):
            clients.enter_context(socket.create_connection(("127.0.0.1", port)))
        for path in ("/_health", "/workflows", "/workflow-definitions"):
            assert answered(url + path) == 200


def answered(url: str) -> int:
    """Ask until there is another answer than a plain 503 or a closed connection."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return int(answer.status)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
