"""Connects the signals of the process to a worker."""

import asyncio
import signal
from typing import Final

from app.worker.worker import CommandWorker

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
"""Stop the worker in order; the second of them stops it at once."""

FORWARDED: Final = (signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""Mean nothing to the worker; commands get them."""


async def run_until_signalled(worker: CommandWorker) -> None:
    """Run the worker until a signal stops it; commands get the signals that are theirs."""
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        loop.add_signal_handler(number, worker.request_stop)
    for number in FORWARDED:
        loop.add_signal_handler(number, worker.forward_signal, number)
    try:
        await worker.run()
    finally:
        for number in (*STOPPING, *FORWARDED):
            loop.remove_signal_handler(number)
