"""Typed async client of the service: every operation, retries, pages, waiting and following.

```python
async with WorkflowManager("http://localhost:8080") as manager:
    started = await manager.start_workflow(request)
    finished = await manager.wait(started.id, timeout_seconds=60)
```
"""

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import NamedTuple, Self, Unpack

import httpx

from app import __version__, errors, models
from app.client.answers import (
    DEFINITION,
    DEFINITIONS,
    LISTED_WORKFLOWS,
    QUEUE,
    QUEUES,
    QUOTAS,
    STATE_RESOURCE,
    WORKFLOW,
)
from app.client.changes import EventFollower, LongPoll, NoEvents, poll_changes
from app.client.http import Connection, Randomness, Sleep, decode
from app.client.requests import (
    WorkflowFilters,
    checked_url,
    filter_params,
    flag,
    same_service_path,
    segment,
    state_resource_path,
    workflow_path,
)
from app.client.retries import RetryPolicy

DEFAULT_TIMEOUT_SECONDS = 30.0


class WorkflowPage(NamedTuple):
    """Some workflows, and where the next ones are (None at the end)."""

    workflows: tuple[models.Workflow, ...]
    next_page_path: str | None


class WorkflowManager:
    """The service at ``url``, as an async context manager.

    Errors are those of `app.errors`: by status for what the service refuses, `errors.Unavailable` when
    it fails, is not there, or does not answer within ``timeout_seconds`` per request. Requests that
    may safely be repeated are, with growing random pauses; starts and resumes too, because each carries
    an ``Idempotency-Key``. ``transport``, ``sleep`` and ``randomness`` replace the network and the clock.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        retries: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
        randomness: Randomness = random.random,
    ) -> None:
        self._sleep = sleep
        self._http = httpx.AsyncClient(
            base_url=checked_url(url),
            timeout=timeout_seconds,
            transport=transport,
            headers={"User-Agent": f"workflow-manager/{__version__}", "Accept": "application/json"},
        )
        self._connection = Connection(self._http, policy=retries or RetryPolicy(), sleep=sleep, randomness=randomness)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def health_check(self) -> None:
        """Return when the service says that it is well."""
        await self._connection.request("GET", "/_health", repeatable=True)

    async def readiness_check(self) -> None:
        """Return when the service does its work; `errors.Unavailable` when it is up but does not."""
        await self._connection.request("GET", "/_ready", repeatable=True)

    async def get_metrics(self) -> str:
        """Return the metrics of the process that answers, in the text form of Prometheus."""
        return (await self._connection.request("GET", "/metrics", repeatable=True)).text

    # Workflow definitions

    async def list_definitions(self) -> list[models.WorkflowDefinition]:
        """List the latest version of every definition."""
        response = await self._connection.request("GET", "/workflow-definitions", repeatable=True)
        return decode(response, DEFINITIONS)

    async def list_definition_versions(self, name: str) -> list[models.WorkflowDefinition]:
        """List all versions of a definition."""
        return await self._get_versions(name, latest=False)

    async def get_definition(self, name: str, *, version: int | None = None) -> models.WorkflowDefinition:
        """Get one version of a definition; the latest without ``version``."""
        if version is None:
            latest = await self._get_versions(name, latest=True)
            if not latest:
                raise errors.DefinitionNotFound
            return latest[0]
        path = f"/workflow-definitions/{segment(name)}/{version}"
        return decode(await self._connection.request("GET", path, repeatable=True), DEFINITION)

    async def create_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Create version 0 of a definition; `errors.Conflict` when the name is taken."""
        response = await self._connection.request("POST", "/workflow-definitions", repeatable=False, body=request)
        return decode(response, DEFINITION)

    async def update_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Add the next version of a definition; `errors.Conflict` when somebody else did first."""
        path = f"/workflow-definitions/{segment(request.name)}"
        return decode(await self._connection.request("PUT", path, repeatable=False, body=request), DEFINITION)

    async def _get_versions(self, name: str, *, latest: bool) -> list[models.WorkflowDefinition]:
        path = f"/workflow-definitions/{segment(name)}"
        response = await self._connection.request("GET", path, repeatable=True, params=[("latest", flag(latest))])
        return decode(response, DEFINITIONS)

    # Workflows

    async def start_workflow(
        self, request: models.StartWorkflowRequest, *, idempotency_key: str | None = None
    ) -> models.Workflow:
        """Start a workflow; a second call with the same key and request gives the same one. Default: a new key."""
        return await self._post_once("/workflows", request, idempotency_key=idempotency_key)

    async def get_workflow(self, workflow_id: str, *, fetch_history: bool = False) -> models.Workflow:
        """Get a workflow; ``fetch_history`` makes the service read its jobs afresh."""
        response = await self._connection.request(
            "GET", workflow_path(workflow_id), repeatable=True, params=[("fetchHistory", flag(fetch_history))]
        )
        return decode(response, WORKFLOW)

    async def list_workflows(
        self, *, page_token: str | None = None, **filters: Unpack[WorkflowFilters]
    ) -> WorkflowPage:
        """Get one page of workflows, the newest first unless ``oldest_first``."""
        token = [("pageToken", page_token)] if page_token else []
        return await self._get_page("/workflows", [*filter_params(filters), *token])

    async def next_page(self, page: WorkflowPage) -> WorkflowPage | None:
        """Get the page after ``page``; None when that was the last."""
        if page.next_page_path is None:
            return None
        return await self._get_page(page.next_page_path, [])

    async def iter_workflows(self, **filters: Unpack[WorkflowFilters]) -> AsyncGenerator[models.Workflow, None]:
        """Yield the workflows of all pages; ``limit`` is the size of a page, not their number."""
        page: WorkflowPage | None = await self.list_workflows(**filters)
        while page is not None:
            for workflow in page.workflows:
                yield workflow
            page = await self.next_page(page)

    async def cancel_workflow(self, workflow_id: str, *, reason: str = "") -> None:
        """Stop a workflow; `errors.InvalidRequest` when it has already ended."""
        body = models.CancelReason(reason=reason)
        await self._connection.request("DELETE", workflow_path(workflow_id), repeatable=False, body=body)

    async def resume_workflow(
        self, workflow_id: str, *, start_at: str, idempotency_key: str | None = None
    ) -> models.Workflow:
        """Start a new workflow that goes on from the state ``start_at`` of one that ended."""
        body = models.WorkflowDefinitionOverrides(start_at=start_at)
        return await self._post_once(workflow_path(workflow_id), body, idempotency_key=idempotency_key)

    async def resolve_workflow(self, workflow_id: str) -> None:
        """Mark a workflow as needing no more attention; `errors.Conflict` when it already is."""
        await self._connection.request("POST", f"{workflow_path(workflow_id)}/resolved", repeatable=False)

    async def wait(self, workflow_id: str, *, timeout_seconds: float | None = None) -> models.Workflow:
        """Return the workflow once it has ended; `TimeoutError` when that takes too long."""
        poll = LongPoll(self._connection, workflow_id, sleep=self._sleep)
        async with asyncio.timeout(timeout_seconds):
            async for _ in poll_changes(poll.read, sleep=poll.sleep):
                pass
            return await self.get_workflow(workflow_id, fetch_history=True)

    async def follow(self, workflow_id: str) -> AsyncGenerator[models.Workflow, None]:
        """Yield the workflow, with its jobs, now and after every change, until it has ended.

        The service tells of changes by itself; one that cannot, or that is behind something that holds its events
        back, is asked again and again.
        """

        async def read() -> models.Workflow:
            return await self.get_workflow(workflow_id, fetch_history=True)

        events = EventFollower(self._connection, workflow_id, sleep=self._sleep)
        try:
            async with aclosing(events.changes()) as changes:
                async for workflow in changes:
                    yield workflow
        except NoEvents:
            async for workflow in poll_changes(read, sleep=self._sleep, known=events.last):
                yield workflow

    async def _post_once(self, path: str, body: models.Request, *, idempotency_key: str | None) -> models.Workflow:
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        response = await self._connection.request("POST", path, repeatable=True, body=body, headers=headers)
        return decode(response, WORKFLOW)

    async def _get_page(self, path: str, params: Sequence[tuple[str, str]]) -> WorkflowPage:
        response = await self._connection.request("GET", path, repeatable=True, params=params)
        found = decode(response, LISTED_WORKFLOWS)
        return WorkflowPage(found, same_service_path(response))

    # State resources

    async def get_state_resource(self, namespace: str, name: str) -> models.StateResource:
        """Get what ``name`` stands for in ``namespace``."""
        path = state_resource_path(namespace, name)
        return decode(await self._connection.request("GET", path, repeatable=True), STATE_RESOURCE)

    async def create_state_resource(self, request: models.NewStateResource) -> models.StateResource:
        """Create a state resource, or replace it."""
        response = await self._connection.request("POST", "/state-resources", repeatable=True, body=request)
        return decode(response, STATE_RESOURCE)

    async def put_state_resource(self, request: models.NewStateResource) -> models.StateResource:
        """Create a state resource, or replace it, at its own path."""
        path = state_resource_path(request.namespace, request.name)
        return decode(await self._connection.request("PUT", path, repeatable=True, body=request), STATE_RESOURCE)

    async def delete_state_resource(self, namespace: str, name: str) -> None:
        """Forget a state resource; its name then expands by convention again."""
        await self._connection.request("DELETE", state_resource_path(namespace, name), repeatable=False)

    # Queues and quotas

    async def list_queues(self) -> list[models.Queue]:
        """List the queues that somebody gave limits to, by name."""
        return decode(await self._connection.request("GET", "/queues", repeatable=True), QUEUES)

    async def get_queue(self, name: str) -> models.Queue:
        """Get the limits of a queue, and how many of its workflows run."""
        response = await self._connection.request("GET", f"/queues/{segment(name)}", repeatable=True)
        return decode(response, QUEUE)

    async def put_queue(self, name: str, limits: models.QueueLimits) -> models.Queue:
        """Set the limits of a queue; those that are left out are lifted."""
        response = await self._connection.request("PUT", f"/queues/{segment(name)}", repeatable=True, body=limits)
        return decode(response, QUEUE)

    async def get_quotas(self) -> list[models.QuotaHeadroom]:
        """Tell how much of the quotas of Step Functions is left, by action."""
        return decode(await self._connection.request("GET", "/quotas", repeatable=True), QUOTAS)
