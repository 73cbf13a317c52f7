"""A proxy before an AWS endpoint that answers, keeps silent, garbles, cuts and delays as networks and AWS do."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import aiohttp

HEAD_END: Final = b"\r\n\r\n"
HANG_SECONDS: Final = 60.0
"""Longer than any client waits."""

RATE: Final = 0.5
"""The part of the requests that a fault happens to."""

HTML: Final = b"<html><body><h1>Please log in</h1></body></html>"
JSON_TYPE: Final = "application/x-amz-json-1.0"
DROPPED_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})


@dataclass(frozen=True)
class Request:
    """One request of a client, as it came."""

    head: bytes
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """The headers, with names in lower case."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        parts = (line.partition(":") for line in lines)
        return {name.strip().lower(): value.strip() for name, _, value in parts if name}

    @property
    def operation(self) -> str:
        """The name of the operation: ``StartExecution``, ``PutItem``, ..."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]


@dataclass(frozen=True)
class Response:
    """What goes back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def wire(self, *, length: int | None = None) -> bytes:
        """Return the response as bytes; ``length`` is what its head says of the body."""
        headers = {**self.headers, "Content-Length": str(len(self.body) if length is None else length)}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode("latin-1") + HEAD_END + self.body


Upstream = Callable[[], Awaitable[Response]]


class HangUp(Exception):
    """Ends the connection: with a reset, or as if all had been said."""

    def __init__(self, last_words: bytes = b"", *, reset: bool = False) -> None:
        super().__init__()
        self.last_words = last_words
        self.reset = reset


Behaviour = Callable[[Upstream], Awaitable[bytes]]
"""What happens to one request: returns the bytes that go back, or raises ``HangUp``."""


def _refusal(status: int, code: str) -> Behaviour:
    async def behave(_: Upstream) -> bytes:
        body = f'{{"__type":"com.amazonaws#{code}","message":"injected"}}'.encode()
        return Response(status, body, {"Content-Type": JSON_TYPE, "x-amzn-RequestId": "injected"}).wire()

    return behave


def _page(status: int) -> Behaviour:
    async def behave(_: Upstream) -> bytes:
        return Response(status, HTML, {"Content-Type": "text/html"}).wire()

    return behave


def _garbled(change: Callable[[bytes], bytes]) -> Behaviour:
    """Let the request have its effect, and answer 200 with another body."""

    async def behave(upstream: Upstream) -> bytes:
        answer = await upstream()
        return Response(200, change(answer.body), {"Content-Type": JSON_TYPE}).wire()

    return behave


async def _reset_before(_: Upstream) -> bytes:
    raise HangUp(reset=True)


async def _close_before(_: Upstream) -> bytes:
    raise HangUp


async def _reset_after(upstream: Upstream) -> bytes:
    await upstream()
    raise HangUp(reset=True)


async def _close_after(upstream: Upstream) -> bytes:
    await upstream()
    raise HangUp


async def _hang_before(_: Upstream) -> bytes:
    await asyncio.sleep(HANG_SECONDS)
    raise HangUp


async def _hang_after(upstream: Upstream) -> bytes:
    await upstream()
    await asyncio.sleep(HANG_SECONDS)
    raise HangUp


async def _no_http(upstream: Upstream) -> bytes:
    await upstream()
    return b"SSH-2.0-OpenSSH_9.2\r\n" + HEAD_END


async def _cut_in_head(upstream: Upstream) -> bytes:
    raise HangUp((await upstream()).wire()[:20])


