"""How the application stops, and noticing the signal, which servers tell it of only after its last answer."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from app.api.workflow_feeds import Feeds

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Shutdown:
    """The two steps of a stop: while it drains everything is still served, and when it closes the streams end."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds
        self.draining = False
        """Whether no new requests should be sent here."""

    def drain(self) -> None:
        """Fail ``/_ready`` and close connections after their answers; go on serving."""
        self.draining = True

    def close(self) -> None:
        """End the answers that go on until something happens."""
        self.draining = True
        self._feeds.close()


@contextmanager
def on_stop_signal(callback: Callable[[], None]) -> Iterator[None]:
    """Call back in the event loop when a signal asks the process to stop; the server's own handlers run as well.

    An answer that goes on until its workflow has ended would otherwise hold the stop up. Only the main thread gets
    signals: in another one nothing is called.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    installed = [_call_first(number, lambda: loop.call_soon_threadsafe(callback)) for number in SIGNALS]
    try:
        yield
    finally:
        for restore in installed:
            restore()


def _call_first(number: signal.Signals, callback: Callable[[], object]) -> Callable[[], object]:
    """Put a call before the handler of a signal; return what takes it away again."""
    handler = signal.getsignal(number)
    if not callable(handler):  # ignored, or left to the system to act on: both are to stay so
        return lambda: None

    def call(received: int, frame: FrameType | None) -> None:
        callback()
        handler(received, frame)

    signal.signal(number, call)
    return lambda: signal.signal(number, handler)
