"""Runs what a verb does, and lets nothing that it leaves behind hold up the end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

log = structlog.get_logger()

CLOSE_SECONDS: Final = 0.5
"""How long tasks may take to end that were cancelled when everything was over."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine as ``asyncio.run`` does, but wait a moment only for tasks that do not end, and for no thread."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_alone(main))
    finally:
        if asyncio.all_tasks(loop):
            # An open loop; and nobody needs to hear once more that they were still running.
            loop.set_exception_handler(lambda *_: None)
        else:
            loop.close()


async def _alone(main: Coroutine[Any, Any, None]) -> None:
    try:
        await main
    finally:
        strays = asyncio.all_tasks() - {asyncio.current_task()}
        for stray in strays:
            stray.cancel()
        closing = asyncio.create_task(asyncio.get_running_loop().shutdown_asyncgens(), name="close-generators")
        _, going_on = await asyncio.wait({*strays, closing}, timeout=CLOSE_SECONDS)
        if going_on:
            names = [task.get_name() for task in going_on]
            log.warning("tasks left behind that did not end", action="left-behind", tasks=names)
