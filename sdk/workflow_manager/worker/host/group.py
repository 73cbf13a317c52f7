"""Several workers in one process, which start, stop and fail together."""

import asyncio
from collections.abc import Iterable, Sequence

from workflow_manager.worker.activity.worker import ActivityWorker, CommandWorker


class WorkerGroup:
    """Runs workers of different activities as if they were one."""

    def __init__(self, workers: Sequence[ActivityWorker]) -> None:
        self._workers = tuple(workers)
        self._stopping = False
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Run all workers until ``stop``; when one fails, the others end in order, and its error is raised."""
        tasks = [
            asyncio.create_task(self._run(worker), name=f"worker-{number}")
            for number, worker in enumerate(self._workers)
        ]
        try:
            await asyncio.wait(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._ended.set()
        for failure in [task.exception() for task in tasks]:
            if failure is not None:
                raise failure

    async def registered(self) -> None:
        """Wait until AWS knows all activities."""
        for worker in self._workers:
            await worker.registered.wait()

    def request_stop(self) -> None:
        """Take no more tasks and end the running ones; a second call ends them at once."""
        self._stopping = True
        for worker in self._workers:
            worker.request_stop()

    def begin_stop(self) -> None:
        """Request a stop unless one was requested, so that none becomes urgent by it."""
        self._stop(self._workers)

    async def stop(self) -> None:
        """Request a stop and wait until ``run`` has ended."""
        self.request_stop()
        await self.ended()

    async def ended(self) -> None:
        """Wait until ``run`` has ended."""
        await self._ended.wait()

    def _stop(self, workers: Iterable[ActivityWorker]) -> None:
        if self._stopping:
            return
        self._stopping = True
        for worker in workers:
            worker.request_stop()

    async def _run(self, worker: ActivityWorker) -> None:
        try:
            await worker.run()
        except Exception:
            self._stop(other for other in self._workers if other is not worker)
            raise


class CommandWorkerGroup(WorkerGroup):
    """Runs workers that run commands."""

    def __init__(self, workers: Sequence[CommandWorker]) -> None:
        super().__init__(workers)
        self._command_workers = tuple(workers)

    def forward_signal(self, number: int) -> bool:
        """Send a signal to all commands that run now; tell whether there is one."""
        reached = [worker.forward_signal(number) for worker in self._command_workers]
        return any(reached)
