"""Sees one task through: heartbeats, the handler, the report."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from workflow_manager.worker.activity.heartbeat import Heartbeat
from workflow_manager.worker.activity.reporter import Reporter
from workflow_manager.worker.metrics.hooks import Observer, TaskOutcome
from workflow_manager.worker.sfn_protocols import Assignment
from workflow_manager.worker.shutdown import Stop, StopReason, StopRequest, WorkerShutdown
from workflow_manager.worker.task_errors import ErrorName, TaskFailed, clip
from workflow_manager.worker.task_json import Rules, Task

log = structlog.get_logger()

LOGGED_CAUSE_BYTES: Final = 1_000
"""Enough to know what happened; the whole cause goes to AWS, and stderr was shown as it came."""

Handler = Callable[[Task, Stop], Awaitable[str]]
"""Does the work of a task and returns its output as JSON text.

It ends early when ``Stop`` asks for it, and raises ``TaskFailed`` to choose the error name of a failure; whatever else
it raises is reported as ``sfncli.Unknown``.
"""


class TaskRunner:
    """Gives each task to the handler while heartbeats go out, then reports how it ended."""

    def __init__(
        self,
        handler: Handler,
        *,
        rules: Rules,
        heartbeat: Heartbeat,
        reporter: Reporter,
        shutdown: WorkerShutdown,
        observer: Observer,
        lost_grace_seconds: float,
    ) -> None:
        self._handler = handler
        self._rules = rules
        self._heartbeat = heartbeat
        self._reporter = reporter
        self._shutdown = shutdown
        self._observer = observer
        self._lost = StopRequest(StopReason.LOST, lost_grace_seconds)

    async def run(self, assignment: Assignment) -> None:
        """See the task through; its failure is reported to AWS, not raised."""
        await self._observed(self._take(assignment))

    async def hand_back(self, assignment: Assignment) -> None:
        """Return a task that came too late, so that it is tried again elsewhere."""
        late = TaskFailed(ErrorName.COMMAND_TERMINATED, "the worker was stopping when the task came")
        await self._observed(self._report_handed_back(assignment.token, late))
        log.info("Task handed back", action="task-handed-back")

    async def _observed(self, ending: Awaitable[TaskOutcome]) -> None:
        started = time.monotonic()
        self._observer.task_started()
        outcome = TaskOutcome.UNREPORTED
        try:
            outcome = await ending
        finally:
            self._observer.task_ended(outcome, seconds=time.monotonic() - started)

    async def _take(self, assignment: Assignment) -> TaskOutcome:
        try:
            task = self._rules.read(assignment.input, token=assignment.token)
        except TaskFailed as refused:
            outcome = await self._reporter.fail(assignment.token, refused)
            log.warning("Task refused", action="task-refused", **_shown(refused))
            return outcome
        named = {"execution_name": task.execution_name} if task.execution_name else {}
        with structlog.contextvars.bound_contextvars(**named):
            log.info("Task taken", action="task-taken")
            return await self._run(task)

    async def _run(self, task: Task) -> TaskOutcome:
        with self._shutdown.reaching_task() as stop:
            beating = asyncio.create_task(
                self._heartbeat.beat(task.token, on_lost=lambda: stop.request(self._lost)), name="heartbeat"
            )
            try:
                return await self._see_through(task, stop)
            finally:
                beating.cancel()
                await asyncio.wait({beating})

    async def _see_through(self, task: Task, stop: Stop) -> TaskOutcome:
        started = time.monotonic()
        try:
            output = await self._work(task, stop)
        except TaskFailed as failure:
            if _lost(stop):
                return TaskOutcome.LOST
            seconds = _since(started)
            outcome = await self._report_failure(task.token, failure, stop)
            log.info("Task failed", action="task-failed", **_shown(failure), seconds=seconds, outcome=outcome.value)
            return outcome
        if _lost(stop):
            return TaskOutcome.LOST
        seconds = _since(started)
        outcome = await self._reporter.succeed(task.token, output)
        log.info("Task succeeded", action="task-succeeded", seconds=seconds, outcome=outcome.value)
        return outcome

    async def _report_failure(self, token: str, failure: TaskFailed, stop: Stop) -> TaskOutcome:
        if stop.reason is StopReason.SHUTDOWN and failure.error == ErrorName.COMMAND_TERMINATED:
            return await self._report_handed_back(token, failure)
        return await self._reporter.fail(token, failure)

    async def _report_handed_back(self, token: str, failure: TaskFailed) -> TaskOutcome:
        outcome = await self._reporter.fail(token, failure)
        return TaskOutcome.HANDED_BACK if outcome is TaskOutcome.FAILED else outcome

    async def _work(self, task: Task, stop: Stop) -> str:
        try:
            return self._rules.complete(await self._handler(task, stop), task)
        except TaskFailed:
            raise
        except Exception as unexpected:
            log.exception("Task failed unexpectedly", action="task-failed-unexpectedly")
            # Unlike str(), this never raises.
            cause = "".join(traceback.format_exception_only(unexpected)).strip()
            raise TaskFailed(ErrorName.UNKNOWN, cause) from unexpected


def _lost(stop: Stop) -> bool:
    if stop.reason is not StopReason.LOST:
        return False
    log.warning("AWS no longer waits for the task; it was stopped", action="task-lost")
    return True


def _shown(failure: TaskFailed) -> dict[str, str]:
    return {"error": failure.error, "cause": clip(failure.cause, LOGGED_CAUSE_BYTES)}


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
