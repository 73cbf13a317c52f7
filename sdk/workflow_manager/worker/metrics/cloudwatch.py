"""Tells CloudWatch how busy a worker is, so that a service can scale on it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import structlog

from workflow_manager.worker.backoff import pause, unless
from workflow_manager.worker.metrics.busy_time import ActivityClock
from workflow_manager.worker.shutdown import WorkerShutdown

log = structlog.get_logger()

NAMESPACE: Final = "StatesCustom"
METRIC: Final = "ActivityActivePercent"
"""Namespace and name of the metric, as ``sfncli`` writes it; alarms and scaling policies depend on them."""


class MetricsClient(Protocol):
    """The call of the CloudWatch API that is used here."""

    async def put_metric_data(self, *, Namespace: str, MetricData: Sequence[Mapping[str, Any]]) -> object:  # noqa: N803
        """Store values of metrics."""
        ...


class ActivePercent(Protocol):
    """Takes the busy share of a worker, 0 to 100."""

    async def __call__(self, activity_arn: str, percent: float) -> None:
        """Publish one value."""
        ...


class CloudWatchActivePercent:
    """Publishes the busy share as a CloudWatch metric of the activity."""

    def __init__(self, client: MetricsClient) -> None:
        self._client = client

    async def __call__(self, activity_arn: str, percent: float) -> None:
        """Put one value."""
        datum = {
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
    activity: ActivityClock,
    interval_seconds: float,
    shutdown: WorkerShutdown,
) -> None:
    """Publish the busy share of each interval until the worker stops; a value that cannot be published is dropped."""
    while True:
        await pause(interval_seconds, unless=shutdown.requested)
        if shutdown.requested.is_set():
            return
        try:
            await unless(publish(activity_arn, activity.percent()), shutdown.requested)
        except Exception:  # one value of a metric is never worth a worker
            log.exception("Metric was not published", action="metric-failed", activity_arn=activity_arn)
