"""Routes of workflows."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api import error_responses
from app.api.bodies import PAGE_BYTES, dump, page
from app.api.dependencies import BodiesDep, ExecutorDep, StoreDep
from app.api.pagination import NEXT_PAGE_HEADERS, CountParameters, WorkflowsParameters, announce_next_page
from app.api.parameters import IdempotencyKey, JobId, WorkflowId
from app.api.routes import events
from app.api.strict_route import StrictRoute
from app.audit.notes import note
from app.store import paging
from app.store.counts import count_workflows
from workflow_manager import errors
from workflow_manager.models import (
    CancelReason,
    Job,
    ResolveReason,
    StartWorkflowRequest,
    Workflow,
    WorkflowCounts,
    WorkflowDefinitionOverrides,
)

router = APIRouter(prefix="/workflows", tags=["workflows"], route_class=StrictRoute, responses=error_responses.COMMON)


@router.post(
    "",
    operation_id="startWorkflow",
    response_model=Workflow,
    responses=error_responses.responses(404, 409, 413, 502),
)
async def start_workflow(
    request: StartWorkflowRequest, executor: ExecutorDep, idempotency_key: IdempotencyKey = None
) -> Response:
    """Start a workflow.

    The workflow is stored before AWS is called, so it is never lost: if AWS does not answer, or its queue is full, it
    stays `queued` and starts later.
    """
    workflow = await executor.start(request, idempotency_key=idempotency_key)
    note(made=workflow.id, namespace=workflow.namespace, definition=workflow.workflow_definition.name)
    return Response(dump(workflow), media_type="application/json")


@router.get(
    "",
    operation_id="getWorkflows",
    response_model=Sequence[Workflow],
    responses={200: {"headers": NEXT_PAGE_HEADERS}},
)
async def get_workflows(
    parameters: Annotated[WorkflowsParameters, Query()], request: Request, bodies: BodiesDep, store: StoreDep
) -> Response:
    """List workflows, newest first by default. Filters combine.

    A page holds up to `limit` workflows and 8 MiB; if there are more, the header `X-Next-Page-Path` has the path of
    the next one.
    """
    found = await store.list_workflows(
        parameters.query(oldest_first=parameters.oldest_first),
        limit=parameters.limit,
        page_token=parameters.page_token,
        summaries=parameters.summary_only,
        inputs=not parameters.omit_input,
        max_bytes=PAGE_BYTES,
    )
    text, count = page(dump(workflow) for workflow in parameters.shown(found.workflows))
    token = found.next_token
    if count < len(found.workflows):
        last = found.workflows[count - 1]
        token = paging.encode(paging.Position(last.created_at, last.id))
    response = bodies.response(text)
    announce_next_page(request, response, token)
    return response


@router.get("/counts", operation_id="getWorkflowCounts")
async def get_workflow_counts(parameters: Annotated[CountParameters, Query()], store: StoreDep) -> WorkflowCounts:
    """Count workflows by status, definition, namespace, queue or error.

    The newest `limit` workflows that match the filters are counted. If more match, `more` is true and each count is a
    lower bound. It costs as much as listing these workflows with `summaryOnly` and `omitInput`.
    """
    return await count_workflows(store, parameters.query(), by=parameters.by, limit=parameters.limit)


@router.get(
    "/{workflowID}",
    operation_id="getWorkflowByID",
    response_model=Workflow,
    response_model_exclude_none=True,
    responses=events.NOT_MODIFIED | error_responses.responses(404),
)
async def get_workflow_by_id(
    workflow_id: WorkflowId,
    executor: ExecutorDep,
    feeds: events.FeedsDep,
    read: events.ReadDep,
    request: Request,
    bodies: BodiesDep,
    fetch_history: Annotated[
        bool, Query(alias="fetchHistory", description="Read the jobs from Step Functions before answering.")
    ] = False,
    wait: events.Wait = 0,
    if_none_match: events.IfNoneMatch = None,
) -> Response:
    """Return a workflow with its jobs. With `wait`, the answer comes when the workflow changes or ends."""
    if wait:
        await executor.require_readable(workflow_id)
    if wait and not await events.wait_for_change(
        request, feeds, read, workflow_id, seconds=wait, if_none_match=if_none_match
    ):
        return Response(status_code=204)  # the caller has gone
    place = await executor.place_to_show(workflow_id)
    try:
        workflow = await executor.get(workflow_id, fetch_history=fetch_history)
        # History read just now may not be in the store yet, so the stored revision does not identify the answer.
        answer = events.answer(workflow, bodies, if_none_match=None if fetch_history else if_none_match)
        if place is not None:
            answer, place = events.HeldAnswer(answer, place), None
        return answer
    finally:
        if place is not None:
            place.give_up()


@router.get(
    "/{workflowID}/jobs/{jobID}",
    operation_id="getJob",
    response_model_exclude_none=True,
    responses=error_responses.responses(404, 502),
)
async def get_job(workflow_id: WorkflowId, job_id: JobId, executor: ExecutorDep) -> Job:
    """Return one job with all its payloads.

    Payloads that the workflow leaves out (`payloadsLeftOut`) are read from Step Functions.
    """
    return await executor.job(workflow_id, job_id)


@router.delete(
    "/{workflowID}",
    operation_id="CancelWorkflow",
    response_class=Response,
    responses=error_responses.responses(404, 413, 502),
)
async def cancel_workflow(workflow_id: WorkflowId, reason: CancelReason, executor: ExecutorDep) -> Response:
    """Cancel a queued or running workflow: its execution is stopped."""
    note(reason=reason.reason)
    await executor.cancel(workflow_id, reason.reason)
    return Response(status_code=200)


@router.post(
    "/{workflowID}",
    operation_id="resumeWorkflowByID",
    response_model_exclude_none=True,
    responses=error_responses.responses(404, 409, 413, 502),
)
async def resume_workflow_by_id(
    workflow_id: WorkflowId,
    overrides: WorkflowDefinitionOverrides,
    executor: ExecutorDep,
    force: Annotated[
        bool, Query(description="Resume although the workflow was resumed before; refused while that retry is active.")
    ] = False,
    idempotency_key: IdempotencyKey = None,
) -> Workflow:
    """Resume an ended workflow: start a new one at a state, with the last input and variables of that state.

    A workflow that was resumed before is refused with 409, which names the `retry`, unless `force` is set. Repeating a
    request with its Idempotency-Key returns the same workflow.
    """
    return await executor.resume(workflow_id, overrides, force=force, idempotency_key=idempotency_key)


@router.post(
    "/{workflowID}/resolved",
    operation_id="resolveWorkflowByID",
    status_code=201,
    response_class=Response,
    responses=error_responses.responses(404, 409),
)
async def resolve_workflow_by_id(
    workflow_id: WorkflowId, executor: ExecutorDep, request: Request, reason: ResolveReason | None = None
) -> Response:
    """Mark a failed workflow as resolved: it no longer needs attention. The body is optional."""
    if reason is None and await request.body():
        raise errors.InvalidRequest("the body must be a JSON object, or absent")
    why = reason.reason if reason else ""
    note(reason=why)
    await executor.resolve(workflow_id, why)
    return Response(status_code=201)
