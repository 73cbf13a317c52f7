"""Writes lines to a file without ever waiting for whoever reads it."""

import io
import os
import select
import stat
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, TextIO

MAX_WAITING_BYTES: Final = 1_048_576
"""Most that waits for a reader: some thousand lines."""

FLUSH_SECONDS: Final = 1.0
"""How long the end of a process waits for whoever reads its log."""


def flush(*, seconds: float = FLUSH_SECONDS) -> None:
    """Wait until all lines of the process are written, for at most ``seconds``; before ``os._exit``, for instance."""
    for lines in list(_ALL):
        lines.flush(seconds=seconds)


class Lines:
    """The lines of a process on one file, in order.

    A line is written by whoever says it as long as the file takes it at once, so that it is there also when the
    process crashes right after. When the file would make them wait, and where nobody can tell, lines go to a thread.
    What finds too much waiting there is dropped, and ``on_dropped`` gets the count once the rest is written.
    """

    def __init__(
        self,
        file: TextIO,
        *,
        on_dropped: Callable[[int], object] = lambda _: None,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._file = _outlet(file)
        self._encoding = file.encoding or "utf-8"
        self._on_dropped = on_dropped
        self._room = max_waiting_bytes
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._turn = threading.Lock()
        self._changed = threading.Condition(self._turn)
        _ALL.add(self)

    def write(self, line: str) -> None:
        """Write a line now, or as soon as there is room for it; neither waits nor fails."""
        data = f"{line}\n".encode(self._encoding, "backslashreplace")
        with self._turn:
            rest = data if self._waiting else self._file.write_at_once(data)
            if rest:
                self._keep(rest)

    def flush(self, *, seconds: float) -> None:
        """Wait until everything is written, for at most ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, timeout=seconds)

    def _keep(self, data: bytes) -> None:
        if self._waiting and len(data) > self._room:
            self._dropped += 1
            return
        self._room -= len(data)
        self._waiting.append(data)
        self._changed.notify_all()
        if self._thread is None or not self._thread.is_alive():  # as after a fork
            self._thread = threading.Thread(target=self._write_waiting, name="log-lines", daemon=True)
            self._thread.start()

    def _write_waiting(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                data = self._waiting[0]
            self._file.write_patiently(data)
            with self._changed:
                self._waiting.popleft()
                self._room += len(data)
                dropped = 0
                if not self._waiting:
                    dropped, self._dropped = self._dropped, 0
                self._changed.notify_all()
            if dropped:
                self._on_dropped(dropped)


_ALL: Final[weakref.WeakSet[Lines]] = weakref.WeakSet()


class Outlet(Protocol):
    """Takes bytes at once or patiently; what cannot be written at all is lost."""

    def write_at_once(self, data: bytes) -> bytes:
        """Write as much as can be written without waiting, and return the rest."""
        ...

    def write_patiently(self, data: bytes) -> None:
        """Write everything, however long that takes."""
        ...


class Descriptor:
    """What is behind the descriptor of a file."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._hasty = _reopened(file.fileno())
        """Where a write takes what there is room for and never waits; nothing when there is no such place."""

        if self._hasty not in {None, file.fileno()}:
            closing = weakref.finalize(self, os.close, self._hasty)
            closing.atexit = False  # there may be last words

    def write_at_once(self, data: bytes) -> bytes:
        """Write as much as can be written without waiting, and return the rest."""
        return data if self._hasty is None else self._write(self._hasty, data)

    def write_patiently(self, data: bytes) -> None:
        """Write everything, however long that takes."""
        while data and not self._file.closed:
            data = self._write(self._file.fileno(), data)
            if data:  # whoever started us made the file one that does not wait
                select.select([], [self._file.fileno()], [])

    def _write(self, descriptor: int, data: bytes) -> bytes:
        """Write what fits and return the rest; nothing is left of what can never be written."""
        if self._file.closed:  # its number can be that of another file by now
            return b""
        try:
            return data[os.write(descriptor, data) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            self._discard()
        except OSError:  # the disk is full
            pass
        return b""

    def _discard(self) -> None:
        """Send what else is written to a pipe without a reader nowhere.

        What waits in its buffer would be written once more when the process ends, and that failure would be its exit
        code.
        """
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._file.fileno())
        finally:
            os.close(nowhere)
        self._hasty = self._file.fileno()


class InMemory:
    """A file that is none of the system, such as the tests have."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write_at_once(self, data: bytes) -> bytes:
        """Write everything."""
        self.write_patiently(data)
        return b""

    def write_patiently(self, data: bytes) -> None:
        """Write everything, unless the file is closed."""
        if not self._file.closed:
            self._file.write(data.decode(self._file.encoding or "utf-8"))


def _outlet(file: TextIO) -> Outlet:
    try:
        return Descriptor(file)
    except io.UnsupportedOperation:
        return InMemory(file)


def _reopened(descriptor: int) -> int | None:
    """Open what a descriptor leads to for writes that never wait; others who write to it go on to wait.

    No disk makes a writer wait for its reader. Sockets cannot be opened again, and pipes of another user neither.
    """
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return descriptor
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
