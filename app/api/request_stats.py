"""Durations of requests, as a Prometheus histogram by method, route and status."""

from typing import Final

from prometheus_client import Histogram

UNKNOWN: Final = "unknown"
"""Label of unmatched paths and of unknown methods, to bound the cardinality of the metric."""

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds; reads with ``wait`` take up to a minute."""


class RequestStats:
    """The requests of one application; ``histogram`` is registered with the metrics of its service."""

    def __init__(self) -> None:
        self.histogram = Histogram(
            "workflow_manager_http_request_seconds",
            "Duration of requests.",
            ["method", "route", "status"],
            buckets=BUCKETS,
            registry=None,
        )
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request and its duration."""
        kind = (method if method in METHODS else UNKNOWN, route, status)
        child = self._children.get(kind)
        if child is None:
            child = self._children[kind] = self.histogram.labels(*map(str, kind))
        child.observe(seconds)
