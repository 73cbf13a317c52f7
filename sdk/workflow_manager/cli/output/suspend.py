"""Ctrl-Z while something is drawn: the screen is left in order, and drawn on when the process is continued."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Drawing(Protocol):
    """Something that draws, can leave the screen in order, and can go on."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def suspendable(drawing: Drawing) -> Iterator[None]:
    """Draw, but not while the process is stopped: the cursor would stay hidden in the shell."""

    def suspend() -> None:
        drawing.stop()
        os.kill(os.getpid(), signal.SIGSTOP)
        drawing.start()

    with _on_suspension(suspend):
        drawing.start()
        try:
            yield
        finally:
            drawing.stop()


@contextmanager
def _on_suspension(suspend: Callable[[], None]) -> Iterator[None]:
    """Call back at Ctrl-Z. Only the main thread gets signals: in another one nothing is called."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTSTP, suspend)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTSTP)
