"""Asks AWS for tasks, one at a time."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import structlog

from workflow_manager import errors
from workflow_manager.worker.activity.poll_rate import RateLimiter
from workflow_manager.worker.activity.registration import Registration
from workflow_manager.worker.activity.task_runner import TaskRunner
from workflow_manager.worker.backoff import Backoff, pause, wait_or_event
from workflow_manager.worker.config import MAX_NAME_LENGTH, WorkerSettings
from workflow_manager.worker.metrics.busy_time import Utilization
from workflow_manager.worker.metrics.hooks import Hooks, PollResult
from workflow_manager.worker.shutdown import WorkerShutdown
from workflow_manager.worker.task_json import PolledTask

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger()


class PollLoop:
    """One slot of a worker: asks for a task, sees it through, asks again."""

    def __init__(
        self,
        activity_arn: str,
        settings: WorkerSettings,
        *,
        polls: "SFNClient",
        rate_limiter: RateLimiter,
        runner: TaskRunner,
        registration: Registration,
        shutdown: WorkerShutdown,
        activity: Utilization,
        protection: AbstractAsyncContextManager[object],
        hooks: Hooks,
    ) -> None:
        self._activity_arn = activity_arn
        self._worker_name = settings.worker_name
        self._drain_seconds = settings.timings.poll_drain_seconds
        self._polls = polls
        self._rate_limiter = rate_limiter
        self._runner = runner
        self._registration = registration
        self._shutdown = shutdown
        self._activity = activity
        self._protection = protection
        self._hooks = hooks
        self._every_poll_waits = settings.timings.every_poll_waits
        self._brought_task = False
        self._backoff = Backoff(
            first_seconds=settings.timings.backoff_first_seconds, cap_seconds=settings.timings.backoff_cap_seconds
        )

    async def run(self) -> None:
        """Work until the worker stops; raises only what no waiting can heal."""
        while not self._shutdown.requested.is_set():
            await self.run_once()

    async def run_once(self) -> None:
        """Poll once, when it is this loop's turn, and see the task through that the poll brought.

        After a poll that brought a task the next one needs no turn: more tasks may be there.
        """
        if self._every_poll_waits or not self._brought_task:
            with self._activity.paused():
                await pause(self._rate_limiter.reserve(), unless=self._shutdown.requested)
        if self._shutdown.requested.is_set():
            return
        polled = await self._ask()
        self._brought_task = polled is not None
        if polled is None:
            return
        if self._shutdown.requested.is_set():
            await self._runner.release(polled)
            return
        with self._activity.busy():
            async with self._protection:
                await self._runner.run(polled)

    async def _ask(self) -> PolledTask | None:
        try:
            polled = await self._poll()
        except errors.ActivityNotFound:
            self._hooks.polled(PollResult.FAILED)
            log.warning(
                "activity no longer exists; creating it again", action="activity-gone", activity_arn=self._activity_arn
            )
            await pause(self._backoff.next_seconds(), unless=self._shutdown.requested)
            self._activity_arn = await self._registration.register() or self._activity_arn
        except errors.RefusedByAWS as refused:
            if len(self._worker_name) <= MAX_NAME_LENGTH:
                raise
            await self._refused_name(refused)
        except (errors.Unavailable, errors.AccessDenied, errors.AWSError) as failed:
            self._hooks.polled(PollResult.FAILED)
            seconds = self._backoff.next_seconds()
            tell = log.warning if isinstance(failed, errors.Unavailable) else log.error
            tell("Poll failed", action="poll-failed", error=str(failed), retry_in_seconds=round(seconds, 1))
            await pause(seconds, unless=self._shutdown.requested)
        else:
            self._backoff.reset()
            self._hooks.polled(PollResult.TASK if polled else PollResult.EMPTY)
            return polled
        return None

    async def _refused_name(self, refused: errors.RefusedByAWS) -> None:
        self._hooks.polled(PollResult.FAILED)
        log.error(
            "AWS refuses the name of the worker, which is too long; MAGIC_ECS_TASK_ID is shorter than the ARN",
            action="worker-name-refused",
            worker_name=self._worker_name,
            characters=len(self._worker_name),
            longest=MAX_NAME_LENGTH,
            error=str(refused),
        )
        await pause(self._backoff.next_seconds(), unless=self._shutdown.requested)

    async def _poll(self) -> PolledTask | None:
        """Poll once; when the worker stops meanwhile, wait for the answer, because it may hold a task.

        AWS gives tasks to a poll even after its connection was closed, so hanging up is the last resort.
        """
        poll = asyncio.ensure_future(
            self._polls.get_activity_task(activityArn=self._activity_arn, workerName=self._worker_name)
        )
        try:
            if not await wait_or_event(poll, unless=self._shutdown.requested):
                log.info("waiting for the open poll", action="poll-draining", seconds=self._drain_seconds)
                await wait_or_event(poll, unless=self._shutdown.urgent, seconds=self._drain_seconds)
        finally:
            poll.cancel()
            await asyncio.wait({poll})
        if poll.cancelled() or not poll.result().get("taskToken"):
            return None
        return PolledTask(poll.result()["taskToken"], poll.result().get("input") or "")
