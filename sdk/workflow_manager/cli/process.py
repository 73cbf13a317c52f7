"""The life of a process that runs one command line: from the first signal to an end that nothing holds up."""

import os
import threading
from collections.abc import Callable
from typing import Final

from workflow_manager import early_signals

END_SECONDS: Final = 1.0
"""How long the end of the process may take once its verb is done."""


def run(main: Callable[[], int]) -> int:
    """Run ``main``, which may import what it needs; return the exit code.

    A stop that comes during the imports is not lost. Threads, which may be those of functions that never return, do
    not keep the process alive for long.
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
