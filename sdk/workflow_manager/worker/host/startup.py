"""The time between the first moment of a worker and that in which it can take tasks."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from workflow_manager.worker.backoff import wait_or_event
from workflow_manager.worker.host.signals import RunsCommands, Stoppable

log = structlog.get_logger()


class PendingStop:
    """Collects stop requests until the worker exists."""

    def __init__(self) -> None:
        self._worker: Stoppable | None = None
        self._requests = 0
        self._requested = asyncio.Event()

    def request_stop(self) -> None:
        """Stop the worker in order, or its start; asked a second time, stop the worker at once."""
        self._requests += 1
        self._requested.set()
        if self._worker is None:
            log.info("stopping before the start has finished", action="worker-stopping")
        else:
            self._worker.request_stop()

    def forward_signal(self, number: int) -> bool:
        """Send a signal to the commands that run now; tell whether there is one."""
        return isinstance(self._worker, RunsCommands) and self._worker.forward_signal(number)

    def attach(self, worker: Stoppable) -> None:
        """Hand over to the worker, which hears all that was asked for."""
        self._worker = worker
        for _ in range(self._requests):
            worker.request_stop()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work``, which creates and runs the worker; cancel it if a stop comes before the worker exists."""
        working = asyncio.create_task(work, name="worker")
        try:
            await wait_or_event(working, unless=self._requested)
            if self._worker is None:
                working.cancel()
            await asyncio.wait({working})
        finally:
            working.cancel()
            await asyncio.wait({working})
        if not (working.cancelled() and self._requested.is_set()):
            working.result()
