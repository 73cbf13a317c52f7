"""Runs commands for several activities in one process, from the environment to the last signal."""

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from workflow_manager.aws import AWSSettings
from workflow_manager.early_signals import EarlySignals
from workflow_manager.worker.activity.worker import CommandWorker
from workflow_manager.worker.commands.start_errors import warn_unless_found
from workflow_manager.worker.commands.watchdog import Guard, Watchdog
from workflow_manager.worker.config import (
    SECRET_VARIABLES,
    CommandSettings,
    Timings,
    WorkerSettings,
    command_environment,
    tags_from_environment,
)
from workflow_manager.worker.env_expansion import expand
from workflow_manager.worker.host.group import CommandWorkerGroup
from workflow_manager.worker.host.services import MetricsOptions, SharedServices, connect, open_services
from workflow_manager.worker.host.signals import stopped_by_signals
from workflow_manager.worker.host.startup import PendingStop

MAX_HOST_CHARACTERS: Final = 60
"""Leaves room for a process id within the 80 characters of a worker name."""

AWS_POLL_SECONDS: Final = 65.0
"""How long AWS may hold a poll, and a little more: who can wait that long for an open poll loses no task."""


@dataclass(frozen=True, kw_only=True)
class CommandActivity:
    """An activity, and the command for its tasks; variables in their names are expanded."""

    name: str
    command: CommandSettings
    concurrency: int = 1
    environ: Mapping[str, str] = field(default_factory=dict)
    """Variables that its commands get on top."""
    warn_when_missing: bool = False
    """Whether the log tells at the start of a command that cannot be found; ``sfncli`` lets the tasks tell."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """What all activities of a process have in common."""

    worker_name: str | None = None
    """Host and process id when absent; variables and the task of ECS are expanded."""

    timings: Timings = field(default_factory=Timings)
    metrics_options: MetricsOptions = field(default_factory=MetricsOptions)
    secrets: Collection[str] = SECRET_VARIABLES
    """Variables that commands do not get."""


def default_worker_name() -> str:
    """Name a worker after its host and process."""
    return f"{socket.gethostname()[:MAX_HOST_CHARACTERS]}-{os.getpid()}"


def timings_of(*, grace_seconds: float, heartbeat_seconds: float, every_poll_waits: bool = False) -> Timings:
    """Derive a pace from how long a stop may take, how often AWS wants to hear of a task, and which polls wait."""
    return Timings(
        every_poll_waits=every_poll_waits,
        heartbeat_interval_seconds=heartbeat_seconds,
        shutdown_grace_seconds=grace_seconds,
        poll_drain_seconds=min(grace_seconds, AWS_POLL_SECONDS),
    )


async def run_commands(
    activities: Sequence[CommandActivity], host: Host, settings: AWSSettings, *, early: EarlySignals | None = None
) -> None:
    """Serve the activities until a signal comes, or came ``early``.

    Raises what ``CommandWorker.run`` and ``open_services`` do.
    """
    pending = PendingStop()
    with stopped_by_signals(pending, early=early):
        await pending.run(_run_commands(activities, host, settings, pending))


async def _run_commands(
    activities: Sequence[CommandActivity], host: Host, settings: AWSSettings, pending: PendingStop
) -> None:
    slots = sum(activity.concurrency for activity in activities)
    connection = connect(settings, slots=slots)
    with Watchdog() as watchdog:
        async with open_services(connection, host.metrics_options) as services:
            worker_name = await services.expand(host.worker_name or default_worker_name())
            group = CommandWorkerGroup(
                [
                    _worker(activity, host, worker_name, services, shared=slots > 1, guard=watchdog)
                    for activity in activities
                ]
            )
            pending.attach(group)
            await group.run()


def _worker(
    activity: CommandActivity,
    host: Host,
    worker_name: str,
    services: SharedServices,
    *,
    shared: bool,
    guard: Guard,
) -> CommandWorker:
    environ = services.environ
    settings = WorkerSettings(
        activity_name=expand(activity.name, environ),
        worker_name=worker_name,
        concurrency=activity.concurrency,
        tags=tags_from_environment(environ),
        timings=services.timings(host.timings),
    )
    command = replace(activity.command, command=expand(activity.command.command, environ))
    if activity.warn_when_missing:
        warn_unless_found(command.command, activity=settings.activity_name, search_path=environ.get("PATH"))
    return CommandWorker(
        settings,
        command,
        shared=shared,
        guard=guard,
        environ=command_environment({**environ, **activity.environ}, without=host.secrets),
        **services.for_worker(settings),
    )
