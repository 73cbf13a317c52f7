"""A route for what is called most: requests that are as they should be take a short way, all others the general one."""

from typing import Any, Final

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.api import generated_clients
from app.api.strict_route import StrictRoute, read_body
from workflow_manager import errors, strict_json

JSON_TYPE: Final = b"application/json"


class QuickRoute(StrictRoute):
    """A route that takes one JSON body and answers with one model.

    What FastAPI does around an endpoint suits every route, and costs more than all that the service does to start a
    workflow. Here the same models read and write the same bodies, with nothing around them. A request with optional
    headers, or with anything wrong, goes FastAPI's way, which also knows how to explain.
    """

    def __init__(self, *args: Any, **fields: Any) -> None:  # those of APIRoute
        super().__init__(*args, **fields)
        parameters = self.dependant
        if self.body_field is None or self.response_field is None or parameters.query_params or parameters.path_params:
            raise TypeError(f"{self.path}: a quick route takes a body, and nothing from its path or query")
        self._body_name = self.body_field.name
        self._read = _adapter(self.body_field).validator.validate_python
        self._write = _adapter(self.response_field).serializer.to_json
        self._headers = {field.alias.lower().encode() for field in parameters.header_params}
        self._parts = [(part.name or "", part.call) for part in parameters.dependencies]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that this route matches."""
        given_headers = dict(scope["headers"])
        plain = scope["method"] in (self.methods or ()) and given_headers.get(b"content-type") == JSON_TYPE
        if not plain or not self._headers.isdisjoint(given_headers):
            await super().handle(scope, receive, send)
            return
        try:
            body = await read_body(receive)
        except ClientDisconnect:
            return  # nobody is left to answer
        try:
            given = self._read(strict_json.loads(body))
        except (errors.InvalidRequest, ValidationError):
            await super().handle(scope, _again(body, receive), send)
            return
        answer = await self.endpoint(**{self._body_name: given}, **await self._collaborators(Request(scope)))
        text = self._write(answer, by_alias=True, exclude_none=self.response_model_exclude_none)
        headers = [(b"content-type", JSON_TYPE)]
        if generated_clients.VERSION_HEADER in given_headers:
            text, omitted = generated_clients.holdable(text)
            headers += [(name.lower().encode(), value.encode()) for name, value in omitted.items()]
        headers.append((b"content-length", str(len(text)).encode()))
        await send({"type": "http.response.start", "status": self.status_code or 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    async def _collaborators(self, request: Request) -> dict[str, Any]:
        return {name: await call(request) for name, call in self._parts if call is not None}


def _adapter(field: Any) -> TypeAdapter[Any]:
    return TypeAdapter(field.field_info.annotation)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what receives a body that was read before, and then whatever comes next."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return unread.pop() if unread else await receive()

    return receive_again
