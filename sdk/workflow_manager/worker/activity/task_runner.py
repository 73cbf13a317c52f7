"""Sees one task through: heartbeats, the handler, the report."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from workflow_manager.worker.activity.heartbeat import Heartbeat
from workflow_manager.worker.activity.reporter import Reporter
from workflow_manager.worker.metrics.hooks import Hooks, TaskOutcome
from workflow_manager.worker.shutdown import StopReason, StopRequest, StopSignal, WorkerShutdown
from workflow_manager.worker.task_errors import ErrorName, TaskFailed, clip
from workflow_manager.worker.task_json import PayloadCodec, PolledTask, Task

log = structlog.get_logger()

LOGGED_CAUSE_BYTES: Final = 1_000
"""Enough to know what happened; the whole cause goes to AWS, and stderr was shown as it came."""

Handler = Callable[[Task, StopSignal], Awaitable[str]]
"""Does the work of a task and returns its output as JSON text.

It ends early when ``StopSignal`` asks for it, and raises ``TaskFailed`` to choose the error name of a failure; any
other exception is reported as ``sfncli.Unknown``.
"""


class TaskRunner:
    """Gives each task to the handler while heartbeats go out, then reports how it ended."""

    def __init__(
        self,
        handler: Handler,
        *,
        rules: PayloadCodec,
        heartbeat: Heartbeat,
        reporter: Reporter,
        shutdown: WorkerShutdown,
        hooks: Hooks,
        lost_grace_seconds: float,
    ) -> None:
        self._handler = handler
        self._rules = rules
        self._heartbeat = heartbeat
        self._reporter = reporter
        self._shutdown = shutdown
        self._hooks = hooks
        self._lost = StopRequest(StopReason.LOST, lost_grace_seconds)

    async def run(self, polled: PolledTask) -> None:
        """See the task through; its failure is reported to AWS, not raised."""
        await self._observed(self._take(polled))

    async def release(self, polled: PolledTask) -> None:
        """Return a task that came too late, so that it is tried again elsewhere."""
        late = TaskFailed(ErrorName.COMMAND_TERMINATED, "the worker was stopping when the task came")
        await self._observed(self._report_handed_back(polled.token, late))
        log.info("task released", action="task-handed-back")

    async def _observed(self, ending: Awaitable[TaskOutcome]) -> None:
        started = time.monotonic()
        self._hooks.task_started()
        outcome = TaskOutcome.UNREPORTED
        try:
            outcome = await ending
        finally:
            self._hooks.task_ended(outcome, seconds=time.monotonic() - started)

    async def _take(self, polled: PolledTask) -> TaskOutcome:
        try:
            task = self._rules.read(polled.input, token=polled.token)
        except TaskFailed as refused:
            outcome = await self._reporter.fail(polled.token, refused)
            log.warning("task refused", action="task-refused", **_shown(refused))
            return outcome
        named = {"execution_name": task.execution_name} if task.execution_name else {}
        with structlog.contextvars.bound_contextvars(**named):
            log.info("task received", action="task-taken")
            return await self._run_with_heartbeat(task)

    async def _run_with_heartbeat(self, task: Task) -> TaskOutcome:
        with self._shutdown.reaching_task() as stop:
            beating = asyncio.create_task(
                self._heartbeat.beat(task.token, on_lost=lambda: stop.request(self._lost)), name="heartbeat"
            )
            try:
                return await self._run(task, stop)
            finally:
                beating.cancel()
                await asyncio.wait({beating})

    async def _run(self, task: Task, stop: StopSignal) -> TaskOutcome:
        started = time.monotonic()
        try:
            output = await self._work(task, stop)
        except TaskFailed as failure:
            if _lost(stop):
                return TaskOutcome.LOST
            seconds = _since(started)
            outcome = await self._report_failure(task.token, failure, stop)
            log.info("task failed", action="task-failed", **_shown(failure), seconds=seconds, outcome=outcome.value)
            return outcome
        if _lost(stop):
            return TaskOutcome.LOST
        seconds = _since(started)
        outcome = await self._reporter.succeed(task.token, output)
        log.info("task succeeded", action="task-succeeded", seconds=seconds, outcome=outcome.value)
        return outcome

    async def _report_failure(self, token: str, failure: TaskFailed, stop: StopSignal) -> TaskOutcome:
        if stop.reason is StopReason.SHUTDOWN and failure.error == ErrorName.COMMAND_TERMINATED:
            return await self._report_handed_back(token, failure)
        return await self._reporter.fail(token, failure)

    async def _report_handed_back(self, token: str, failure: TaskFailed) -> TaskOutcome:
        outcome = await self._reporter.fail(token, failure)
        return TaskOutcome.HANDED_BACK if outcome is TaskOutcome.FAILED else outcome

    async def _work(self, task: Task, stop: StopSignal) -> str:
        try:
            return self._rules.complete(await self._handler(task, stop), task)
        except TaskFailed:
            raise
        except Exception as unexpected:
            log.exception("task failed unexpectedly", action="task-failed-unexpectedly")
            # Unlike str(), this never raises.
            cause = "".join(traceback.format_exception_only(unexpected)).strip()
            raise TaskFailed(ErrorName.UNKNOWN, cause) from unexpected


def _lost(stop: StopSignal) -> bool:
    if stop.reason is not StopReason.LOST:
        return False
    log.warning("AWS no longer waits for the task; task stopped", action="task-lost")
    return True


def _shown(failure: TaskFailed) -> dict[str, str]:
    return {"error": failure.error, "cause": clip(failure.cause, LOGGED_CAUSE_BYTES)}


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
