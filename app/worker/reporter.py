"""Tells AWS how a task ended."""

import time
from collections.abc import Awaitable, Callable

import structlog

from app import errors
from app.worker.activities import ActivityCalls
from app.worker.config import Pace
from app.worker.observing import Outcome
from app.worker.outcome import MAX_CAUSE_BYTES, MAX_ERROR_BYTES, ErrorName, TaskFailed, clip
from app.worker.pauses import Backoff, pause
from app.worker.stopping import Shutdown

log = structlog.get_logger()


class Reporter:
    """Reports outcomes, again and again for a while when AWS does not answer.

    A task that AWS no longer waits for, and an outcome that could not be delivered, are logged and returned; nothing
    is raised.
    """

    def __init__(
        self, calls: ActivityCalls, *, pace: Pace, shutdown: Shutdown, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._pace = pace
        self._shutdown = shutdown
        self._clock = clock

    async def succeed(self, token: str, output: str) -> Outcome:
        """Report the JSON text ``output``; if AWS refuses it, report that as a failure."""
        try:
            return await self._deliver(
                lambda: self._calls.send_task_success(taskToken=token, output=output), Outcome.SUCCEEDED
            )
        except errors.RefusedByAWS as refusal:
            failure = TaskFailed(ErrorName.TASK_OUTPUT_NOT_JSON, f"AWS refused the output: {refusal}")
            return await self.fail(token, failure)

    async def fail(self, token: str, failure: TaskFailed) -> Outcome:
        """Report a failure, cut to what AWS takes; if AWS refuses it nevertheless, report that as a failure."""
        try:
            return await self._send_failure(token, failure)
        except errors.RefusedByAWS as refusal:
            log.exception("AWS refused the failure of a task", action="task-report-refused", error=failure.error)
            cause = f"AWS refused to take the failure {failure.error!a}: {refusal}"
            return await self._send_plain_failure(token, cause)

    async def _send_plain_failure(self, token: str, cause: str) -> Outcome:
        try:
            return await self._send_failure(token, TaskFailed(ErrorName.UNKNOWN, cause))
        except errors.RefusedByAWS:
            log.exception("AWS takes no outcome of this task", action="task-report-abandoned")
            return Outcome.UNREPORTED

    async def _send_failure(self, token: str, failure: TaskFailed) -> Outcome:
        # No Retry or Catch rule could name a failure without a name.
        error = clip(failure.error or ErrorName.UNKNOWN, MAX_ERROR_BYTES)
        cause = clip(failure.cause, MAX_CAUSE_BYTES)
        return await self._deliver(
            lambda: self._calls.send_task_failure(taskToken=token, error=error, cause=cause), Outcome.FAILED
        )

    async def _deliver(self, send: Callable[[], Awaitable[object]], delivered: Outcome) -> Outcome:
        """Send until AWS answers or the patience is over; raises ``RefusedByAWS``."""
        patience = _Patience(self._pace, self._shutdown, self._clock)
        backoff = Backoff(
            first_seconds=self._pace.backoff_first_seconds, cap_seconds=self._pace.report_backoff_cap_seconds
        )
        while True:
            try:
                await send()
            except errors.TaskLost as lost:
                log.warning("AWS no longer waits for the outcome of the task", action="task-lost", error=str(lost))
                return Outcome.LOST
            except (errors.Unavailable, errors.AccessDenied, errors.AWSError) as failed:
                if not patience.exhausted():
                    log.warning("Outcome not delivered yet", action="task-report-retried", error=str(failed))
                    await pause(backoff.next_seconds(), unless=self._shutdown.urgent)
                    continue
                log.exception("Outcome of a task could not be delivered", action="task-report-abandoned")
                return Outcome.UNREPORTED
            return delivered


class _Patience:
    """How long one outcome is worth trying; a shutdown shortens it."""

    def __init__(self, pace: Pace, shutdown: Shutdown, clock: Callable[[], float]) -> None:
        self._shutdown_seconds = pace.shutdown_report_seconds
        self._shutdown = shutdown
        self._clock = clock
        self._deadline = clock() + pace.report_seconds
        self._shortened = False

    def exhausted(self) -> bool:
        now = self._clock()
        if self._shutdown.requested.is_set() and not self._shortened:
            self._shortened = True
            self._deadline = min(self._deadline, now + self._shutdown_seconds)
        return self._shutdown.urgent.is_set() or now >= self._deadline
