"""A service on a real port whose answers are written down beforehand."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """What the service says to one request: JSON, or bytes as they are; nothing at all with ``SILENCE``."""

    body: object
    status: int = 200


SILENCE = object()


class Asked(NamedTuple):
    """What the service was asked: ``METHOD /path?query``, the JSON body, the headers."""

    line: str
    body: Any
    headers: Mapping[str, str]

    @property
    def idempotency_key(self) -> str | None:
        """The header of this name."""
        return self.headers.get("Idempotency-Key")


class FakeService:
    """Answers each ``METHOD /path`` or ``METHOD /path?first=parameter`` with its script.

    There is one answer per request; the last one stays.
    """

    def __init__(self) -> None:
        self._scripts: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self.asked: list[Asked] = []
        self.url = ""
        self.over = threading.Event()
        """Set to end all waits."""

    def on(self, line: str, *answers: object, status: int = 200) -> None:
        """Write down the answers to a request."""
        self._scripts[line] = [each if isinstance(each, Answer) else Answer(each, status) for each in answers]

    def answer(self, method: str, target: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Take the next answer."""
        with self._lock:
            self.asked.append(Asked(f"{method} {target}", json.loads(content) if content else None, headers))
            script = self._script(method, target)
            if script is None:
                return Answer({"message": f"nothing is written down for {method} {target}"}, 404)
            return script.pop(0) if len(script) > 1 else script[0]

    def _script(self, method: str, target: str) -> list[Answer] | None:
        """Find the script of a path with the first parameter of its query, else that of the path."""
        path, query = urlsplit(target)[2:4]
        return self._scripts.get(f"{method} {path}?{query.partition('&')[0]}", self._scripts.get(f"{method} {path}"))


@contextmanager
def running() -> Iterator[FakeService]:
    """Serve on a free port."""
    service = FakeService()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="fake-service")
    thread.start()
    try:
        yield service
    finally:
        service.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(service: FakeService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = service.answer(self.command, self.path, content, dict(self.headers.items()))
            if answer.body is SILENCE:
                service.over.wait()
                return
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # a client that has given up
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.respond)
    return Handler
