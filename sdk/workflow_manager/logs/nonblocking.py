"""Writes lines to a file without ever waiting for its reader."""

import io
import os
import select
import stat
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import IO, Any, Final, Protocol, TextIO

CLOSED: Final = "the file is closed"

MAX_WAITING_BYTES: Final = 1_048_576
"""Most that waits for a reader: some thousand lines."""

FLUSH_SECONDS: Final = 1.0
"""How long the end of a process waits for the reader of its log."""


def flush(*, seconds: float = FLUSH_SECONDS) -> None:
    """Wait until all lines of the process are written, for at most ``seconds``; before ``os._exit``, for instance."""
    for lines in list(_ALL):
        lines.flush(seconds=seconds)


class Lines:
    """The lines of a process on one file, in order.

    A line is written by the thread that logs it while the file accepts it at once, so that it is there even when the
    process crashes right after. If the file would block, or might, lines go to a thread; beyond ``max_waiting_bytes``
    they are dropped, and ``on_dropped`` gets the count once the rest is written.
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


class NonBlockingWriter:
    """Writes to a file what it takes at once."""

    def __init__(self, file: IO[Any]) -> None:
        self._file = file
        self._descriptor = _reopened(file)
        if self._descriptor is not None and self._descriptor != file.fileno():
            closing = weakref.finalize(self, os.close, self._descriptor)
            closing.atexit = False  # there may be last words

    def write(self, data: bytes) -> bytes:
        """Write what can be written without waiting, and return the rest: all of it, if that is unknown.

        Raises ``OSError`` for what can never be written, and ``ValueError`` for a closed file.
        """
        if self._descriptor is None:
            return data
        if self._file.closed:  # its number can be that of another file by now
            raise ValueError(CLOSED)
        try:
            return data[os.write(self._descriptor, data) :]
        except BlockingIOError:
            return data


class Descriptor:
    """What is behind the descriptor of a file."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._writer = NonBlockingWriter(file)

    def write_at_once(self, data: bytes) -> bytes:
        """Write as much as can be written without waiting, and return the rest."""
        try:
            return self._writer.write(data)
        except (OSError, ValueError) as lost:
            return self._give_up(lost)

    def write_patiently(self, data: bytes) -> None:
        """Write everything, however long that takes."""
        while data:
            try:
                data = self._wait_and_write(data)
            except (OSError, ValueError) as lost:
                data = self._give_up(lost)

    def _give_up(self, lost: OSError | ValueError) -> bytes:
        """Return what is left to write: nothing, when the disk is full, the file closed or its reader gone."""
        if isinstance(lost, BrokenPipeError):
            self._discard()
        return b""

    def _wait_and_write(self, data: bytes) -> bytes:
        try:
            return data[os.write(self._file.fileno(), data) :]
        except BlockingIOError:  # the parent process made the file non-blocking
            select.select([], [self._file.fileno()], [])
            return data

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
        self._writer = NonBlockingWriter(self._file)


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
        file.fileno()
    except io.UnsupportedOperation:
        return InMemory(file)
    return Descriptor(file)


def _reopened(file: IO[Any]) -> int | None:
    """Open what is behind a file for writes that never wait; others who write to it go on to wait.

    No disk makes a writer wait for its reader. Sockets cannot be opened again, nor pipes of another user.
    """
    try:
        descriptor = file.fileno()
    except io.UnsupportedOperation:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
