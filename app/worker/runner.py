"""Sees one task through: heartbeats, the handler, the report."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from app.worker.activities import Assignment
from app.worker.heartbeat import Heartbeat
from app.worker.outcome import ErrorName, TaskFailed, clip
from app.worker.reporter import Reporter
from app.worker.stopping import Shutdown, Stop, StopReason, StopRequest
from app.worker.task import Task, complete_output, read_task

log = structlog.get_logger()

LOGGED_CAUSE_BYTES: Final = 1_000
"""Enough to know what happened; the whole cause goes to AWS, and stderr was shown as it came."""

Handler = Callable[[Task, Stop], Awaitable[str]]
"""Does the work of a task and returns its output as JSON-object text.

It ends early when ``Stop`` asks for it, and raises ``TaskFailed`` to choose the error name of a failure; whatever else
it raises is reported as ``sfncli.Unknown``.
"""


class TaskRunner:
    """Gives each task to the handler while heartbeats go out, then reports how it ended."""

    def __init__(
        self,
        handler: Handler,
        *,
        heartbeat: Heartbeat,
        reporter: Reporter,
        shutdown: Shutdown,
        lost_grace_seconds: float,
    ) -> None:
        self._handler = handler
        self._heartbeat = heartbeat
        self._reporter = reporter
        self._shutdown = shutdown
        self._lost = StopRequest(StopReason.LOST, lost_grace_seconds)

    async def run(self, assignment: Assignment) -> None:
        """See the task through; its failure is reported to AWS, not raised."""
        try:
            task = read_task(assignment.input)
        except TaskFailed as refused:
            log.warning("Task refused", action="task-refused", **_shown(refused))
            await self._reporter.fail(assignment.token, refused)
            return
        with structlog.contextvars.bound_contextvars(execution_name=task.execution_name):
            log.info("Task taken", action="task-taken")
            await self._run(assignment.token, task)

    async def hand_back(self, assignment: Assignment) -> None:
        """Return a task that came too late, so that it is tried again elsewhere."""
        log.info("Task handed back", action="task-handed-back")
        await self._reporter.fail(
            assignment.token, TaskFailed(ErrorName.COMMAND_TERMINATED, "the worker was stopping when the task came")
        )

    async def _run(self, token: str, task: Task) -> None:
        with self._shutdown.reaching_task() as stop:
            beating = asyncio.create_task(
                self._heartbeat.beat(token, on_lost=lambda: stop.request(self._lost)), name="heartbeat"
            )
            try:
                await self._see_through(token, task, stop)
            finally:
                beating.cancel()
                await asyncio.wait({beating})

    async def _see_through(self, token: str, task: Task, stop: Stop) -> None:
        started = time.monotonic()
        try:
            output = await self._work(task, stop)
        except TaskFailed as failure:
            if not _lost(stop):
                log.info("Task failed", action="task-failed", **_shown(failure), seconds=_since(started))
                await self._reporter.fail(token, failure)
        else:
            if not _lost(stop):
                log.info("Task succeeded", action="task-succeeded", seconds=_since(started))
                await self._reporter.succeed(token, output)

    async def _work(self, task: Task, stop: Stop) -> str:
        try:
            return complete_output(await self._handler(task, stop), task.execution_name)
        except TaskFailed:
            raise
        except Exception as unexpected:
            log.exception("Task failed unexpectedly", action="task-failed-unexpectedly")
            raise TaskFailed(ErrorName.UNKNOWN, f"{type(unexpected).__name__}: {unexpected}") from unexpected


def _lost(stop: Stop) -> bool:
    if stop.reason is not StopReason.LOST:
        return False
    log.warning("AWS no longer waits for the task; it was stopped", action="task-lost")
    return True


def _shown(failure: TaskFailed) -> dict[str, str]:
    return {"error": failure.error, "cause": clip(failure.cause, LOGGED_CAUSE_BYTES)}


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
