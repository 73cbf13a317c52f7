"""A proxy in front of the embedded AWS: writes down every call, and makes some of them fail."""

import http.client
import json
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

TASK_ARN = "arn:aws:ecs:us-west-2:123456789012:task/cluster/0123456789abcdef"
UPSTREAM_TIMEOUT_SECONDS = 75


class Call(NamedTuple):
    """One call of AWS."""

    operation: str
    region: str
    at: float
    body: Any


class Recorder:
    """What was asked, and what shall be refused."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.calls: list[Call] = []
        self.refusals: dict[str, deque[str]] = defaultdict(deque)
        self.states: list[Any] = []
        """Bodies of the calls to the agent of ECS."""
        self.url = ""

    def refuse(self, operation: str, *codes: str) -> None:
        """Answer the next calls of an operation with errors."""
        self.refusals[operation].extend(codes)

    def of(self, operation: str, **body: str) -> list[Call]:
        """Return the calls of an operation whose body has these members."""
        return [call for call in self.calls if call.operation == operation and body.items() <= call.body.items()]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    recorder: Recorder

    def do_GET(self) -> None:
        """Answer as the metadata endpoint of ECS does."""
        self._send(200, json.dumps({"TaskARN": TASK_ARN}).encode())

    def do_PUT(self) -> None:
        """Answer as the agent of ECS does."""
        self.recorder.states.append(json.loads(self._body()))
        self._send(200, b"{}")

    def do_POST(self) -> None:
        """Pass a call on to AWS, or refuse it."""
        body = self._body()
        call = _call(dict(self.headers), body)
        self.recorder.calls.append(call)
        if self.recorder.refusals[call.operation]:
            code = self.recorder.refusals[call.operation].popleft()
            self._send(400, json.dumps({"__type": code, "message": "made up"}).encode())
            return
        self._send(*self._pass_on(body))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Log nothing."""

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _pass_on(self, body: bytes) -> tuple[int, bytes]:
        upstream = self.recorder.upstream
        connection = http.client.HTTPConnection(upstream.netloc, timeout=UPSTREAM_TIMEOUT_SECONDS)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):  # it has ended before us
            return 502, b"{}"
        finally:
            connection.close()

    def _send(self, status: int, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the worker hung up
            self.close_connection = True


@contextmanager
def recording(upstream: str) -> Iterator[Recorder]:
    """Start a recorder in front of ``upstream``."""
    recorder = Recorder(upstream)
    handler = type("Handler", (_Handler,), {"recorder": recorder})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        recorder.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield recorder
        server.shutdown()
        thread.join()


def _call(headers: dict[str, str], body: bytes) -> Call:
    scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", headers.get("Authorization", ""))
    target = headers.get("X-Amz-Target", headers.get("x-amz-target", ""))
    parsed = json.loads(body) if target else {name: values[0] for name, values in parse_qs(body.decode()).items()}
    operation = target.rpartition(".")[2] or parsed.get("Action", "")
    return Call(operation, scope[1] if scope else "", time.monotonic(), parsed)
