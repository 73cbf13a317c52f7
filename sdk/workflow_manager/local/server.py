"""The process of the embedded AWS: an HTTP server with a thread for each connection."""

import contextlib
import io
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import DechunkedInput, ThreadedWSGIServer
from werkzeug.wrappers import Response

from workflow_manager.local.access import OneUser
from workflow_manager.local.options import Options
from workflow_manager.local.place import ACCOUNT_ID
from workflow_manager.local.stepfunctions.backend import Backend
from workflow_manager.local.stepfunctions.install import install

log = logging.getLogger(__name__)

THREAD_TURN_SECONDS: Final = 0.001

SHUTDOWN_CHECK_SECONDS: Final = 0.1
"""How often the accepting thread looks whether it should end."""


def run(
    listener: socket.socket, options: Options, *, on_ready: Callable[[], None], wait_for_stop: Callable[[], None]
) -> None:
    """Serve at ``listener``, which is closed here, until ``wait_for_stop`` returns."""
    _prepare(listener.getsockname()[1])
    Backend.keep = options.keep
    with _serving(listener, OneUser(DomainDispatcherApplication(create_backend_app), hosts=options.allow_hosts)):
        on_ready()
        wait_for_stop()
    # Executions end with the process; what their threads still raise meanwhile means nothing.
    threading.excepthook = lambda _: None


def _prepare(port: int) -> None:
    # How the interpreter finds this server for tasks that call AWS services.
    os.environ["MOTO_PORT"] = str(port)
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
    # Turns of Python's threads; with its own length of 5 ms, a few busy executions make every request slow.
    sys.setswitchinterval(THREAD_TURN_SECONDS)
    # Every failed state is an error to its log.
    logging.getLogger("moto").setLevel(logging.CRITICAL)
    install()


@contextlib.contextmanager
def _serving(listener: socket.socket, application: Any) -> Iterator[None]:
    host, port = listener.getsockname()[:2]
    with listener:
        server = ThreadedWSGIServer(host, port, application, _Handler, fd=listener.fileno())
    accepting = threading.Thread(target=server.serve_forever, args=(SHUTDOWN_CHECK_SECONDS,), daemon=True)
    accepting.start()
    try:
        yield
    finally:
        server.shutdown()


class _Handler(MotoRequestHandler):
    """Answers the requests of one connection, which stays open between them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        try:
            body = self._body(environ)
        except (ValueError, OSError):
            self.send_error(400)
            self.close_connection = True
            return
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        self._answer(self._response(environ))

    def log_request(self, *_: Any) -> None:
        """Do not log requests."""

    def _body(self, environ: dict[str, Any]) -> bytes:
        # Read to its end, because the next request begins there.
        stream = environ["wsgi.input"]
        if isinstance(stream, DechunkedInput):
            return stream.readall()
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = bytes(stream.read(max(size, 0)))
        if len(body) != size:
            raise ValueError("the body is not as long as it should be")
        return body

    def _response(self, environ: dict[str, Any]) -> Response:
        try:
            return Response.from_app(self.server.app, environ, buffered=True)
        except Exception:
            log.exception("embedded AWS could not answer")
            return Response('{"__type": "InternalFailure"}', 500, content_type="application/x-amz-json-1.0")

    def _answer(self, response: Response) -> None:
        data = response.get_data()
        response.headers["Content-Length"] = str(len(data))
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            self.send_header(name, value)
        # One packet with the head, so that no part waits for an acknowledgement.
        self._headers_buffer.append(b"\r\n")
        self._headers_buffer.append(b"" if self.command == "HEAD" else data)
        self.flush_headers()
