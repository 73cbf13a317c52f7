"""The route that makes failed work go on."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import StringConstraints

from app.api import error_responses
from app.api.parameters import NAME_PATTERN, IdempotencyKey
from app.api.strict_route import StrictRoute
from app.executor.recovery.recoverer import Recoverer
from workflow_manager.models import RecoverRequest, Recovery

router = APIRouter(prefix="/workflows", tags=["workflows"], route_class=StrictRoute, responses=error_responses.COMMON)


_WorkflowId = Annotated[
    str, StringConstraints(pattern=NAME_PATTERN), Path(alias="workflowID", description="Id of the workflow.")
]


async def _recoverer(request: Request) -> Recoverer:
    recoverer: Recoverer = request.app.state.services.recoverer
    return recoverer


@router.post(
    "/{workflowID}/recover",
    operation_id="recoverWorkflow",
    response_model_exclude_none=True,
    responses=error_responses.responses(404, 409, 413, 502),
)
async def recover_workflow(
    workflow_id: _WorkflowId,
    request: RecoverRequest,
    recoverer: Annotated[Recoverer, Depends(_recoverer)],
    idempotency_key: IdempotencyKey = None,
) -> Recovery:
    """Make a failed or cancelled workflow go on: in the same run where that helps, else as a new workflow.

    With `dryRun`, only say what would happen: what runs again, what is kept, and what to know before.
    """
    return await recoverer.recover(workflow_id, request, idempotency_key=idempotency_key)
