"""Connects the signals of the process to a worker."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol, runtime_checkable

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
"""Stop the worker in order; the second of them stops it at once."""

FORWARDED: Final = (signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""Mean nothing to the worker; commands get them."""


class Stoppable(Protocol):
    """A worker of any kind."""

    def request_stop(self) -> None:
        """Begin to stop; asked a second time, stop at once."""
        ...


class Runnable(Stoppable, Protocol):
    """A worker that only needs to be run."""

    async def run(self) -> None:
        """Work until the stop."""
        ...


@runtime_checkable
class RunsCommands(Protocol):
    """A worker with processes that can be sent signals."""

    def forward_signal(self, number: int) -> None:
        """Send a signal to all commands that run now."""
        ...


@contextmanager
def stopped_by_signals(worker: Stoppable) -> Iterator[None]:
    """Let signals stop the worker meanwhile; commands, if it runs any, get those that are theirs."""
    loop = asyncio.get_running_loop()
    handled = list(STOPPING)
    for number in STOPPING:
        loop.add_signal_handler(number, worker.request_stop)
    if isinstance(worker, RunsCommands):
        handled += FORWARDED
        for number in FORWARDED:
            loop.add_signal_handler(number, worker.forward_signal, number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


async def run_until_signalled(worker: Runnable) -> None:
    """Run the worker until a signal stops it."""
    with stopped_by_signals(worker):
        await worker.run()
