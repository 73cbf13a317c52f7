"""What the workers of one process share: clients of AWS, the protection of ECS, metrics."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypedDict

import httpx

from workflow_manager import aws
from workflow_manager.worker.config import Timings, WorkerSettings
from workflow_manager.worker.env_expansion import expand
from workflow_manager.worker.host.ecs import AGENT_VARIABLE, TaskProtection, expand_ecs_task
from workflow_manager.worker.metrics.cloudwatch import ActivePercent
from workflow_manager.worker.metrics.hooks import Hooks, NoHooks
from workflow_manager.worker.metrics.prometheus import WorkerMetrics, metrics_server

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

ECS_TIMEOUT_SECONDS: Final = 5.0

LOOPBACK: Final = "127.0.0.1"

EMBEDDED_DRAIN_SECONDS: Final = 1.0
"""The embedded AWS gives no task to a poll that hung up, so a stop need not wait for one."""


@dataclass(frozen=True, kw_only=True)
class MetricsOptions:
    """Whom the workers tell how they are doing."""

    cloudwatch: bool = False
    """Whether their utilization is published to CloudWatch."""

    cloudwatch_region: str | None = None
    """Where; by default where the activities are. Variables are expanded."""

    metrics_port: int | None = None
    """Where Prometheus asks; 0 takes a free port."""

    metrics_host: str = LOOPBACK
    """Address of that port; by default loopback, because metrics name activities."""


class WorkerServices(TypedDict):
    """What one worker is given."""

    polls: "SFNClient"
    calls: "SFNClient"
    publish: ActivePercent | None
    protection: AbstractAsyncContextManager[object] | None
    hooks: Hooks


@dataclass(frozen=True, kw_only=True)
class SharedServices:
    """Everything that is open; ``open_services`` opens and closes it."""

    polls: "SFNClient"
    calls: "SFNClient"
    http: httpx.AsyncClient
    environ: Mapping[str, str]
    embedded: bool = False
    publish: ActivePercent | None = None
    protection: AbstractAsyncContextManager[object] | None = None
    metrics: WorkerMetrics | None = None

    def for_worker(self, settings: WorkerSettings) -> WorkerServices:
        """Return the arguments that a worker of these settings takes."""
        observed = self.metrics and self.metrics.hooks(settings.activity_name, slots=settings.concurrency)
        return WorkerServices(
            polls=self.polls,
            calls=self.calls,
            publish=self.publish,
            protection=self.protection,
            hooks=observed or NoHooks(),
        )

    def timings(self, wanted: Timings) -> Timings:
        """Return the pace that suits this AWS."""
        return replace(wanted, poll_drain_seconds=EMBEDDED_DRAIN_SECONDS) if self.embedded else wanted

    async def expand(self, name: str) -> str:
        """Replace variables and what stands for the task of ECS; raises ``SettingsError``."""
        return await expand_ecs_task(expand(name, self.environ), self.environ, self.http)


def connect(settings: aws.AWSSettings, *, slots: int) -> aws.AWS:
    """Find out which AWS is meant, with room for ``slots`` long polls; raises ``SettingsError``.

    Each slot holds a connection for a minute at a time.
    """
    return aws.connect(replace(settings, max_connections=max(settings.max_connections, slots)))


@asynccontextmanager
async def open_services(
    connection: aws.AWS, metrics_options: MetricsOptions, *, environ: Mapping[str, str] = os.environ
) -> AsyncIterator[SharedServices]:
    """Open what the workers share.

    Raises ``StartupError`` when the port for metrics is taken, and ``SettingsError`` for a region that cannot be.
    """
    async with AsyncExitStack() as stack:
        metrics = WorkerMetrics() if metrics_options.metrics_port is not None else None
        if metrics is not None:
            stack.enter_context(
                metrics_server(metrics, host=metrics_options.metrics_host, port=metrics_options.metrics_port or 0)
            )
        polls = await stack.enter_async_context(connection.long_polls())
        calls = await stack.enter_async_context(connection.step_functions())
        # ECS speaks plain HTTP on addresses of the machine itself: no proxy, and no certificates to load.
        http = await stack.enter_async_context(
            httpx.AsyncClient(timeout=ECS_TIMEOUT_SECONDS, trust_env=False, verify=False)  # noqa: S501
        )
        protection = TaskProtection(environ[AGENT_VARIABLE], http) if environ.get(AGENT_VARIABLE) else None
        if protection is not None:
            stack.push_async_callback(protection.close)
        publish = None
        if metrics_options.cloudwatch:
            region = expand(metrics_options.cloudwatch_region or "", environ) or None
            client = await stack.enter_async_context(connection.cloudwatch(region))
            publish = ActivePercent(client)
        yield SharedServices(
            polls=polls,
            # The stubs want typed dicts where any mapping of the same keys will do.
            calls=calls,
            http=http,
            environ=environ,
            embedded=connection.embedded,
            publish=publish,
            protection=protection,
            metrics=metrics,
        )
