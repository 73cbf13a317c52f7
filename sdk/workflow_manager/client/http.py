"""One request of the client: sent, repeated where that is harmless, its answer or its error translated."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any, Final, NamedTuple

import httpx
import pydantic

from workflow_manager import errors
from workflow_manager.client.error_mapping import Away, Unreached, error_of, no_answer, origin
from workflow_manager.client.retries import RETRIED_STATUSES, Attempts, Randomness, RetryPolicy, retry_after_seconds

Sleep = Callable[[float], Awaitable[None]]

OnRetry = Callable[[errors.WorkflowManagerError], None]

EVENT_STREAM: Final = "text/event-stream"
NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before the first byte left: any request may be repeated after them."""

PASSING: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)
"""Failures that another attempt may not meet."""

MOST_REQUESTS_AT_ONCE: Final = 100
"""Further ones wait for their turn. Requests that wait at the service and streams are not counted."""


class Effort(NamedTuple):
    """What is done for the answer to a request."""

    repeatable: bool
    retry_seconds: float
    wait_seconds: float

    def allows(self, failure: httpx.RequestError) -> bool:
        """Tell whether the request may be sent again after it."""
        return isinstance(failure, PASSING if self.repeatable else NEVER_SENT)


class Connection:
    """Sends requests to one service; repeats those that may be repeated."""

    def __init__(
        self,
        http_client: httpx.AsyncClient,
        *,
        policy: RetryPolicy,
        sleep: Sleep,
        randomness: Randomness,
        on_retry: OnRetry | None = None,
    ) -> None:
        self._http = http_client
        self._policy = policy
        self._sleep = sleep
        self._randomness = randomness
        self._turns = asyncio.Semaphore(MOST_REQUESTS_AT_ONCE)
        self._on_retry = on_retry
        self._reached = False

    def patience_seconds(self, seconds: float, outage: errors.Unavailable) -> float:
        """Return how long an outage is waited out instead of ``seconds``, where nobody may be there at all."""
        refused_seconds = self._policy.refused_seconds
        if refused_seconds is None or self._reached or not isinstance(outage, Unreached):
            return seconds
        return min(seconds, refused_seconds)

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
        once: bool = False,
        missing: type[errors.NotFound] = errors.NotFound,
    ) -> httpx.Response:
        """Send a request and return its answer of 2xx, or of 304 to one with ``If-None-Match``.

        A request that is not ``repeatable`` is sent again only when it surely never arrived. ``wait_seconds`` is how
        much longer than usual the answer may take; with ``once`` there is one attempt, whose failure is the answer.
        ``missing`` is the class of the error of a 404.
        Raises the class of `workflow_manager.errors` that fits the status, `errors.Unavailable` without an answer.
        """
        request = self._build(
            method,
            path,
            params=list(params) or None,
            content=_encode(body),
            headers=_with_type(headers, body=body),
            timeout=_longer(self._http.timeout, wait_seconds),
        )
        effort = Effort(repeatable, 0 if once else self._policy.retry_seconds, wait_seconds)
        response = await self._send(request, effort)
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
                    self._reached = True
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
            raise errors.InvalidRequest(f"{error.object!r} cannot be sent: it is not valid text.") from error

    async def _send(self, request: httpx.Request, effort: Effort) -> httpx.Response:
        """Send a request within the time for all its attempts; when it is over, say what came of the last one."""
        total = self._policy.total_seconds
        failures: list[errors.WorkflowManagerError] = []
        try:
            async with asyncio.timeout(None if total is None else total + effort.wait_seconds):
                return await self._repeat(request, effort, tell=failures.append)
        except TimeoutError as error:
            if failures:
                kind = Unreached if isinstance(failures[-1], Unreached) else Away
                raise kind(f"{failures[-1].message} (gave up after {total:g} s)") from error
            raise Away(f"No response from {origin(request)} within {total:g} s.") from error

    async def _repeat(
        self, request: httpx.Request, effort: Effort, *, tell: Callable[[errors.WorkflowManagerError], None]
    ) -> httpx.Response:
        attempts = Attempts(self._policy, randomness=self._randomness)
        turns = nullcontext() if effort.wait_seconds else self._turns
        clock = asyncio.get_running_loop().time
        while True:
            try:
                async with turns:
                    begun = clock()
                    response = await self._http.send(request)
            except httpx.RequestError as error:
                failure: errors.WorkflowManagerError = (away := no_answer(request, error))
                seconds = self.patience_seconds(effort.retry_seconds, away) if effort.allows(error) else 0
                pause = attempts.pause_after(clock() - begun, within_seconds=seconds)
                if pause is None:
                    raise away from error
            else:
                self._reached = True
                if not (effort.repeatable and response.status_code in RETRIED_STATUSES):
                    return response
                failure, asked = error_of(response), retry_after_seconds(response.headers.get("Retry-After"))
                pause = attempts.pause_after(clock() - begun, within_seconds=effort.retry_seconds, asked_seconds=asked)
                if pause is None:
                    return response
            tell(failure)
            if self._on_retry is not None:
                self._on_retry(failure)
            await self._sleep(pause)


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