async def _cut_in_body(upstream: Upstream) -> bytes:
    answer = await upstream()
    half = answer.body[: len(answer.body) // 2]
    raise HangUp(Response(answer.status, half, answer.headers).wire(length=len(answer.body) + 1))


async def _reset_in_body(upstream: Upstream) -> bytes:
    answer = await upstream()
    raise HangUp(Response(answer.status, answer.body[:1], answer.headers).wire(length=len(answer.body) + 1), reset=True)


def _late(seconds: float) -> Behaviour:
    async def behave(upstream: Upstream) -> bytes:
        answer = await upstream()
        await asyncio.sleep(seconds)
        return answer.wire()

    return behave


async def _late_before(upstream: Upstream) -> bytes:
    await asyncio.sleep(1.0)
    return (await upstream()).wire()


FAULTS: Final[Mapping[str, Behaviour]] = {
    # answers
    "throttled": _refusal(400, "ThrottlingException"),
    "throughput": _refusal(400, "ProvisionedThroughputExceededException"),
    "unheard-of": _refusal(400, "SomethingNewException"),
    "expired": _refusal(400, "ExpiredTokenException"),
    "too many": _refusal(429, "TooManyRequestsException"),
    "internal": _refusal(500, "InternalServerError"),
    "unavailable": _refusal(503, "ServiceUnavailable"),
    "bad gateway": _page(502),
    "gateway time-out": _page(504),
    # silence
    "reset before": _reset_before,
    "closed before": _close_before,
    "reset after": _reset_after,
    "closed after": _close_after,
    "hangs before": _hang_before,
    "hangs after": _hang_after,
    # malformed
    "html": _garbled(lambda _: HTML),
    "nothing": _garbled(lambda _: b""),
    "empty object": _garbled(lambda _: b"{}"),
    "null": _garbled(lambda _: b"null"),
    "list": _garbled(lambda _: b"[]"),
    "half": _garbled(lambda body: body[: len(body) // 2]),
    "no text": _garbled(lambda body: b"\xff\xfe" + body),
    "no http": _no_http,
    # cut
    "cut in head": _cut_in_head,
    "cut in body": _cut_in_body,
    "reset in body": _reset_in_body,
    # late
    "late": _late(1.0),
    "too late": _late(5.0),
    "late to arrive": _late_before,
}


class FaultProxy:
    """Passes requests on, and treats some of them as ``fault`` says."""

    def __init__(self, upstream_url: str, *, chance: random.Random) -> None:
        self._upstream_url = upstream_url
        self._chance = chance
        self._session: aiohttp.ClientSession | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._fault: str | None = None
        self._left = 0
        self._over = asyncio.Event()
        self.injected: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()
        """Requests by operation."""
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["FaultProxy"]:
        """Listen on a free port of this machine meanwhile."""
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            try:
                yield self
            finally:
                server.close()
                for client in self._clients:
                    client.cancel()
                await asyncio.gather(*self._clients)

    async def inject(self, fault: str, *, times: int) -> None:
        """Let a fault happen to some requests; returns when it has befallen that many."""
        self._over.clear()
        self._fault, self._left = fault, times
        await self._over.wait()

    def _next_fault(self) -> str | None:
        fault = self._fault
        if fault is None or self._chance.random() >= RATE:
            return None
        self.injected[fault] += 1
        self._left -= 1
        if self._left == 0:
            self._fault = None
            self._over.set()
        return fault

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            # Cancelled at the end of the proxy; what it was told to do is done.
            with suppress(ConnectionError, asyncio.IncompleteReadError, aiohttp.ClientError, asyncio.CancelledError):
                while True:
                    await self._answer(await _read(reader), writer)
        except HangUp as end:
            with suppress(ConnectionError):
                writer.write(end.last_words)
                await writer.drain()
            if end.reset:
                writer.transport.abort()
        finally:
            self._clients.discard(task)
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.seen[request.operation] += 1

        async def upstream() -> Response:
            return await self._pass_on(request)

        fault = self._next_fault()
        writer.write((await upstream()).wire() if fault is None else await FAULTS[fault](upstream))
        await writer.drain()

    async def _pass_on(self, request: Request) -> Response:
        assert self._session is not None
        method, path, _ = request.head.decode("latin-1").split(" ", 2)
        headers = {name: value for name, value in request.headers.items() if name not in {*DROPPED_HEADERS, "host"}}
        async with self._session.request(
            method, self._upstream_url + path, data=request.body, headers=headers, allow_redirects=False
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in DROPPED_HEADERS}
            return Response(answer.status, await answer.read(), kept)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(HEAD_END)).removesuffix(HEAD_END)
    request = Request(head, b"")
    length = int(request.headers.get("content-length", "0"))
    return Request(head, await reader.readexactly(length))
