"""Routes for those who operate the service: readiness, metrics, quotas."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from app.api import error_responses
from app.api.dependencies import QuotasDep
from workflow_manager import errors
from workflow_manager.models import QuotaHeadroom

router = APIRouter(tags=["operations"], responses=error_responses.COMMON)

METRICS_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The metrics.",
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": 'workflow_manager_sfn_calls_total{action="StartExecution"} 1024.0\n',
            }
        },
    }
}


async def _metrics(request: Request) -> CollectorRegistry:
    metrics: CollectorRegistry = request.app.state.services.metrics
    return metrics


@router.get("/_ready", operation_id="readinessCheck", response_class=Response)
async def readiness_check(request: Request) -> Response:
    """Tell whether to send requests here: 503 while the service stops, its poller stands still or its store is silent.

    Load balancers should ask this; whether the process is alive is `/_health`.
    """
    if request.app.state.shutdown.draining:
        raise errors.NotReady("the service is stopping; send requests to another replica")
    await request.app.state.services.readiness.check()
    return Response(status_code=200)


@router.get("/metrics", operation_id="getMetrics", response_class=Response, responses=METRICS_ANSWER)
async def get_metrics(metrics: Annotated[CollectorRegistry, Depends(_metrics)]) -> Response:
    """Return the metrics of this process, in the text form of Prometheus."""
    return Response(generate_latest(metrics), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/quotas", operation_id="getQuotas")
async def get_quotas(quotas: QuotasDep) -> Sequence[QuotaHeadroom]:
    """Tell how much of the quotas of Step Functions is left, by action; actions without a quota are not listed."""
    return [QuotaHeadroom.model_validate(headroom, from_attributes=True) for headroom in quotas.headroom()]
