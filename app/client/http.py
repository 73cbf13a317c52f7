"""One request of the client: sent, repeated where that is harmless, its answer or its error translated."""

import asyncio
import http
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

import httpx
import pydantic

from app import errors
from app.client.retries import RETRIED_STATUSES, RetryPolicy

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
Randomness = Callable[[], float]
"""A number in [0, 1)."""

EVENT_STREAM: Final = "text/event-stream"
NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before the first byte left: any request may be repeated after them."""

ERRORS_BY_STATUS: Final[Mapping[int, type[errors.WorkflowManagerError]]] = {
    401: errors.NotAuthenticated,
    403: errors.NotAllowed,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.RequestTooLarge,
    429: errors.Throttled,
}
EXCERPT_CHARACTERS: Final = 200
"""How much of an answer that is not ours is quoted."""


class ErrorDetail(pydantic.BaseModel):
    """One of several things that were wrong with a request."""

    pointer: str = ""
    message: str = ""


class ErrorBody(pydantic.BaseModel):
    """What the service says with a status of 400 or more."""

    message: str
    errors: list[ErrorDetail] = []
    request_id: str | None = pydantic.Field(default=None, alias="requestId")


class Connection:
    """Sends requests to one service; repeats those that may be repeated."""

    def __init__(
        self, http_client: httpx.AsyncClient, *, policy: RetryPolicy, sleep: Sleep, randomness: Randomness
    ) -> None:
        self._http = http_client
        self._policy = policy
        self._sleep = sleep
        self._randomness = randomness

    async def request(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool,
        params: Sequence[tuple[str, str]] = (),
        body: pydantic.BaseModel | None = None,
        headers: Mapping[str, str] | None = None,
        wait_seconds: float = 0,
    ) -> httpx.Response:
        """Send a request and return its answer of 2xx, or of 304 to one with ``If-None-Match``.

        A request that is not ``repeatable`` is sent again only when it surely never arrived. ``wait_seconds`` is how
        much longer than usual the answer may take.
        Raises the class of `app.errors` that fits the status, `errors.Unavailable` without an answer.
        """
        request = self._http.build_request(
            method,
            path,
            params=list(params) or None,
            content=_encode(body),
            headers=_with_type(headers, body=body),
            timeout=_longer(self._http.timeout, wait_seconds),
        )
        for pause_limit in self._policy.pause_limits():
            try:
                response = await self._http.send(request)
            except httpx.RequestError as error:
                if not (repeatable or isinstance(error, NEVER_SENT)):
                    raise _no_answer(request, error) from error
            else:
                if not (repeatable and response.status_code in RETRIED_STATUSES):
                    return _checked(response)
            await self._sleep(self._randomness() * pause_limit)
        return await self._send_last(request)

    @asynccontextmanager
    async def stream(
        self, path: str, *, headers: Mapping[str, str], first_seconds: float, silence_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Ask for a stream of events, once; give its pieces as they arrive, or None when the answer is none.

        Raises ``errors.Unavailable`` when there is no answer, or one that promises nothing about the next try, when
        nothing arrives for ``first_seconds`` at the start or ``silence_seconds`` later, and when the stream breaks.
        """
        request = self._http.build_request(
            "GET",
            path,
            headers={**headers, "Accept": EVENT_STREAM, "Cache-Control": "no-store"},
            timeout=httpx.Timeout(self._http.timeout.connect, read=silence_seconds),
        )
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(first_seconds):
                    response = await self._http.send(request, stream=True)
                    stack.push_async_callback(response.aclose)
                    pieces = response.aiter_bytes()
                    first = await anext(pieces, b"") if _is_stream(response) else None
            except TimeoutError as error:
                raise errors.Unavailable(f"No event from {_origin(request)} in {first_seconds:g} s") from error
            except httpx.RequestError as error:
                raise _no_answer(request, error) from error
            if response.status_code >= 500 or response.status_code in RETRIED_STATUSES:
                raise errors.Unavailable(f"{_origin(request)} answered {response.status_code}.")
            yield None if first is None else _pieces(request, first, pieces)

    async def _send_last(self, request: httpx.Request) -> httpx.Response:
        try:
            return _checked(await self._http.send(request))
        except httpx.RequestError as error:
            raise _no_answer(request, error) from error


