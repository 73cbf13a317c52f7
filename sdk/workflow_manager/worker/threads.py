"""Runs blocking functions beside the event loop."""

import asyncio
import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable


def call_in_thread(function: Callable[[], object], *, name: str) -> asyncio.Future[object]:
    """Call ``function`` in a thread of its own, with the context variables of here.

    Unlike those of an executor, the thread keeps no process alive: a function that never returns must not hold up the
    end of the worker.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[object] = loop.create_future()
    context = contextvars.copy_context()

    def run() -> None:
        wait_or_event = _settlement(future, functools.partial(context.run, function))
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(wait_or_event)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def _settlement(future: asyncio.Future[object], function: Callable[[], object]) -> Callable[[], None]:
    try:
        result = function()
    except StopIteration as error:
        # A future takes every exception but this one.
        unusual = RuntimeError("the function raised StopIteration")
        unusual.__cause__ = error
        return functools.partial(_fail, future, unusual)
    except BaseException as error:  # noqa: BLE001  whatever ends the thread is the outcome of the future
        return functools.partial(_fail, future, error)
    return functools.partial(_succeed, future, result)


def _succeed(future: asyncio.Future[object], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[object], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
