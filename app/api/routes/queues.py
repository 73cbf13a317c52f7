"""Routes of queues."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from app.access import checks
from app.api import error_responses
from app.api.dependencies import QueuesDep
from app.api.parameters import QueueNameParameter
from app.api.strict_route import StrictRoute
from workflow_manager.models import Queue, QueueLimits

router = APIRouter(prefix="/queues", tags=["queues"], route_class=StrictRoute, responses=error_responses.COMMON)


@router.get("", operation_id="getQueues", response_model_exclude_none=True)
async def get_queues(queues: QueuesDep) -> Sequence[Queue]:
    """List the queues that have limits, by name. All other queues start workflows at once."""
    return [_shown(queue) for queue in await queues.configured()]


@router.get("/{name}", operation_id="getQueue", response_model_exclude_none=True)
async def get_queue(name: QueueNameParameter, queues: QueuesDep) -> Queue:
    """Return a queue. A queue without limits starts workflows at once."""
    return _shown(await queues.get(name))


@router.put(
    "/{name}", operation_id="putQueue", response_model_exclude_none=True, responses=error_responses.responses(409, 413)
)
async def put_queue(name: QueueNameParameter, limits: QueueLimits, queues: QueuesDep) -> Queue:
    """Set the limits of a queue. Omitted limits are removed; running workflows are not affected."""
    return await queues.put(name, limits)


@router.delete("/{name}", operation_id="deleteQueue", response_class=Response, responses=error_responses.responses(409))
async def delete_queue(name: QueueNameParameter, queues: QueuesDep) -> Response:
    """Remove the limits of a queue: its workflows start at once, and `getQueues` no longer lists it.

    A queue without limits is not changed.
    """
    await queues.delete(name)
    return Response(status_code=200)


def _shown(queue: Queue) -> Queue:
    """Return a queue without its counts for callers who see some namespaces alone: they are those of all."""
    return queue if checks.sees_counts() else queue.model_copy(update={"running": 0, "queued": 0})
