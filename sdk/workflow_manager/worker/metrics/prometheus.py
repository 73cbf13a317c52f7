"""Metrics of a worker process for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

from workflow_manager import errors
from workflow_manager.worker.metrics.hooks import PollResult, TaskOutcome

log = structlog.get_logger()

PREFIX: Final = "workflow_manager_worker"
SECONDS_BUCKETS: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400)
"""Tasks take from a blink to half a day."""


class WorkerMetrics:
    """The metrics of all activities that a process serves, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._polls = Counter(
            f"{PREFIX}_polls", "Polls for a task, by result.", ("activity", "result"), registry=self.registry
        )
        self._tasks = Counter(
            f"{PREFIX}_tasks", "Tasks that have ended, by outcome.", ("activity", "outcome"), registry=self.registry
        )
        self._seconds = Histogram(
            f"{PREFIX}_task_seconds",
            "Time from taking a task to reporting its end.",
            ("activity",),
            buckets=SECONDS_BUCKETS,
            registry=self.registry,
        )
        self._active = Gauge(f"{PREFIX}_active_tasks", "Tasks that run now.", ("activity",), registry=self.registry)
        self._slots = Gauge(
            f"{PREFIX}_slots", "Tasks that can run at the same time.", ("activity",), registry=self.registry
        )

    def hooks(self, activity: str, *, slots: int) -> "ActivityMetrics":
        """Return the observer of one activity; all its series are there from the start, at zero."""
        self._slots.labels(activity).set(slots)
        return ActivityMetrics(
            polls={result: self._polls.labels(activity, result) for result in PollResult},
            tasks={outcome: self._tasks.labels(activity, outcome) for outcome in TaskOutcome},
            seconds=self._seconds.labels(activity),
            active=self._active.labels(activity),
        )


class ActivityMetrics:
    """Counts what happens on one activity."""

    def __init__(
        self, *, polls: dict[PollResult, Counter], tasks: dict[TaskOutcome, Counter], seconds: Histogram, active: Gauge
    ) -> None:
        self._polls = polls
        self._tasks = tasks
        self._seconds = seconds
        self._active = active

    def polled(self, result: PollResult) -> None:
        """Count a poll."""
        self._polls[result].inc()

    def task_started(self) -> None:
        """Count a task as running."""
        self._active.inc()

    def task_ended(self, outcome: TaskOutcome, *, seconds: float) -> None:
        """Count a task as over."""
        self._active.dec()
        self._tasks[outcome].inc()
        self._seconds.observe(seconds)


@contextmanager
def metrics_server(metrics: WorkerMetrics, *, host: str, port: int) -> Iterator[int]:
    """Answer Prometheus on ``port`` of the address ``host`` meanwhile, and yield the port; 0 takes a free one.

    Raises ``StartupError`` when that cannot be listened on.
    """
    try:
        server, thread = start_http_server(port, addr=host, registry=metrics.registry)
    except OSError as taken:
        raise errors.StartupError(f"Cannot serve metrics on port {port} of {host}: {taken.strerror}.") from None
    log.info("serving metrics", action="metrics-served", port=server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
