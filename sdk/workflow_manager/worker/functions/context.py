"""What a function can learn about the task it works on."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import Any, Final

from workflow_manager import errors
from workflow_manager.worker.task_errors import ErrorName, TaskFailed

WORKER_GONE: Final = "The worker has stopped."

Beat = Callable[[], Awaitable[None]]
"""Sends one heartbeat; raises ``TaskLost``."""


@dataclass(frozen=True, kw_only=True)
class TaskFacts:
    """Facts of one task, and the line to the worker."""

    task_name: str
    """The name that the function is registered under."""

    execution_name: str
    """Name of the execution, which is the id of the workflow."""

    log: Any
    """A structlog logger; its lines carry the name of the task, and the worker adds that of the execution."""

    cancelled: threading.Event
    """Set when the task should end: the worker stops, or AWS no longer waits for the task."""

    beat: Beat = field(repr=False)

    def raise_if_cancelled(self) -> None:
        """End the task, to be tried again elsewhere, if it should end; else do nothing."""
        if self.cancelled.is_set():
            raise TaskFailed(ErrorName.COMMAND_TERMINATED, "the function stopped early, as requested")


class Context(TaskFacts):
    """The context of an async function, which is also cancelled when ``cancelled`` is set."""

    async def heartbeat(self) -> None:
        """Send a heartbeat now, beside the regular ones; raises ``TaskLost`` when AWS no longer waits for the task.

        Call it before a step that must not be done twice.
        """
        await self.beat()


@dataclass(frozen=True, kw_only=True)
class SyncContext(TaskFacts):
    """The context of a plain function, which nothing can interrupt: look at ``cancelled`` from time to time."""

    loop: asyncio.AbstractEventLoop = field(repr=False)

    def heartbeat(self) -> None:
        """Send a heartbeat now, beside the regular ones; raises ``TaskLost`` when AWS no longer waits for the task.

        Call it before a step that must not be done twice.
        """
        if _runs_here(self.loop):
            raise RuntimeError("heartbeat() would wait for itself on the event loop; await a Context instead")
        beating = _awaited(self.beat)
        try:
            answer = asyncio.run_coroutine_threadsafe(beating, self.loop)
        except RuntimeError:
            beating.close()
            raise errors.TaskLost(WORKER_GONE) from None
        try:
            answer.result()
        except CancelledError:
            raise errors.TaskLost(WORKER_GONE) from None


async def _awaited(beat: Beat) -> None:
    await beat()


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
