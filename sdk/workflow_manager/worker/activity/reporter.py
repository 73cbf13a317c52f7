"""Tells AWS how a task ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from workflow_manager import errors
from workflow_manager.worker.backoff import Backoff, pause, wait_or_event
from workflow_manager.worker.config import Timings
from workflow_manager.worker.metrics.hooks import TaskOutcome
from workflow_manager.worker.shutdown import WorkerShutdown
from workflow_manager.worker.task_errors import MAX_CAUSE_BYTES, MAX_ERROR_BYTES, ErrorName, TaskFailed, clip

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger()


class Reporter:
    """Reports outcomes, again and again for a while when AWS does not answer.

    A task that AWS no longer waits for, and an outcome that could not be delivered, are logged and returned; nothing
    is raised.
    """

    def __init__(
        self,
        calls: "SFNClient",
        *,
        timings: Timings,
        shutdown: WorkerShutdown,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._timings = timings
        self._shutdown = shutdown
        self._clock = clock

    async def succeed(self, token: str, output: str) -> TaskOutcome:
        """Report the JSON text ``output``; if AWS refuses it, report that as a failure."""
        try:
            return await self._deliver(
                lambda: self._calls.send_task_success(taskToken=token, output=output), TaskOutcome.SUCCEEDED
            )
        except errors.RefusedByAWS as refusal:
            failure = TaskFailed(ErrorName.TASK_OUTPUT_NOT_JSON, f"AWS refused the output: {refusal}")
            return await self.fail(token, failure)

    async def fail(self, token: str, failure: TaskFailed) -> TaskOutcome:
        """Report a failure, cut to what AWS takes; if AWS refuses it nevertheless, report that as a failure."""
        try:
            return await self._send_failure(token, failure)
        except errors.RefusedByAWS as refusal:
            log.exception("AWS rejected the failure of a task", action="task-report-refused", error=failure.error)
            cause = f"AWS refused to take the failure {failure.error!a}: {refusal}"
            return await self._send_plain_failure(token, cause)

    async def _send_plain_failure(self, token: str, cause: str) -> TaskOutcome:
        try:
            return await self._send_failure(token, TaskFailed(ErrorName.UNKNOWN, cause))
        except errors.RefusedByAWS:
            log.exception("AWS rejects any result of this task", action="task-report-abandoned")
            return TaskOutcome.UNREPORTED

    async def _send_failure(self, token: str, failure: TaskFailed) -> TaskOutcome:
        # No Retry or Catch rule could name a failure without a name.
        error = clip(failure.error or ErrorName.UNKNOWN, MAX_ERROR_BYTES)
        cause = clip(failure.cause, MAX_CAUSE_BYTES)
        return await self._deliver(
            lambda: self._calls.send_task_failure(taskToken=token, error=error, cause=cause), TaskOutcome.FAILED
        )

    async def _deliver(self, send: Callable[[], Awaitable[object]], delivered: TaskOutcome) -> TaskOutcome:
        """Send until AWS answers or the patience is over; raises ``RefusedByAWS``."""
        patience = _Patience(self._timings, self._shutdown, self._clock)
        backoff = Backoff(
            first_seconds=self._timings.backoff_first_seconds,
            cap_seconds=self._timings.report_backoff_cap_seconds,
        )
        while True:
            try:
                await self._attempt(send, patience)
            except errors.TaskLost as lost:
                log.warning("AWS no longer waits for the result of the task", action="task-lost", error=str(lost))
                return TaskOutcome.LOST
            except (errors.Unavailable, errors.AccessDenied, errors.AWSError) as failed:
                if not patience.exhausted():
                    log.warning("result not delivered yet", action="task-report-retried", error=str(failed))
                    await pause(backoff.next_seconds(), unless=self._shutdown.urgent)
                    continue
                log.exception("result of a task could not be delivered", action="task-report-abandoned")
                return TaskOutcome.UNREPORTED
            return delivered

    async def _attempt(self, send: Callable[[], Awaitable[object]], patience: "_Patience") -> None:
        """Send once; an AWS that does not answer while there is patience is ``Unavailable``."""
        sending = asyncio.ensure_future(send())
        try:
            while not sending.done() and (seconds_left := patience.seconds_left()) > 0:
                await wait_or_event(sending, unless=self._shutdown.news(), seconds=seconds_left)
        finally:
            sending.cancel()
            await asyncio.wait({sending})
        if sending.cancelled():
            raise errors.Unavailable("AWS gave no answer in time")
        sending.result()


class _Patience:
    """How long one outcome is worth trying; a shutdown shortens it."""

    def __init__(self, timings: Timings, shutdown: WorkerShutdown, clock: Callable[[], float]) -> None:
        self._timings = timings
        self._shutdown = shutdown
        self._clock = clock
        self._began_at = clock()

    def exhausted(self) -> bool:
        """Tell whether it is not worth trying again."""
        return self._shutdown.urgent.is_set() or self._clock() >= self._deadline()

    def seconds_left(self) -> float:
        """Return how long an answer is still worth waiting for.

        A report that begins when the time is over already, for a task that was killed, has its chance too.
        """
        return max(self._deadline(), self._began_at + self._timings.urgent_report_seconds) - self._clock()

    def _deadline(self) -> float:
        timings, urgent = self._timings, self._shutdown.urgent.is_set()
        more = timings.urgent_report_seconds if urgent else timings.shutdown_report_seconds
        return min(self._began_at + timings.report_seconds, self._shutdown.ends_at + more)
