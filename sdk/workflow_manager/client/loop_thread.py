"""An event loop in a thread of its own, on which other threads run coroutines."""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, Final, Generic, TypeVar

from workflow_manager import errors

T = TypeVar("T")

NAME: Final = "workflow-manager-client"
FORKED: Final = "The client was opened before this process was forked; open a new one in this process."


class LoopThread:
    """Runs coroutines for other threads, which wait for the results; its thread starts with the first one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._owner: int | None = None
        self._stopped = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of a coroutine; an interruption of this thread cancels it.

        Raises ``ClientClosed`` after ``stop``, and in a forked process, which does not have the thread.
        """
        try:
            loop = self._running_loop()
        except errors.ClientClosed:
            work.close()
            raise
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError as end:
            raise errors.ClientClosed from end
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        """Yield the items; stopping early closes the generator."""
        iteration = _Iteration(items)
        try:
            while True:
                try:
                    item = self.run(iteration.step())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            if not self._gone:
                self.run(iteration.close())

    def stop(self, last_work: Coroutine[Any, Any, None]) -> None:
        """Run a last coroutine, cancel all others and end the loop. A second call does nothing."""
        if self._gone or self._loop is None:
            self._stopped = True
            last_work.close()
            return
        try:
            self.run(last_work)
        finally:
            self._stopped = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            if self._thread is not None:
                self._thread.join()

    @property
    def _gone(self) -> bool:
        return self._stopped or self._forked

    @property
    def _forked(self) -> bool:
        return self._owner is not None and self._owner != os.getpid()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._forked:
            raise errors.ClientClosed(FORKED)
        with self._lock:
            if self._stopped:
                raise errors.ClientClosed
            if self._loop is None:
                self._loop, self._owner = asyncio.new_event_loop(), os.getpid()
                # A daemon thread does not keep the process alive.
                self._thread = threading.Thread(target=_serve, args=[self._loop], name=NAME, daemon=True)
                self._thread.start()
            return self._loop


class _Iteration(Generic[T]):
    """An asynchronous iteration in steps; closing it waits for a step that was interrupted."""

    def __init__(self, items: AsyncGenerator[T, None]) -> None:
        self._items = items
        self._turn = asyncio.Lock()

    async def step(self) -> T:
        async with self._turn:
            return await anext(self._items)

    async def close(self) -> None:
        async with self._turn:
            await self._items.aclose()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        loop.run_until_complete(_end_what_waits())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _end_what_waits() -> None:
    waiting = asyncio.all_tasks() - {asyncio.current_task()}
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
