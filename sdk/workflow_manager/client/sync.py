"""The synchronous client: the same operations, each of which blocks until it is done.

```python
with SyncWorkflowManager("http://localhost:8080") as manager:
    started = manager.start_workflow(request)
    finished = manager.wait(started.id, timeout_seconds=60)
```
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self, Unpack

import httpx

from workflow_manager import models
from workflow_manager.client.loop_thread import LoopThread
from workflow_manager.client.manager import DEFAULT_TIMEOUT_SECONDS, Auth, WorkflowManager
from workflow_manager.client.outage_tolerance import OUTAGE_SECONDS, OnOutage
from workflow_manager.client.request_parts import WorkflowFilters
from workflow_manager.client.retries import RetryPolicy
from workflow_manager.client.workflow_calls import WorkflowPage


class SyncWorkflowManager:
    """The service at ``url``, as a context manager, or until ``close``.

    `workflow_manager.WorkflowManager` documents the operations. They run on an event loop in a separate thread, so the
    client can be used by several threads at once, and where an event loop already runs (a notebook). Ctrl-C cancels
    the operation that it interrupts. A closed client, and one inherited by a forked process, raises
    `errors.ClientClosed`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        retries: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._manager = WorkflowManager(
            url, timeout_seconds=timeout_seconds, retries=retries, headers=headers, auth=auth, transport=transport
        )
        self._thread = LoopThread()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and cancel the operations of other threads."""
        self._thread.stop(self._manager.aclose())

    def health_check(self) -> None:
        """Return if the service is up."""
        self._thread.run(self._manager.health_check())

    def readiness_check(self) -> None:
        """Return if the service is doing its work."""
        self._thread.run(self._manager.readiness_check())

    def get_metrics(self) -> str:
        """Return the metrics of the process that answers."""
        return self._thread.run(self._manager.get_metrics())

    # Workflow definitions

    def list_definitions(
        self, *, summary_only: bool = False, limit: int | None = None, page_token: str | None = None
    ) -> list[models.WorkflowDefinition]:
        """List the latest version of every definition."""
        return self._thread.run(
            self._manager.list_definitions(summary_only=summary_only, limit=limit, page_token=page_token)
        )

    def list_definition_versions(
        self, name: str, *, summary_only: bool = False, limit: int | None = None, page_token: str | None = None
    ) -> list[models.WorkflowDefinition]:
        """List all versions of a definition."""
        return self._thread.run(
            self._manager.list_definition_versions(name, summary_only=summary_only, limit=limit, page_token=page_token)
        )

    def get_definition(self, name: str, *, version: int | None = None) -> models.WorkflowDefinition:
        """Get one version of a definition; the latest without ``version``."""
        return self._thread.run(self._manager.get_definition(name, version=version))

    def create_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Create version 0 of a definition."""
        return self._thread.run(self._manager.create_definition(request))

    def update_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Add the next version of a definition."""
        return self._thread.run(self._manager.update_definition(request))

    def validate_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinitionVerdict:
        """Validate a definition without storing it."""
        return self._thread.run(self._manager.validate_definition(request))

    # Workflows

    def start_workflow(
        self, request: models.StartWorkflowRequest, *, idempotency_key: str | None = None
    ) -> models.Workflow:
        """Start a workflow."""
        return self._thread.run(self._manager.start_workflow(request, idempotency_key=idempotency_key))

    def get_workflow(self, workflow_id: str, *, fetch_history: bool = False) -> models.Workflow:
        """Get a workflow."""
        return self._thread.run(self._manager.get_workflow(workflow_id, fetch_history=fetch_history))

    def get_job(self, workflow_id: str, job_id: str) -> models.Job:
        """Get one job of a workflow with all of its payloads."""
        return self._thread.run(self._manager.get_job(workflow_id, job_id))

    def list_workflows(self, *, page_token: str | None = None, **filters: Unpack[WorkflowFilters]) -> WorkflowPage:
        """Get one page of workflows."""
        return self._thread.run(self._manager.list_workflows(page_token=page_token, **filters))

    def next_page(self, page: WorkflowPage) -> WorkflowPage | None:
        """Get the page after ``page``; None when that was the last."""
        return self._thread.run(self._manager.next_page(page))

    def iter_workflows(self, **filters: Unpack[WorkflowFilters]) -> Iterator[models.Workflow]:
        """Yield the workflows of all pages."""
        return self._thread.iterate(self._manager.iter_workflows(**filters))

    def count_workflows(
        self, *, by: models.WorkflowProperty, **filters: Unpack[WorkflowFilters]
    ) -> models.WorkflowCounts:
        """Count the newest workflows by a property."""
        return self._thread.run(self._manager.count_workflows(by=by, **filters))

    def cancel_workflow(self, workflow_id: str, *, reason: str = "") -> None:
        """Stop a workflow."""
        self._thread.run(self._manager.cancel_workflow(workflow_id, reason=reason))

    def resume_workflow(
        self, workflow_id: str, *, start_at: str, force: bool = False, idempotency_key: str | None = None
    ) -> models.Workflow:
        """Start a new workflow that resumes one that has ended."""
        return self._thread.run(
            self._manager.resume_workflow(workflow_id, start_at=start_at, force=force, idempotency_key=idempotency_key)
        )

    def recover(
        self, workflow_id: str, request: models.RecoverRequest | None = None, *, idempotency_key: str | None = None
    ) -> models.Recovery:
        """Make a failed or cancelled workflow go on, in the same run or as a new workflow."""
        return self._thread.run(self._manager.recover(workflow_id, request, idempotency_key=idempotency_key))

    def resolve_workflow(self, workflow_id: str, *, reason: str = "") -> None:
        """Mark a workflow as needing no further attention."""
        self._thread.run(self._manager.resolve_workflow(workflow_id, reason=reason))

    def wait(self, workflow_id: str, *, timeout_seconds: float | None = None) -> models.Workflow:
        """Return the workflow once it has ended."""
        return self._thread.run(self._manager.wait(workflow_id, timeout_seconds=timeout_seconds))

    def follow(
        self, workflow_id: str, *, outage_seconds: float = OUTAGE_SECONDS, on_outage: OnOutage | None = None
    ) -> Iterator[models.Workflow]:
        """Yield the workflow now and after every change, until it has ended.

        ``on_outage`` is called in the thread of the client.
        """
        return self._thread.iterate(
            self._manager.follow(workflow_id, outage_seconds=outage_seconds, on_outage=on_outage)
        )

    # State resources

    def get_state_resource(self, namespace: str, name: str) -> models.StateResource:
        """Get the state resource ``name`` of ``namespace``."""
        return self._thread.run(self._manager.get_state_resource(namespace, name))

    def create_state_resource(self, request: models.NewStateResource) -> models.StateResource:
        """Create a state resource, or replace it."""
        return self._thread.run(self._manager.create_state_resource(request))

    def put_state_resource(self, request: models.NewStateResource) -> models.StateResource:
        """Create a state resource, or replace it, at its own path."""
        return self._thread.run(self._manager.put_state_resource(request))

    def delete_state_resource(self, namespace: str, name: str) -> None:
        """Delete a state resource."""
        self._thread.run(self._manager.delete_state_resource(namespace, name))

    # Queues and quotas

    def list_queues(self) -> list[models.Queue]:
        """List the queues that have limits, by name."""
        return self._thread.run(self._manager.list_queues())

    def get_queue(self, name: str) -> models.Queue:
        """Get the limits of a queue, and how many of its workflows run."""
        return self._thread.run(self._manager.get_queue(name))

    def put_queue(self, name: str, limits: models.QueueLimits) -> models.Queue:
        """Set the limits of a queue."""
        return self._thread.run(self._manager.put_queue(name, limits))

    def delete_queue(self, name: str) -> None:
        """Remove the limits of a queue."""
        self._thread.run(self._manager.delete_queue(name))

    def get_quotas(self) -> list[models.QuotaHeadroom]:
        """Return how much of the Step Functions API quotas is left, by action."""
        return self._thread.run(self._manager.get_quotas())

    # Access

    def whoami(
        self, *, role: models.Role | None = None, namespace: str | None = None, definition: str | None = None
    ) -> models.Identity:
        """Return who the service takes the caller for; with ``role``, also whether the caller has it there."""
        return self._thread.run(self._manager.whoami(role=role, namespace=namespace, definition=definition))

    def list_audit(
        self,
        *,
        namespace: str | None = None,
        actor: str | None = None,
        about: str | None = None,
        after: datetime | None = None,
        limit: int = 100,
    ) -> list[models.AuditEntry]:
        """List what was changed and what was refused, the newest first; without ``after``, in the last 30 days."""
        calling = self._manager.list_audit(namespace=namespace, actor=actor, about=about, after=after, limit=limit)
        return self._thread.run(calling)

    def list_keys(self) -> list[models.ApiKey]:
        """List the API keys, without their secrets."""
        return self._thread.run(self._manager.list_keys())

    def create_key(self, request: models.NewApiKey) -> models.IssuedApiKey:
        """Create an API key."""
        return self._thread.run(self._manager.create_key(request))

    def rotate_key(self, key_id: str, *, overlap_seconds: int = 86_400) -> models.IssuedApiKey:
        """Give an API key another secret; the one before stays valid for ``overlap_seconds``."""
        return self._thread.run(self._manager.rotate_key(key_id, overlap_seconds=overlap_seconds))

    def revoke_key(self, key_id: str) -> None:
        """Revoke an API key."""
        self._thread.run(self._manager.revoke_key(key_id))
