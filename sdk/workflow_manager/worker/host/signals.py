"""Connects the signals of the process to a worker."""

import asyncio
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol, runtime_checkable

from workflow_manager.early_signals import STOPPING, EarlySignals

KEPT: Final = frozenset(
    {
        *STOPPING,
        *(signal.SIGKILL, signal.SIGSTOP),  # cannot be handled
        *(signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ),  # come from what the worker itself does
        *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),  # mean the terminal of the worker; commands have none
        *(signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP),
    }
)
"""Signals that are not for commands; the last ones tell of a fault in the worker."""

FORWARDED: Final = frozenset(signal.valid_signals()) - KEPT
"""Mean nothing to the worker; commands get them."""


class Stoppable(Protocol):
    """A worker of any kind."""

    def request_stop(self) -> None:
        """Begin to stop; asked a second time, stop at once."""
        ...


@runtime_checkable
class RunsCommands(Protocol):
    """A worker with processes that can be sent signals."""

    def forward_signal(self, number: int) -> bool:
        """Send a signal to all commands that run now; tell whether there is one."""
        ...


@contextmanager
def stopped_by_signals(worker: Stoppable, *, early: EarlySignals | None = None) -> Iterator[None]:
    """Let signals stop the worker, including ``early`` ones; forward the others to its commands, if it runs any.

    Signals come to the main thread alone: in another one nothing is handled.
    """
    loop = asyncio.get_running_loop()
    handlers = _handlers(worker) if threading.current_thread() is threading.main_thread() else {}
    before = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    for _ in range(early.count if early else 0):
        worker.request_stop()
    try:
        yield
    finally:
        for number, previous in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL if previous is None else previous)


def _handlers(worker: Stoppable) -> dict[int, Callable[[], object]]:
    handlers: dict[int, Callable[[], object]] = dict.fromkeys(STOPPING, worker.request_stop)
    if isinstance(worker, RunsCommands):
        handlers |= {number: functools.partial(worker.forward_signal, number) for number in FORWARDED}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup wants it
        handlers[signal.SIGHUP] = functools.partial(_hang_up, worker)
    return handlers


def _hang_up(worker: Stoppable) -> None:
    """Pass SIGHUP on to the commands, or stop the worker when none runs."""
    if not (isinstance(worker, RunsCommands) and worker.forward_signal(signal.SIGHUP)):
        worker.request_stop()
