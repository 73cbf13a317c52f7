"""The lifetime of a process: stop signals are kept from the start, and no thread delays the exit."""

import os
import threading
from collections.abc import Callable
from typing import Final

from workflow_manager import early_signals

END_SECONDS: Final = 1.0
"""How long the process may take to exit once its verb is done."""


def run(main: Callable[[], int]) -> int:
    """Run ``main``, which does its own imports; return the exit code.

    A stop signal that arrives during the imports is not lost. Threads, such as functions that never return, do not
    keep the process alive for long.
    """
    early_signals.hold_back()
    code = main()
    timer = threading.Timer(END_SECONDS, _leave, [code])
    timer.daemon = True
    timer.start()
    return code


def _leave(code: int) -> None:
    from workflow_manager.logs import nonblocking

    nonblocking.flush()
    os._exit(code)
