"""Typed async client of the service: every operation, retries, pages, waiting and following.

```python
async with WorkflowManager("http://localhost:8080") as manager:
    started = await manager.start_workflow(request)
    finished = await manager.wait(started.id, timeout_seconds=60)
```
"""

import asyncio
import random
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import httpx

from workflow_manager.client.definition_calls import DefinitionCalls
from workflow_manager.client.http import Connection, OnRetry, Sleep
from workflow_manager.client.request_parts import checked_headers, checked_url
from workflow_manager.client.retries import Randomness, RetryPolicy
from workflow_manager.client.service_calls import OperationCalls
from workflow_manager.client.state_resource_calls import StateResourceCalls
from workflow_manager.client.workflow_calls import WorkflowCalls
from workflow_manager.version import __version__

DEFAULT_TIMEOUT_SECONDS: Final = 30.0
IDLE_CONNECTIONS: Final = 20

Auth = httpx.Auth | tuple[str, str]


class WorkflowManager(DefinitionCalls, WorkflowCalls, StateResourceCalls, OperationCalls):
    """The service at ``url``, as an async context manager, or until ``aclose``.

    Errors are those of `workflow_manager.errors`: by status for what the service refuses, `errors.Unavailable` when
    it fails, is not there, or does not answer within ``timeout_seconds`` per request. Requests that
    may safely be repeated are, with growing random pauses; starts and resumes too, because each carries
    an ``Idempotency-Key``. ``headers`` are sent with every request, and ``auth`` (name and password, or what httpx
    takes) says who asks. ``on_retry`` is called with each failure that is retried. ``transport``,
    ``sleep`` and ``randomness`` replace the network and the clock.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        retries: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        on_retry: OnRetry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
        randomness: Randomness = random.random,
    ) -> None:
        ours = {"User-Agent": f"workflow-manager/{__version__}", "Accept": "application/json"}
        self._sleep = sleep
        self._http = httpx.AsyncClient(
            base_url=checked_url(url),
            timeout=timeout_seconds,
            transport=transport,
            headers={**ours, **checked_headers(headers or {})},
            auth=auth,
            # Each follower holds a connection; other requests are limited by Connection.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=IDLE_CONNECTIONS),
        )
        self._connection = Connection(
            self._http, policy=retries or RetryPolicy(), sleep=sleep, randomness=randomness, on_retry=on_retry
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def aclose(self) -> None:
        """Close the connections; later requests raise `errors.ClientClosed`."""
        await self._http.aclose()
