"""The route that makes failed work go on."""

from fastapi import APIRouter

from app.api import error_responses
from app.api.dependencies import RecovererDep
from app.api.parameters import IdempotencyKey, WorkflowId
from app.api.strict_route import StrictRoute
from workflow_manager.models import RecoverRequest, Recovery

router = APIRouter(prefix="/workflows", tags=["workflows"], route_class=StrictRoute, responses=error_responses.COMMON)


@router.post(
    "/{workflowID}/recover",
    operation_id="recoverWorkflow",
    response_model_exclude_none=True,
    responses=error_responses.responses(404, 409, 413, 502),
)
async def recover_workflow(
    workflow_id: WorkflowId,
    request: RecoverRequest,
    recoverer: RecovererDep,
    idempotency_key: IdempotencyKey = None,
) -> Recovery:
    """Make a failed or cancelled workflow go on: in the same run where that helps, else as a new workflow.

    With `dryRun`, only say what would happen: what runs again, what is kept, and what to know before.
    """
    return await recoverer.recover(workflow_id, request, idempotency_key=idempotency_key)
