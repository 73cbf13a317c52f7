"""Signals that ask the process to stop, kept from its first moment until somebody can act on them."""

import os
import signal
import threading
from typing import Final

from workflow_manager.logs import nonblocking

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


def hold_back() -> None:
    """Keep them waiting in the system: the first process of a container would never get those that it cannot handle."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)


def let_through() -> None:
    """Let come what waits, and all that follow."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


class EarlySignals:
    """Counts the signals that nobody else handles, so that whoever begins to listen late can still obey them.

    The second one ends the process at once: nothing has begun, or everything has ended.
    """

    def __init__(self) -> None:
        self.count = 0

    def remember(self) -> None:
        """Begin to count; signals come to the main thread alone, and in another one nothing happens."""
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.count += 1
        if self.count > 1:
            nonblocking.flush()
            os._exit(0)
