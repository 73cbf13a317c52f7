"""Keeps AWS waiting for a task that is still worked on."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger()


class Heartbeat:
    """Sends the heartbeats of tasks: one at once, then one every interval."""

    def __init__(self, calls: "SFNClient", *, interval_seconds: float, retry_seconds: float) -> None:
        self._calls = calls
        self._interval_seconds = interval_seconds
        self._retry_seconds = min(retry_seconds, interval_seconds)

    async def beat(self, token: str, *, on_lost: Callable[[], None]) -> None:
        """Beat until cancelled, or until AWS no longer waits for the task; then call ``on_lost`` and end."""
        while True:
            try:
                async with asyncio.timeout(self._interval_seconds):
                    await self._calls.send_task_heartbeat(taskToken=token)
            except errors.TaskLost:
                on_lost()
                return
            except (errors.WorkflowManagerError, TimeoutError) as failed:
                log.warning("heartbeat failed", action="heartbeat-failed", error=str(failed) or "no answer in time")
                await asyncio.sleep(self._retry_seconds)
            except Exception:  # one failed heartbeat must not end the others
                log.exception("heartbeat failed", action="heartbeat-failed")
                await asyncio.sleep(self._retry_seconds)
            else:
                await asyncio.sleep(self._interval_seconds)
