"""Prometheus metrics, collected from the parts of the service at each scrape."""

from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.executor import Quotas
from app.poller import Poller
from app.store.unreadable import UnreadableRecords

PREFIX: Final = "workflow_manager"


def registry(quotas: Quotas, poller: Poller | None, unreadable: UnreadableRecords | None = None) -> CollectorRegistry:
    """Return a registry of its own, so that several services in one process do not mix."""
    collectors = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=collectors)
    PlatformCollector(registry=collectors)
    collectors.register(QuotaCollector(quotas))
    collectors.register(UnreadableCollector(unreadable or UnreadableRecords()))
    if poller is not None:
        collectors.register(PollerCollector(poller))
    return collectors


class UnreadableCollector(Collector):
    """Records of the store that cannot be read, by kind; the log names each of them once."""

    def __init__(self, unreadable: UnreadableRecords) -> None:
        self._unreadable = unreadable

    def collect(self) -> Iterable[Metric]:
        """Read the counts."""
        records = CounterMetricFamily(
            f"{PREFIX}_unreadable_records", "Records of the store that could not be read.", labels=["kind"]
        )
        for kind, count in self._unreadable.counts.items():
            records.add_metric([kind], count)
        return [records]


class QuotaCollector(Collector):
    """Calls, throttles and headroom of every limited action."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def collect(self) -> Iterable[Metric]:
        """Read the buckets."""
        calls = CounterMetricFamily(f"{PREFIX}_sfn_calls", "Calls of Step Functions.", labels=["action"])
        throttled = CounterMetricFamily(f"{PREFIX}_sfn_throttled", "Calls that AWS throttled.", labels=["action"])
        available = GaugeMetricFamily(f"{PREFIX}_sfn_available", "Calls that can be made now.", labels=["action"])
        waiting = GaugeMetricFamily(f"{PREFIX}_sfn_waiting", "Calls that wait for their quota.", labels=["action"])
        for headroom in self._quotas.headroom():
            calls.add_metric([headroom.action], headroom.calls)
            throttled.add_metric([headroom.action], headroom.throttled)
            available.add_metric([headroom.action], headroom.available)
            waiting.add_metric([headroom.action], headroom.waiting)
        return [calls, throttled, available, waiting]


class PollerCollector(Collector):
    """How fresh the stored statuses are, and what waits."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller

    def collect(self) -> Iterator[Metric]:
        """Read the poller."""
        status = self._poller.status()
        gauges = {
            "poller_leading": ("Whether this process does the polling.", float(status.leading)),
            "poller_tick_age_seconds": ("Time since the poller last looked for work.", status.tick_age_seconds),
            "poller_active": ("Active workflows that are kept up to date.", status.active),
            "poller_oldest_unobserved_seconds": (
                "Longest time that a change of an active workflow can have gone unseen.",
                status.oldest_unobserved_seconds,
            ),
            "poller_sweep_seconds": ("Time that the slowest of the latest sweeps took.", status.sweep_seconds),
            "poller_doubtful": ("Workflows that lists do not show, to be asked for singly.", status.unconfirmed),
            "poller_details_pending": ("Ended workflows whose details are missing.", status.details_pending),
            "queued": ("Workflows that wait to be started.", status.queued),
            "dispatch_lag_seconds": (
                "Waiting time of the workflow that waits longest in a queue without limits.",
                status.dispatch_lag_seconds,
            ),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)
        depth = GaugeMetricFamily(f"{PREFIX}_queue_depth", "Workflows that wait in a limited queue.", labels=["queue"])
        for queue, count in status.queue_depths.items():
            depth.add_metric([queue], count)
        yield depth
