"""Running the coroutine of a verb; Ctrl-C and SIGTERM cancel it, so that it can clean up and print a last line."""

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.program import program_name, to_paste
from workflow_manager.cli.synonyms import Hint
from workflow_manager.client.error_mapping import ConnectionFailed

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; Ctrl-C and SIGTERM cancel it, and the process then ends with 130 or 143."""
    terminated = threading.Event()
    try:
        return asyncio.run(_terminable(work, terminated))
    except ConnectionFailed as error:
        raise Hint(error.message, _ways_to_a_service(), code=ExitCode.UNAVAILABLE) from error
    except asyncio.CancelledError:
        if terminated.is_set():
            raise SystemExit(ExitCode.TERMINATED) from None
        raise


def _ways_to_a_service() -> list[str]:
    """Return commands to paste if no service was found."""
    return [
        "make run           # start a service from a checkout",
        f"{to_paste('serve --local')}  # or from an installed program",
        f"{program_name()} config show    # show the URL in use; --url and --profile change it",
    ]


async def _terminable(work: Coroutine[Any, Any, T], terminated: threading.Event) -> T:
    """Cancel the work on SIGTERM, as `asyncio.run` does on Ctrl-C. Only the main thread can handle signals."""
    if threading.current_thread() is not threading.main_thread():
        return await work
    task = asyncio.current_task()

    def end() -> None:
        terminated.set()
        if task is not None:
            task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end)
    try:
        return await work
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
