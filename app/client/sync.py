"""The client for programs that are not asynchronous: the same operations, each of which blocks until it is done.

```python
with SyncWorkflowManager("http://localhost:8080") as manager:
    started = manager.start_workflow(request)
    finished = manager.wait(started.id, timeout_seconds=60)
```
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from app import models
from app.client.manager import DEFAULT_TIMEOUT_SECONDS, WorkflowManager, WorkflowPage
from app.client.requests import WorkflowFilters
from app.client.retries import RetryPolicy

T = TypeVar("T")


class SyncWorkflowManager:
    """The service at ``url``, as a context manager; `app.client.WorkflowManager` says what each operation does.

    The work is done by an event loop in a thread of its own, so it may be used by several threads at once, and where
    an event loop runs already (a notebook). Ctrl-C cancels the operation that it interrupts.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        retries: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._manager = WorkflowManager(url, timeout_seconds=timeout_seconds, retries=retries, transport=transport)
        self._thread = _LoopThread()

    def __enter__(self) -> Self:
        self._thread.start()
        self._thread.run(self._manager.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._thread.run(self._manager.__aexit__(kind, error, trace))
        finally:
            self._thread.stop()

    def health_check(self) -> None:
        """Return when the service says that it is well."""
        self._thread.run(self._manager.health_check())

    def readiness_check(self) -> None:
        """Return when the service does its work."""
        self._thread.run(self._manager.readiness_check())

    def get_metrics(self) -> str:
        """Return the metrics of the process that answers."""
        return self._thread.run(self._manager.get_metrics())

    # Workflow definitions

    def list_definitions(self) -> list[models.WorkflowDefinition]:
        """List the latest version of every definition."""
        return self._thread.run(self._manager.list_definitions())

    def list_definition_versions(self, name: str) -> list[models.WorkflowDefinition]:
        """List all versions of a definition."""
        return self._thread.run(self._manager.list_definition_versions(name))

    def get_definition(self, name: str, *, version: int | None = None) -> models.WorkflowDefinition:
        """Get one version of a definition; the latest without ``version``."""
        return self._thread.run(self._manager.get_definition(name, version=version))

    def create_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Create version 0 of a definition."""
        return self._thread.run(self._manager.create_definition(request))

    def update_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Add the next version of a definition."""
        return self._thread.run(self._manager.update_definition(request))

    # Workflows

    def start_workflow(
        self, request: models.StartWorkflowRequest, *, idempotency_key: str | None = None
    ) -> models.Workflow:
        """Start a workflow."""
        return self._thread.run(self._manager.start_workflow(request, idempotency_key=idempotency_key))

    def get_workflow(self, workflow_id: str, *, fetch_history: bool = False) -> models.Workflow:
        """Get a workflow."""
        return self._thread.run(self._manager.get_workflow(workflow_id, fetch_history=fetch_history))

    def list_workflows(self, *, page_token: str | None = None, **filters: Unpack[WorkflowFilters]) -> WorkflowPage:
        """Get one page of workflows."""
        return self._thread.run(self._manager.list_workflows(page_token=page_token, **filters))

    def next_page(self, page: WorkflowPage) -> WorkflowPage | None:
        """Get the page after ``page``; None when that was the last."""
        return self._thread.run(self._manager.next_page(page))

    def iter_workflows(self, **filters: Unpack[WorkflowFilters]) -> Iterator[models.Workflow]:
        """Yield the workflows of all pages."""
        return self._thread.iterate(self._manager.iter_workflows(**filters))

    def cancel_workflow(self, workflow_id: str, *, reason: str = "") -> None:
        """Stop a workflow."""
        self._thread.run(self._manager.cancel_workflow(workflow_id, reason=reason))

    def resume_workflow(
        self, workflow_id: str, *, start_at: str, idempotency_key: str | None = None
    ) -> models.Workflow:
        """Start a new workflow that goes on from a state of one that ended."""
        return self._thread.run(
            self._manager.resume_workflow(workflow_id, start_at=start_at, idempotency_key=idempotency_key)
        )

    def resolve_workflow(self, workflow_id: str) -> None:
        """Mark a workflow as needing no more attention."""
        self._thread.run(self._manager.resolve_workflow(workflow_id))

    def wait(self, workflow_id: str, *, timeout_seconds: float | None = None) -> models.Workflow:
        """Return the workflow once it has ended."""
        return self._thread.run(self._manager.wait(workflow_id, timeout_seconds=timeout_seconds))

    def follow(self, workflow_id: str) -> Iterator[models.Workflow]:
        """Yield the workflow now and after every change, until it has ended."""
        return self._thread.iterate(self._manager.follow(workflow_id))

    # State resources

    def get_state_resource(self, namespace: str, name: str) -> models.StateResource:
        """Get what ``name`` stands for in ``namespace``."""
        return self._thread.run(self._manager.get_state_resource(namespace, name))

    def create_state_resource(self, request: models.NewStateResource) -> models.StateResource:
        """Create a state resource, or replace it."""
        return self._thread.run(self._manager.create_state_resource(request))

    def put_state_resource(self, request: models.NewStateResource) -> models.StateResource:
        """Create a state resource, or replace it, at its own path."""
        return self._thread.run(self._manager.put_state_resource(request))

    def delete_state_resource(self, namespace: str, name: str) -> None:
        """Forget a state resource."""
        self._thread.run(self._manager.delete_state_resource(namespace, name))

    # Queues and quotas

    def list_queues(self) -> list[models.Queue]:
        """List the queues that somebody gave limits to, by name."""
        return self._thread.run(self._manager.list_queues())

    def get_queue(self, name: str) -> models.Queue:
        """Get the limits of a queue, and how many of its workflows run."""
        return self._thread.run(self._manager.get_queue(name))

    def put_queue(self, name: str, limits: models.QueueLimits) -> models.Queue:
        """Set the limits of a queue."""
        return self._thread.run(self._manager.put_queue(name, limits))

    def get_quotas(self) -> list[models.QuotaHeadroom]:
        """Tell how much of the quotas of Step Functions is left, by action."""
        return self._thread.run(self._manager.get_quotas())


class _LoopThread:
    """An event loop in a thread, and those who wait for it in others."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it does not keep the process alive."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=_serve, args=[self._loop], name="workflow-manager-client", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop, and what others still wait for."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None
            self._thread.join()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what the work returns; an interruption of this thread cancels it."""
        if self._loop is None:
            work.close()
            raise RuntimeError("The client is closed; use it in a with statement.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        """Yield the items; to stop early ends the work behind them."""
        try:
            while True:
                try:
                    item = self.run(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            if self._loop is not None:
                self.run(items.aclose())


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        loop.run_until_complete(_end_what_waits())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _end_what_waits() -> None:
    waiting = asyncio.all_tasks() - {asyncio.current_task()}
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def _next(items: AsyncGenerator[T, None]) -> T:
    return await anext(items)
