"""Operations on workflows."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple, Unpack

from workflow_manager import errors, models
from workflow_manager.client.decoding import (
    JOB,
    LISTED_WORKFLOWS,
    RECOVERY,
    WORKFLOW,
    WORKFLOW_COUNTS,
    decode,
    decode_nothing,
)
from workflow_manager.client.http import Caller
from workflow_manager.client.outage_tolerance import OUTAGE_SECONDS, OnOutage, OutageTolerance
from workflow_manager.client.request_parts import (
    WorkflowFilters,
    filter_params,
    flag,
    idempotency_header,
    job_path,
    same_service_path,
    valid,
    workflow_path,
)
from workflow_manager.client.watching import EventFollower, LongPoll, NoEvents, poll_changes

PATH: Final = "/workflows"


class WorkflowPage(NamedTuple):
    """A page of workflows, and the path of the next page (None at the end)."""

    workflows: tuple[models.Workflow, ...]
    next_page_path: str | None


class WorkflowCalls(Caller):
    """Starts, reads, lists, follows and changes workflows."""

    async def start_workflow(
        self, request: models.StartWorkflowRequest, *, idempotency_key: str | None = None
    ) -> models.Workflow:
        """Start a workflow; a repeated call with the same key and request returns the same one. Default: a new key."""
        return await self._post_once(PATH, request, key=idempotency_key, missing=errors.DefinitionNotFound)

    async def get_workflow(self, workflow_id: str, *, fetch_history: bool = False) -> models.Workflow:
        """Get a workflow; with ``fetch_history`` the service reads its jobs from Step Functions."""
        return await self._read(workflow_id, fetch_history=fetch_history)

    async def get_job(self, workflow_id: str, job_id: str) -> models.Job:
        """Get one job of a workflow with all its payloads, including those that the workflow omits."""
        response = await self._connection.request(
            "GET", job_path(workflow_id, job_id), repeatable=True, missing=errors.JobNotFound
        )
        return decode(response, JOB)

    async def list_workflows(
        self, *, page_token: str | None = None, **filters: Unpack[WorkflowFilters]
    ) -> WorkflowPage:
        """Get one page of workflows, the newest first unless ``oldest_first``."""
        token = [] if page_token is None else [("pageToken", page_token)]
        return await self._get_page(PATH, [*filter_params(filters), *token])

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

    async def count_workflows(
        self, *, by: models.WorkflowProperty, **filters: Unpack[WorkflowFilters]
    ) -> models.WorkflowCounts:
        """Count the newest workflows by a property; ``limit`` is how many, 1,000 by default.

        Of the filters those of paging do not apply: ``oldest_first``, ``summary_only``, ``omit_input``.
        """
        params = [("by", by.value), *filter_params(filters)]
        response = await self._connection.request("GET", f"{PATH}/counts", repeatable=True, params=params)
        return decode(response, WORKFLOW_COUNTS)

    async def cancel_workflow(self, workflow_id: str, *, reason: str = "") -> None:
        """Stop a workflow; `errors.WorkflowEnded` when it has already ended."""
        body = valid(models.CancelReason, reason=reason)
        try:
            response = await self._connection.request(
                "DELETE", workflow_path(workflow_id), repeatable=False, body=body, missing=errors.WorkflowNotFound
            )
        except errors.InvalidRequest as refusal:
            # An invalid request has findings; a refusal without any is about the workflow.
            raise refusal if refusal.findings else errors.WorkflowEnded(refusal.message) from refusal
        decode_nothing(response)

    async def resume_workflow(
        self, workflow_id: str, *, start_at: str, force: bool = False, idempotency_key: str | None = None
    ) -> models.Workflow:
        """Start a new workflow that resumes one that has ended, from its state ``start_at``.

        `errors.Conflict` when it was resumed before, unless ``force``, or when it has not ended.
        """
        body = valid(models.WorkflowDefinitionOverrides, StartAt=start_at)
        path = workflow_path(workflow_id)
        params = [("force", flag(force))] if force else []
        return await self._post_once(path, body, key=idempotency_key, missing=errors.WorkflowNotFound, params=params)

    async def recover(
        self, workflow_id: str, request: models.RecoverRequest | None = None, *, idempotency_key: str | None = None
    ) -> models.Recovery:
        """Make a failed or cancelled workflow go on: in the same run where that helps, else as a new workflow.

        With ``dry_run`` in the request the service only says what would happen. `errors.Conflict` when it is active,
        resolved, or was resumed by a workflow that is active or has succeeded.
        """
        response = await self._connection.request(
            "POST",
            f"{workflow_path(workflow_id)}/recover",
            repeatable=True,
            body=request or models.RecoverRequest(),
            headers=idempotency_header(str(uuid.uuid4()) if idempotency_key is None else idempotency_key),
            missing=errors.WorkflowNotFound,
        )
        return decode(response, RECOVERY)

    async def resolve_workflow(self, workflow_id: str, *, reason: str = "") -> None:
        """Mark a workflow as needing no further attention; `errors.Conflict` when it already is."""
        path = f"{workflow_path(workflow_id)}/resolved"
        body = valid(models.ResolveReason, reason=reason) if reason else None
        decode_nothing(
            await self._connection.request("POST", path, repeatable=False, body=body, missing=errors.WorkflowNotFound)
        )

    async def wait(self, workflow_id: str, *, timeout_seconds: float | None = None) -> models.Workflow:
        """Return the workflow once it has ended; `TimeoutError` when that takes too long.

        Outages of the service are waited out, at the start too: until the timeout, or for five minutes without one.
        """
        poll = LongPoll(self._connection, workflow_id, sleep=self._sleep)
        seconds = OUTAGE_SECONDS if timeout_seconds is None else timeout_seconds
        tolerance = OutageTolerance(self._connection, seconds, sleep=self._sleep)
        last: models.Workflow | None = None
        try:
            async with asyncio.timeout(timeout_seconds):
                async for workflow in poll_changes(poll.read, sleep=poll.sleep, tolerance=tolerance):
                    last = workflow
                return await tolerance.read(lambda: self._read(workflow_id, once=True))
        except TimeoutError as error:
            seen = "was never read" if last is None else f"is {last.status.value}"
            raise TimeoutError(f"Workflow {workflow_id} {seen} after {timeout_seconds} s.") from error

    async def follow(
        self, workflow_id: str, *, outage_seconds: float = OUTAGE_SECONDS, on_outage: OnOutage | None = None
    ) -> AsyncGenerator[models.Workflow, None]:
        """Yield the workflow, with its jobs, now and after every change, until it has ended.

        Changes arrive as events of the service; it is polled if it has none, or if a proxy buffers them. During an
        outage, at the start too, ``on_outage`` is called with the error of each failed attempt, and with None once the
        service answers again; after ``outage_seconds`` the error is raised.
        """
        tolerance = OutageTolerance(self._connection, outage_seconds, sleep=self._sleep, on_outage=on_outage)
        events = EventFollower(self._connection, workflow_id, sleep=self._sleep, tolerance=tolerance)
        try:
            async with aclosing(events.changes()) as changes:
                async for workflow in changes:
                    yield workflow
        except NoEvents:
            polled = poll_changes(
                lambda: self._read(workflow_id, once=True),
                sleep=self._sleep,
                tolerance=tolerance,
                known=events.last,
            )
            async with aclosing(polled):
                async for workflow in polled:
                    yield workflow

    async def _read(self, workflow_id: str, *, fetch_history: bool = True, once: bool = False) -> models.Workflow:
        response = await self._connection.request(
            "GET",
            workflow_path(workflow_id),
            repeatable=True,
            params=[("fetchHistory", flag(fetch_history))],
            once=once,
            missing=errors.WorkflowNotFound,
        )
        return decode(response, WORKFLOW)

    async def _post_once(
        self,
        path: str,
        body: models.Request,
        *,
        key: str | None,
        missing: type[errors.NotFound],
        params: Sequence[tuple[str, str]] = (),
    ) -> models.Workflow:
        headers = idempotency_header(str(uuid.uuid4()) if key is None else key)
        response = await self._connection.request(
            "POST", path, repeatable=True, body=body, headers=headers, params=params, missing=missing
        )
        return decode(response, WORKFLOW)

    async def _get_page(self, path: str, params: Sequence[tuple[str, str]]) -> WorkflowPage:
        response = await self._connection.request("GET", path, repeatable=True, params=params)
        found = decode(response, LISTED_WORKFLOWS)
        return WorkflowPage(found, same_service_path(response))
