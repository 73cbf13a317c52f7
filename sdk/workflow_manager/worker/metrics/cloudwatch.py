"""Publishes the utilization of a worker to CloudWatch, so that a service can scale on it."""

from typing import TYPE_CHECKING, Final

import structlog

from workflow_manager.worker.backoff import pause, run_unless
from workflow_manager.worker.metrics.busy_time import Utilization
from workflow_manager.worker.shutdown import WorkerShutdown

if TYPE_CHECKING:
    from types_aiobotocore_cloudwatch import CloudWatchClient
    from types_aiobotocore_cloudwatch.type_defs import MetricDatumTypeDef

log = structlog.get_logger()

NAMESPACE: Final = "StatesCustom"
METRIC: Final = "ActivityActivePercent"
"""Namespace and name of the metric, as ``sfncli`` writes it; alarms and scaling policies depend on them."""


class ActivePercent:
    """Publishes the busy share as a CloudWatch metric of the activity."""

    def __init__(self, client: "CloudWatchClient") -> None:
        self._client = client

    async def __call__(self, activity_arn: str, percent: float) -> None:
        """Put one value."""
        datum: MetricDatumTypeDef = {
            "MetricName": METRIC,
            "Dimensions": [{"Name": "ActivityArn", "Value": activity_arn}],
            "Unit": "Percent",
            "Value": percent,
        }
        await self._client.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


async def publish_regularly(
    publish: ActivePercent,
    *,
    activity_arn: str,
    activity: Utilization,
    interval_seconds: float,
    shutdown: WorkerShutdown,
) -> None:
    """Publish the busy share of each interval until the worker stops; a value that cannot be published is dropped."""
    while True:
        await pause(interval_seconds, unless=shutdown.requested)
        if shutdown.requested.is_set():
            return
        try:
            await run_unless(publish(activity_arn, activity.percent()), shutdown.requested)
        except Exception:  # one value of a metric is never worth a worker
            log.exception("metric not published", action="metric-failed", activity_arn=activity_arn)
