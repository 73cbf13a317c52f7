"""The worker: serves one activity with a fixed number of slots."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

import structlog

from workflow_manager.worker.activity.heartbeat import Heartbeat
from workflow_manager.worker.activity.poll_loop import PollLoop
from workflow_manager.worker.activity.poll_rate import RateLimiter
from workflow_manager.worker.activity.registration import Registration
from workflow_manager.worker.activity.reporter import Reporter
from workflow_manager.worker.activity.task_runner import Handler, TaskRunner
from workflow_manager.worker.commands.handler import CommandHandler
from workflow_manager.worker.commands.watchdog import Guard
from workflow_manager.worker.config import CommandSettings, WorkerSettings
from workflow_manager.worker.metrics.busy_time import Utilization
from workflow_manager.worker.metrics.cloudwatch import ActivePercent, publish_regularly
from workflow_manager.worker.metrics.hooks import Hooks, NoHooks
from workflow_manager.worker.shutdown import WorkerShutdown
from workflow_manager.worker.task_json import CommandCodec, PayloadCodec

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger()

PARTIAL_LINE_SECONDS: Final = 0.2
"""How long a part of a line waits for the rest before it is shown."""


class ActivityWorker:
    """Takes tasks of one activity and has them done by a handler.

    ``polls`` and ``calls`` are Step Functions clients that raise our errors; ``polls`` neither retries nor gives up
    within 70 s. ``publish`` gets the busy share every minute; ``protection`` is entered around each task;
    ``hooks`` hears of polls and tasks; ``rules`` judge what goes in and out, by default those of ``sfncli``.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        handler: Handler,
        *,
        polls: "SFNClient",
        calls: "SFNClient",
        publish: ActivePercent | None = None,
        protection: AbstractAsyncContextManager[object] | None = None,
        hooks: Hooks | None = None,
        rules: PayloadCodec | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        timings = settings.timings
        self._settings = settings
        self._polls = polls
        self._publish = publish
        self._protection = protection or contextlib.nullcontext()
        self._hooks = hooks or NoHooks()
        self._shutdown = WorkerShutdown(grace_seconds=timings.shutdown_grace_seconds, clock=clock)
        self._rate_limiter = RateLimiter(
            slots=settings.concurrency, interval_seconds=timings.poll_interval_seconds, clock=clock
        )
        self._registration = Registration(calls, settings, self._shutdown)
        self._activity = Utilization(slots=settings.concurrency, clock=clock)
        self._runner = TaskRunner(
            handler,
            rules=rules or CommandCodec(),
            heartbeat=Heartbeat(
                calls,
                interval_seconds=timings.heartbeat_interval_seconds,
                retry_seconds=timings.heartbeat_retry_seconds,
            ),
            reporter=Reporter(calls, timings=timings, shutdown=self._shutdown, clock=clock),
            shutdown=self._shutdown,
            hooks=self._hooks,
            lost_grace_seconds=timings.lost_grace_seconds,
        )
        self.registered = asyncio.Event()
        """Set once AWS knows the activity."""
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Register the activity, then work until ``stop``.

        Raises what no waiting can heal: ``RefusedByAWS`` (a name that AWS does not take), ``AccessDenied`` at the
        start, and the error of a slot that died, after the other slots have ended in order.
        """
        try:
            activity_arn = await self._registration.register()
            if activity_arn is not None:
                self.registered.set()
                await self._serve(activity_arn)
        finally:
            self._ended.set()

    def request_stop(self) -> None:
        """Take no more tasks and end the running ones; a second call ends them at once."""
        log.info("stopping", action="worker-stopping", at_once=self._shutdown.requested.is_set())
        self._shutdown.request()

    async def stop(self) -> None:
        """Request a stop and wait until ``run`` has ended."""
        self.request_stop()
        await self._ended.wait()

    async def _serve(self, activity_arn: str) -> None:
        settings = self._settings
        log.info(
            "worker started",
            action="worker-started",
            activity_arn=activity_arn,
            worker_name=settings.worker_name,
            concurrency=settings.concurrency,
        )
        tasks = [
            asyncio.create_task(self._slot(activity_arn), name=f"poll-loop-{slot}")
            for slot in range(settings.concurrency)
        ]
        if self._publish is not None:
            tasks.append(asyncio.create_task(self._metric(activity_arn, self._publish), name="active-percent"))
        try:
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        log.info("worker stopped", action="worker-stopped", activity_arn=activity_arn)
        for failure in [task.exception() for task in tasks]:
            if failure is not None:
                raise failure

    async def _slot(self, activity_arn: str) -> None:
        # A slot is an asyncio task, so this is in all its lines and in no others.
        structlog.contextvars.bind_contextvars(activity=self._settings.activity_name)
        loop = PollLoop(
            activity_arn,
            self._settings,
            polls=self._polls,
            rate_limiter=self._rate_limiter,
            runner=self._runner,
            registration=self._registration,
            shutdown=self._shutdown,
            activity=self._activity,
            protection=self._protection,
            hooks=self._hooks,
        )
        try:
            await loop.run()
        except Exception:
            log.exception("poll loop died; stopping the worker", action="poll-loop-died", activity_arn=activity_arn)
            self._shutdown.request()
            raise

    async def _metric(self, activity_arn: str, publish: ActivePercent) -> None:
        await publish_regularly(
            publish,
            activity_arn=activity_arn,
            activity=self._activity,
            interval_seconds=self._settings.timings.metric_interval_seconds,
            shutdown=self._shutdown,
        )


class CommandWorker(ActivityWorker):
    """Takes tasks of one activity and runs a command for each.

    The outputs of commands are shown on ``stdout`` and ``stderr``, by default those of the worker; ``shared`` says that
    other commands write there at the same time, by default those of the other slots. Commands inherit ``environ``, by
    default the environment of the worker. ``guard`` kills them when this process dies; without it they live on.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        command: CommandSettings,
        *,
        polls: "SFNClient",
        calls: "SFNClient",
        publish: ActivePercent | None = None,
        protection: AbstractAsyncContextManager[object] | None = None,
        hooks: Hooks | None = None,
        stdout: BinaryIO | None = None,
        stderr: BinaryIO | None = None,
        shared: bool | None = None,
        environ: Mapping[str, str] | None = None,
        guard: Guard | None = None,
    ) -> None:
        shared = settings.concurrency > 1 if shared is None else shared
        self._commands = CommandHandler(
            command,
            stdout=stdout or _unbuffered(sys.stdout),
            stderr=stderr or _unbuffered(sys.stderr),
            environ=os.environ if environ is None else environ,
            hold_seconds=PARTIAL_LINE_SECONDS if shared else 0,
            guard=guard,
        )
        super().__init__(
            settings,
            self._commands,
            polls=polls,
            calls=calls,
            publish=publish,
            protection=protection,
            hooks=hooks,
        )

    async def run(self) -> None:
        """Check the work directory (``SettingsError``), register the activity, then work until ``stop``."""
        self._commands.prepare()
        await super().run()

    def forward_signal(self, number: int) -> bool:
        """Send a signal to the commands that run now; tell whether there is one."""
        return self._commands.forward(number)


def _unbuffered(output: TextIO) -> BinaryIO:
    """Return what is behind an output; a thread that is stuck in a buffer would hold up the end of the process."""
    return os.fdopen(output.fileno(), "wb", buffering=0, closefd=False)