def decode(response: httpx.Response, adapter: pydantic.TypeAdapter[T]) -> T:
    """Read an answer as what it must be; anything else comes from no workflow-manager."""
    return decode_content(response.content, adapter, whose=_origin(response.request))


def decode_content(content: bytes, adapter: pydantic.TypeAdapter[T], *, whose: str) -> T:
    """Read a part of an answer as what it must be; ``whose`` it is, is said when it is not."""
    try:
        return adapter.validate_json(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise errors.Unavailable(
            f"The answer of {whose} is not one of workflow-manager ({where}: {first['msg']})."
        ) from error


def error_of(response: httpx.Response) -> errors.WorkflowManagerError:
    """Translate an answer that is not 2xx into the error it stands for."""
    status = response.status_code
    message, findings = _explain(response)
    if status >= 500 or status < 400:
        return errors.Unavailable(message, findings=findings)
    return ERRORS_BY_STATUS.get(status, errors.InvalidRequest)(message, findings=findings)


def _checked(response: httpx.Response) -> httpx.Response:
    unchanged = response.status_code == 304 and "If-None-Match" in response.request.headers
    if response.is_success or unchanged:
        return response
    raise error_of(response)


def _explain(response: httpx.Response) -> tuple[str, tuple[errors.Finding, ...]]:
    try:
        body = ErrorBody.model_validate_json(response.content)
    except pydantic.ValidationError:
        return _foreign_message(response), ()
    message = body.message
    if response.is_server_error and body.request_id:
        message = f"{message} (request {body.request_id})"
    return message, tuple(errors.Finding(detail.pointer, detail.message) for detail in body.errors)


def _foreign_message(response: httpx.Response) -> str:
    """Describe an answer that the service did not write: a proxy's page, another server."""
    try:
        phrase = f"{response.status_code} {http.HTTPStatus(response.status_code).phrase}"
    except ValueError:
        phrase = str(response.status_code)
    excerpt = " ".join(response.text.split())[:EXCERPT_CHARACTERS]
    return f"{_origin(response.request)} answered {phrase}" + (f": {excerpt}" if excerpt else ".")


def _no_answer(request: httpx.Request, error: httpx.RequestError) -> errors.Unavailable:
    reason = str(error) or type(error).__name__
    return errors.Unavailable(f"No answer from {_origin(request)}: {reason}")


def _is_stream(response: httpx.Response) -> bool:
    return response.is_success and response.headers.get("Content-Type", "").startswith(EVENT_STREAM)


async def _pieces(request: httpx.Request, first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for piece in rest:
            yield piece
    except httpx.RequestError as error:
        raise _no_answer(request, error) from error


def _longer(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    read = None if timeout.read is None else timeout.read + seconds
    return httpx.Timeout(connect=timeout.connect, read=read, write=timeout.write, pool=timeout.pool)


def _origin(request: httpx.Request) -> str:
    """Name the service without path, query or credentials."""
    return f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"


def _encode(body: pydantic.BaseModel | None) -> bytes | None:
    if body is None:
        return None
    # pydantic's own JSON mode would turn NaN into null without a word.
    fields: dict[str, Any] = body.model_dump(by_alias=True, exclude_unset=True)
    try:
        return json.dumps(fields, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise errors.InvalidRequest(f"The request is not JSON: {error}") from error


def _with_type(headers: Mapping[str, str] | None, *, body: pydantic.BaseModel | None) -> dict[str, str]:
    return {**(headers or {}), **({"Content-Type": "application/json"} if body is not None else {})}
