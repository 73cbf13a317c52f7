"""Limits of client connections: their number, and time limits for each phase of a request.

Connections and descriptors are scarce, and an idle client must not keep others out: a connection that waits for its
client gives way to a new one, but one that serves a request does not.
"""

import asyncio
import http
import json
import resource
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RESERVED_DESCRIPTORS: Final = 24
"""Descriptors for files, pipes and sockets of the process itself."""

AWS_SERVICES: Final = 3
"""Step Functions, DynamoDB and SQS each have a connection pool."""

LEAST_AWS_CONNECTIONS: Final = 2
MOST_CONNECTIONS: Final = 8_192
MOST_DESCRIPTORS: Final = 65_536

SPARE: Final = 8
"""Connections beyond the limit, which are refused with 503 or serve health checks."""

ALWAYS_ANSWERED: Final = frozenset({b"/_health", b"/_ready"})

IDLE_SECONDS: Final = 1.0
STALLED_SECONDS: Final = 5.0
"""A connection without a request, or within a body, gives way after this much silence."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a connection."""

    connections: int = MOST_CONNECTIONS
    head_bytes: int = 64 * 1024
    headers: int = 100
    head_seconds: float = 10.0
    """For the whole head of a request."""
    body_seconds: float = 30.0
    """Between two parts of a body."""
    write_seconds: float = 30.0
    """For a client that does not read its response."""


class Shares(NamedTuple):
    """How descriptors are divided among clients and AWS."""

    callers: int
    each_aws_service: int


def shares(descriptors: int, *, aws_connections: int) -> Shares:
    """Divide the descriptors of the process among clients and AWS; each AWS service wants ``aws_connections``."""
    free = max(0, descriptors - RESERVED_DESCRIPTORS)
    each = max(LEAST_AWS_CONNECTIONS, min(aws_connections, free // (2 * AWS_SERVICES)))
    return Shares(min(MOST_CONNECTIONS, max(1, free - AWS_SERVICES * each - SPARE)), each)


def descriptors() -> int:
    """Raise the limit of open files as far as permitted, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft


class LimitedProtocol(HttpToolsProtocol):
    """One connection, within ``limits``. Why httptools reads it: docs/decisions/0006-connections-give-way.md."""

    def __init__(self, limits: Limits, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._limits = limits
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_received = 0
        self._head_bytes = 0
        self._refused = False
        self.is_spare = False
        """Whether it is beyond the limit."""
        self.heard_at = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take a slot; without one the connection is spare."""
        super().connection_made(transport)
        self.is_spare = not self._make_room()
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the slot."""
        self._stop_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data, and start the timer for the next phase."""
        if self._refused:
            return
        self.heard_at = self.loop.time()
        self._head_received += len(data)
        self._feed(data)
        if self.transport.is_closing():
            self._stop_timer()
        elif self._in_head or self._is_without_request():
            if self._in_head and self._head_received > self._limits.head_bytes + len(data):
                self._refuse(431, "the request head is too large")
            elif self._timer is None:
                self._wait_for_head()
        elif self.cycle.more_body:
            self._wait_for_body()
        else:
            self._stop_timer()

    def on_message_begin(self) -> None:
        """Start to count the head."""
        self._in_head = True
        self._head_received = self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count the request target."""
        self._head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._head_bytes += len(name) + len(value) + len(b": \r\n")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, or refuse it."""
        if self.parser.should_upgrade():
            return  # it is parsed again without the upgrade
        self._in_head = False
        self._stop_timer()
        if self._refused:
            return
        if self._head_bytes > self._limits.head_bytes or len(self.headers) > self._limits.headers:
            self._refuse(431, "the request head is too large")
        elif self.is_spare and self.url.partition(b"?")[0] not in ALWAYS_ANSWERED:
            self._refuse(503, "too many connections; try again")
        else:
            super().on_headers_complete()
            if self.is_spare:
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Pass on a part of a body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass on the end of a body."""
        if not self._refused and not self.parser.should_upgrade():
            super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for the client to read, up to the limit."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Continue to write."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    def gives_way(self, now: float) -> bool:
        """Return whether a new connection may replace this one."""
        silent_seconds = now - self.heard_at
        if self._is_without_request():
            return silent_seconds >= IDLE_SECONDS
        return self.cycle.more_body and silent_seconds >= STALLED_SECONDS

    def give_way(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def _make_room(self) -> bool:
        """Free a slot for this connection if necessary; return whether it has one."""
        over = len(self.connections) - self._limits.connections
        if over <= 0:
            return True
        now = self.loop.time()
        others = [each for each in self.connections if isinstance(each, LimitedProtocol) and each is not self]
        idle = [each for each in others if each.gives_way(now) and not each.transport.is_closing()]
        if not idle:
            if over > SPARE:
                self.give_way()
            return False
        oldest = min(idle, key=lambda each: (each.is_spare, each.heard_at))
        oldest.give_way()
        return not oldest.is_spare

    def _is_without_request(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _feed(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(400, "this is not an HTTP request")

    def _read_without_upgrade(self, rest: bytes) -> None:
        """Parse a request again without its upgrade header: the parser would take its body for the new protocol's."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            self._refuse(400, "this is not a proxy")
            return
        kept = [(name, value) for name, value in self.headers if name not in {b"upgrade", b"connection"}]
        tokens = [
            token.strip().lower()
            for name, value in self.headers
            if name == b"connection"
            for token in value.split(b",")
        ]
        kept.append((b"connection", b"close" if b"close" in tokens else b"keep-alive"))
        lines = [b"%s %s HTTP/%s" % (method, self.url, version), *(b"%s: %s" % header for header in kept)]
        self.parser = httptools.HttpRequestParser(self)
        self._feed(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def _wait_for_head(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(self._limits.head_seconds, self._no_head)

    def _wait_for_body(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(self._limits.body_seconds, self._no_body)

    def _no_head(self) -> None:
        if self._in_head:
            self._refuse(408, "the request head took too long")
        else:
            self.transport.close()

    def _no_body(self) -> None:
        if self.flow.read_paused:  # the service is slow, not the client
            self._wait_for_body()
        elif self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(408, "the request body took too long")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int, message: str) -> None:
        """Respond without the application, and close."""
        self._refused = True
        self._stop_timer()
        body = json.dumps({"message": message}).encode()
        head = (
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nretry-after: 1\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
