"""When serving ends: at SIGTERM or SIGINT, or when the process that owns this one is gone."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

HANDLED: Final = (signal.SIGTERM, signal.SIGINT)

PR_SET_PDEATHSIG: Final = 1
"""Linux, prctl(2): the signal that the kernel sends when the parent is gone."""


def end_with_parent() -> None:
    """Let the kernel kill this process when its parent is gone, also while no Python code gets a turn.

    The end of file of ``stop_requests`` is the same without Linux, and more polite; it needs a thread that runs.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@contextlib.contextmanager
def stop_requests(owner: int | None) -> Iterator[Callable[[], None]]:
    """Collect requests to stop for the time of the block; gives what waits for the first. For the main thread only.

    ``owner`` is a file descriptor whose end of file is such a request.
    """
    requests, sender = os.pipe()
    os.set_blocking(sender, False)
    # The system may hand a signal to any thread. Only this descriptor is written there and then; a handler would
    # have to wait until the main thread wakes up by itself.
    fd_before = signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in HANDLED}
    if owner is not None:
        threading.Thread(target=_watch, args=(owner,), daemon=True).start()
    try:
        yield partial(_wait, requests)
    finally:
        signal.set_wakeup_fd(fd_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(requests)
        os.close(sender)


def _wait(requests: int) -> None:
    # Each byte is the number of a signal, including signals that are handled elsewhere.
    while os.read(requests, 1)[0] not in HANDLED:
        pass


def _watch(owner: int) -> None:
    # Not through sys.stdin, whose lock this thread would still hold when the interpreter shuts down.
    while os.read(owner, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
