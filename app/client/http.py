"""One request of the client: sent, repeated where that is harmless, its answer or its error translated."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any, Final

import httpx
import pydantic

from app import errors
from app.client.failures import error_of, no_answer, origin
from app.client.retries import RETRIED_STATUSES, RetryPolicy, retry_after_seconds

Sleep = Callable[[float], Awaitable[None]]
Randomness = Callable[[], float]
"""A number in [0, 1)."""

EVENT_STREAM: Final = "text/event-stream"
NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before the first byte left: any request may be repeated after them."""

MOST_REQUESTS_AT_ONCE: Final = 100
"""Further ones wait for their turn. Requests that wait at the service and streams are not counted."""


class Connection:
    """Sends requests to one service; repeats those that may be repeated."""

    def __init__(
        self, http_client: httpx.AsyncClient, *, policy: RetryPolicy, sleep: Sleep, randomness: Randomness
    ) -> None:
        self._http = http_client
        self._policy = policy
        self._sleep = sleep
        self._randomness = randomness
        self._turns = asyncio.Semaphore(MOST_REQUESTS_AT_ONCE)

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
        missing: type[errors.NotFound] = errors.NotFound,
    ) -> httpx.Response:
        """Send a request and return its answer of 2xx, or of 304 to one with ``If-None-Match``.

        A request that is not ``repeatable`` is sent again only when it surely never arrived. ``wait_seconds`` is how
        much longer than usual the answer may take, ``missing`` the class of the error of a 404.
        Raises the class of `app.errors` that fits the status, `errors.Unavailable` without an answer.
        """
        request = self._build(
            method,
            path,
            params=list(params) or None,
            content=_encode(body),
            headers=_with_type(headers, body=body),
            timeout=_longer(self._http.timeout, wait_seconds),
        )
        turns = nullcontext() if wait_seconds else self._turns
        total = self._policy.total_seconds
        try:
            async with asyncio.timeout(None if total is None else total + wait_seconds):
                response = await self._repeat(request, repeatable=repeatable, turns=turns)
        except TimeoutError as error:
            raise errors.Unavailable(f"No answer from {origin(request)} within {total:g} s.") from error
        return _checked(response, missing=missing)

    @asynccontextmanager
    async def stream(
        self, path: str, *, headers: Mapping[str, str], first_seconds: float, silence_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Ask for a stream of events, once; give its pieces as they arrive, or None when the answer is none.

        Raises ``errors.Unavailable`` when there is no answer, or one that promises nothing about the next try, when
        nothing arrives for ``first_seconds`` at the start or ``silence_seconds`` later, and when the stream breaks.
        """
        request = self._build(
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
                raise errors.Unavailable(f"No event from {origin(request)} in {first_seconds:g} s.") from error
            except httpx.RequestError as error:
                raise no_answer(request, error) from error
            if response.status_code >= 500 or response.status_code in RETRIED_STATUSES:
                raise errors.Unavailable(f"{origin(request)} answered {response.status_code}.")
            yield None if first is None else _pieces(request, first, pieces)

    def _build(self, method: str, path: str, **parts: Any) -> httpx.Request:
        if self._http.is_closed:
            raise errors.ClientClosed
        try:
            return self._http.build_request(method, path, **parts)
        except UnicodeEncodeError as error:
            raise errors.InvalidRequest(f"{error.object!r} cannot be sent: it is no text.") from error

    async def _repeat(
        self, request: httpx.Request, *, repeatable: bool, turns: AbstractAsyncContextManager[None]
    ) -> httpx.Response:
        limits = self._policy.pause_limits()
        while True:
            pause = self._pause(next(limits, None))
            try:
                async with turns:
                    response = await self._http.send(request)
            except httpx.RequestError as error:
                if pause is None or not (repeatable or isinstance(error, NEVER_SENT)):
                    raise no_answer(request, error) from error
            else:
                asked = retry_after_seconds(response.headers.get("Retry-After"))
                too_long = asked > self._policy.longest_retry_after_seconds
                if pause is None or too_long or not (repeatable and response.status_code in RETRIED_STATUSES):
                    return response
                pause = max(pause, asked)
            await self._sleep(pause)

    def _pause(self, limit: float | None) -> float | None:
        return None if limit is None else self._randomness() * limit


def _checked(response: httpx.Response, *, missing: type[errors.NotFound]) -> httpx.Response:
    unchanged = response.status_code == 304 and "If-None-Match" in response.request.headers
    if response.is_success or unchanged:
        return response
    raise error_of(response, missing=missing)


def _is_stream(response: httpx.Response) -> bool:
    return response.is_success and response.headers.get("Content-Type", "").startswith(EVENT_STREAM)


async def _pieces(request: httpx.Request, first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for piece in rest:
            yield piece
    except httpx.RequestError as error:
        raise no_answer(request, error) from error


def _longer(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    read = None if timeout.read is None else timeout.read + seconds
    return httpx.Timeout(connect=timeout.connect, read=read, write=timeout.write, pool=timeout.pool)


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
