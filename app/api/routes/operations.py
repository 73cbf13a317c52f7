"""Routes for operators: readiness, metrics, quotas."""

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
        "description": "Metrics in the Prometheus text format.",
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
    """Readiness: 503 while the service stops, its poller makes no progress, or its store does not answer.

    For load balancers; use `/_health` to check that the process is alive.
    """
    if request.app.state.shutdown.draining:
        raise errors.NotReady("the service is stopping; send requests to another replica")
    await request.app.state.services.readiness.check()
    return Response(status_code=200)


@router.get("/metrics", operation_id="getMetrics", response_class=Response, responses=METRICS_ANSWER)
async def get_metrics(metrics: Annotated[CollectorRegistry, Depends(_metrics)]) -> Response:
    """Return the metrics of this process in the Prometheus text format."""
    return Response(generate_latest(metrics), media_type=CONTENT_TYPE_PLAIN_0_0_4)


@router.get("/quotas", operation_id="getQuotas")
async def get_quotas(quotas: QuotasDep) -> Sequence[QuotaHeadroom]:
    """List how much of each quota of Step Functions is left, by action."""
    return [QuotaHeadroom.model_validate(headroom, from_attributes=True) for headroom in quotas.headroom()]
