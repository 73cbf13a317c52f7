"""Reading requests: bodies are always JSON, and strictly so; empty parameters of a query are absent."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Scope

from app.api import generated_clients
from workflow_manager import errors, strict_json

MAX_BODY_BYTES: Final = 1 << 20
"""Largest body of a request; a larger one is answered with 413."""

FORM_TYPES: Final = ("application/x-www-form-urlencoded", "text/plain", "")
"""Content types that clients send by default, such as curl with ``-d``."""


class StrictRequest(Request):
    """A request whose JSON is refused where two readers could understand it differently."""

    async def body(self) -> bytes:
        """Read the body. Raises 413 as soon as it is larger than ``MAX_BODY_BYTES``."""
        if not hasattr(self, "_body"):
            body = bytearray()
            async for piece in self.stream():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
            self._body = bytes(body)
        return self._body

    async def json(self) -> Any:
        """Parse the body. Raises ``JSONDecodeError``, which FastAPI turns into a validation error."""
        try:
            return strict_json.loads(await self.body())
        except errors.InvalidRequest as refusal:
            raise json.JSONDecodeError(refusal.message, "", 0) from None


class StrictRoute(APIRoute):
    """A route that reads its body as ``StrictRequest`` does, and skips query parameters without a value."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of FastAPI, given a strict request."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            answer = await handler(StrictRequest(_without_empty_parameters(_as_json(request)), request.receive))
            return generated_clients.adapt(answer) if generated_clients.asks(request.scope) else answer

        return handle


def _without_empty_parameters(scope: Scope) -> Scope:
    """Drop ``name=`` and ``name``: clients send them for what their callers left out."""
    given: bytes = scope["query_string"]
    named = given.split(b"&") if given else []
    kept = [parameter for parameter in named if parameter.partition(b"=")[2]]
    return scope if len(kept) == len(named) else {**scope, "query_string": b"&".join(kept)}


def _as_json(request: Request) -> Scope:
    """Call the body JSON when the client did not say what it is.

    A web page of another site can send such a request without the browser asking us first, so those are not helped.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in FORM_TYPES or "origin" in request.headers:
        return request.scope
    headers = [header for header in request.scope["headers"] if header[0] != b"content-type"]
    return {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}
