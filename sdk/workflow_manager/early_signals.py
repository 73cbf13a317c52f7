"""Stop signals that arrive before the process can handle them: blocked at first, then counted."""

import os
import signal
import threading
from typing import Final

from workflow_manager.logs import nonblocking

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


def hold_back() -> None:
    """Block stop signals: without a handler, the first process of a container would never receive them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)


def let_through() -> None:
    """Unblock stop signals; pending ones are delivered now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


class EarlySignals:
    """Counts stop signals without another handler, so that a handler that is installed later can still obey them.

    The second one ends the process at once: nothing has begun, or everything has ended.
    """

    def __init__(self) -> None:
        self.count = 0

    def remember(self) -> None:
        """Begin to count; does nothing outside the main thread, which alone receives signals."""
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                signal.signal(number, self._note)

    def _note(self, *_: object) -> None:
        self.count += 1
        if self.count > 1:
            nonblocking.flush()
            os._exit(0)
