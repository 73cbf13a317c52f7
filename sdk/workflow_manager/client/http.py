"""Sending requests: retries where they are safe, and mapping of errors."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any, Final, NamedTuple

import httpx
import pydantic

from workflow_manager import errors
from workflow_manager.client.error_mapping import ConnectionFailed, ServiceUnavailable, error_of, no_response, origin
from workflow_manager.client.retries import RETRIED_STATUSES, Attempts, Randomness, RetryPolicy, retry_after_seconds

Sleep = Callable[[float], Awaitable[None]]

OnRetry = Callable[[errors.WorkflowManagerError], None]

EVENT_STREAM: Final = "text/event-stream"
NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before the first byte was sent: any request may be repeated after them."""

TRANSIENT: Final = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)
"""Transient failures: another attempt may succeed."""

MAX_CONCURRENT_REQUESTS: Final = 100
"""Maximum number of concurrent requests; long polls and streams are not counted."""


class RequestOptions(NamedTuple):
    """How a request may be retried."""

    repeatable: bool
    retry_seconds: float
    wait_seconds: float

    def may_repeat(self, failure: httpx.RequestError) -> bool:
        """Return whether the request may be sent again after this failure."""
        return isinstance(failure, TRANSIENT if self.repeatable else NEVER_SENT)


class Connection:
    """Sends requests to one service, and retries them where it is safe."""

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
        self._turns = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)
        self._on_retry = on_retry
        self._reached = False

    def outage_limit_seconds(self, seconds: float, outage: errors.Unavailable) -> float:
        """Return how long to wait out an outage: less than ``seconds`` if there may be no service at all."""
        refused_seconds = self._policy.refused_seconds
        if refused_seconds is None or self._reached or not isinstance(outage, ConnectionFailed):
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
        """Send a request and return its 2xx response, or a 304 to one with ``If-None-Match``.

        A request that is not ``repeatable`` is sent again only if it certainly never arrived. ``wait_seconds`` is how
        much longer than usual the response may take; ``once`` allows a single attempt. ``missing`` is the error class
        for a 404. Raises the class of `workflow_manager.errors` for the status, or `errors.Unavailable` without a
        response.
        """
        request = self._build(
            method,
            path,
            params=list(params) or None,
            content=_encode(body),
            headers=_with_type(headers, body=body),
            timeout=_longer(self._http.timeout, wait_seconds),
        )
        options = RequestOptions(repeatable, 0 if once else self._policy.retry_seconds, wait_seconds)
        response = await self._send(request, options)
        return _checked(response, missing=missing)

    @asynccontextmanager
    async def stream(
        self, path: str, *, headers: Mapping[str, str], first_seconds: float, silence_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Open a stream of events, without retries; yield its chunks, or None if the response is not a stream.

        Raises ``errors.Unavailable`` without a response, on a transient status, if nothing arrives for
        ``first_seconds`` at the start or ``silence_seconds`` later, and if the stream breaks.
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
                raise no_response(request, error) from error
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

    async def _send(self, request: httpx.Request, options: RequestOptions) -> httpx.Response:
        """Send a request within the time for all its attempts; a timeout reports the last failure."""
        total = self._policy.total_seconds
        failures: list[errors.WorkflowManagerError] = []
        try:
            async with asyncio.timeout(None if total is None else total + options.wait_seconds):
                return await self._repeat(request, options, on_failure=failures.append)
        except TimeoutError as error:
            if failures:
                kind = ConnectionFailed if isinstance(failures[-1], ConnectionFailed) else ServiceUnavailable
                raise kind(f"{failures[-1].message} (gave up after {total:g} s)") from error
            raise ServiceUnavailable(f"No response from {origin(request)} within {total:g} s.") from error

    async def _repeat(
        self,
        request: httpx.Request,
        options: RequestOptions,
        *,
        on_failure: Callable[[errors.WorkflowManagerError], None],
    ) -> httpx.Response:
        attempts = Attempts(self._policy, randomness=self._randomness)
        turns = nullcontext() if options.wait_seconds else self._turns
        clock = asyncio.get_running_loop().time
        while True:
            try:
                async with turns:
                    begun = clock()
                    response = await self._http.send(request)
            except httpx.RequestError as error:
                failure: errors.WorkflowManagerError = (unavailable := no_response(request, error))
                seconds = (
                    self.outage_limit_seconds(options.retry_seconds, unavailable) if options.may_repeat(error) else 0
                )
                pause = attempts.pause_after(clock() - begun, within_seconds=seconds)
                if pause is None:
                    raise unavailable from error
            else:
                self._reached = True
                if not (options.repeatable and response.status_code in RETRIED_STATUSES):
                    return response
                failure, asked = error_of(response), retry_after_seconds(response.headers.get("Retry-After"))
                pause = attempts.pause_after(clock() - begun, within_seconds=options.retry_seconds, asked_seconds=asked)
                if pause is None:
                    return response
            on_failure(failure)
            if self._on_retry is not None:
                self._on_retry(failure)
            await self._sleep(pause)


class Caller:
    """The base of the groups of operations, which share one connection."""

    _connection: Connection
    _sleep: Sleep


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
        raise no_response(request, error) from error


def _longer(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    read = None if timeout.read is None else timeout.read + seconds
    return httpx.Timeout(connect=timeout.connect, read=read, write=timeout.write, pool=timeout.pool)


def _encode(body: pydantic.BaseModel | None) -> bytes | None:
    if body is None:
        return None
    # pydantic's JSON mode would silently turn NaN into null.
    fields: dict[str, Any] = body.model_dump(by_alias=True, exclude_unset=True)
    try:
        return json.dumps(fields, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise errors.InvalidRequest(f"The request is not JSON: {error}") from error


def _with_type(headers: Mapping[str, str] | None, *, body: pydantic.BaseModel | None) -> dict[str, str]:
    return {**(headers or {}), **({"Content-Type": "application/json"} if body is not None else {})}
