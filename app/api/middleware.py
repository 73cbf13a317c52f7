"""The outermost middleware: request ids, durations, and answers to requests that a shutdown aborts."""

import asyncio
import json
import random
import re
import time
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import bodies
from app.api.request_stats import UNKNOWN, RequestStats
from app.api.shutdown import Shutdown

log = structlog.get_logger(__name__)

HEADER: Final = "X-Request-Id"
RAW_HEADER: Final = b"x-request-id"
ACCEPTABLE: Final = re.compile(r"[A-Za-z0-9._:/=+-]{1,128}")

STOPPING: Final = "the service stops and did not get to an answer; try again"
RETRY_AFTER_SECONDS: Final = b"1"


class RequestContext:
    """Pure ASGI middleware; one built on ``BaseHTTPMiddleware`` would cost two thirds of the throughput."""

    def __init__(self, app: ASGIApp, stats: RequestStats, shutdown: Shutdown | None = None) -> None:
        self._app = app
        self._stats = stats
        self._shutdown = shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == RAW_HEADER), "")
        request_id = given if ACCEPTABLE.fullmatch(given) else f"{random.getrandbits(128):032x}"
        scope["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (RAW_HEADER, request_id.encode())]
                if self._shutdown is not None and self._shutdown.draining:
                    # The caller's next request opens a connection anew, perhaps to a replica that stays.
                    message["headers"].append((b"connection", b"close"))
                await send(message)
            else:
                await bodies.send_in_pieces(message, send)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            # Only a server that stops cancels requests, and says of them that there was an internal error.
            if status:
                raise
            log.warning("request aborted by shutdown", action="request-cut-off", path=scope["path"])
            await _answer_stopping(request_id, send_with_id)
        finally:
            route = scope.get("route")
            path = UNKNOWN if route is None else route.path
            self._stats.observe(scope["method"], path, status, time.perf_counter() - began)


async def _answer_stopping(request_id: str, send: Send) -> None:
    body = json.dumps({"message": STOPPING, "requestId": request_id}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", RETRY_AFTER_SECONDS),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
