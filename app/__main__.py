"""Entry point of the commands ``workflow-manager`` and ``wfm``, and of ``python -m app``."""

import importlib
import os
import sys
import threading
from typing import Final

from workflow_manager import early_signals
from workflow_manager.logs import nonblocking

__all__ = ["main"]

END_SECONDS: Final = 1.0
"""How long the end of the process may take once its verb is done."""


def main() -> int:
    """Run the command line; return the exit code."""
    # Before anything is imported that takes its time: a stop that comes meanwhile must not be lost.
    early_signals.hold_back()
    edge = importlib.import_module("workflow_manager.cli.main")
    code = int(edge.main())
    _end_soon(code)
    return code


def _end_soon(code: int) -> None:
    """Let the interpreter wait for threads, which may be those of functions that never return, but not for long."""
    timer = threading.Timer(END_SECONDS, _leave, [code])
    timer.daemon = True
    timer.start()


def _leave(code: int) -> None:
    nonblocking.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
