"""What a command writes: shown as it comes, remembered only as far as needed."""

import asyncio
import functools
from typing import BinaryIO, Final, Protocol

import structlog

from workflow_manager.logs.nonblocking import NonBlockingWriter
from workflow_manager.worker import threads
from workflow_manager.worker.backoff import wait_or_event

log = structlog.get_logger()

CHUNK_BYTES: Final = 65_536
"""Most that is read at once; half of the longest line that is sure to be shown in one piece."""


MAX_BACKLOG_CHUNKS: Final = 16
"""Most chunks of an ended command that wait to be shown; what comes then is not shown."""


class Memory(Protocol):
    """Remembers a part of a stream, in bounded space."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        ...


class LastLine:
    """Remembers the last line that is not blank, up to ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ended = b""
        self._open = b""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            self._ended = _last_line(self._open + head)[: self._limit + 1] or self._ended
            self._open = tail
        elif len(self._open) <= self._limit:
            self._open += chunk
        self._open = self._open[: self._limit + 1]

    @property
    def line(self) -> bytes:
        """The line without surrounding blanks; empty when there was none."""
        return (_last_line(self._open) or self._ended)[: self._limit]

    @property
    def too_long(self) -> bool:
        """Whether the line was longer than the limit."""
        return len(_last_line(self._open) or self._ended) > self._limit


class Tail:
    """Remembers the last ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self.cut = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        self._data += chunk
        if len(self._data) > self._limit:
            del self._data[: -self._limit]
            self.cut = True

    @property
    def data(self) -> bytes:
        """The bytes, in order."""
        return bytes(self._data)


class OutputForwarder:
    """Shows bytes on an output of the worker; a slow reader must not hold up the heartbeats.

    What the output does not take at once is written by a thread. A reader that has stopped holds up a single one, which
    does not keep the process alive.
    """

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._hasty = NonBlockingWriter(output)
        self._turn = asyncio.Lock()
        self._broken = False

    async def show(self, data: bytes) -> None:
        """Write and flush; an output that cannot be written to is given up, the command goes on."""
        await self._turn.acquire()
        try:
            rest = b"" if self._broken else self._hasty.write(data)
        except (OSError, ValueError) as broken:
            self._give_up(broken)
            rest = b""
        if not rest:
            self._turn.release()
            return
        writing = threads.call_in_thread(functools.partial(self._write, rest), name="echo")
        writing.add_done_callback(self._written)
        # The caller may be cancelled, but the next write must wait for this one.
        await asyncio.wait({writing})

    def _written(self, writing: asyncio.Future[object]) -> None:
        self._turn.release()
        if broken := writing.exception():
            self._give_up(broken)

    def _give_up(self, broken: BaseException) -> None:
        self._broken = True
        log.warning("output of commands is no longer forwarded", action="echo-broken", error=str(broken))

    def _write(self, data: bytes) -> None:
        while data:
            data = data[self._output.write(data) :]
        self._output.flush()


class CommandStream:
    """One output of one command: remembered by ``memory`` and shown as it comes.

    Where commands run at the same time, a part of a line waits up to ``hold_seconds`` for the rest, so that their lines
    do not mix. While the command runs, it waits for what it wrote to be shown. After its end nothing waits: what it
    wrote decides the outcome of its task, even if the output of the worker is not read.
    """

    def __init__(self, memory: Memory, forwarder: OutputForwarder, *, hold_seconds: float) -> None:
        self._memory = memory
        self._forwarder = forwarder
        self._hold_seconds = hold_seconds
        self._held = b""
        self._holding: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()
        self._showing: set[asyncio.Future[None]] = set()

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        self._memory.feed(chunk)
        waiting = self._held + chunk
        end = waiting.rfind(b"\n") + 1 if self._hold_seconds and len(waiting) <= 2 * CHUNK_BYTES else len(waiting)
        self._hold(waiting[end:])
        if showing := self._show(waiting[:end]):
            await wait_or_event(showing, unless=self._ended)

    def command_ended(self) -> None:
        """Do not wait for readers from now on."""
        self._ended.set()

    async def close(self, *, seconds: float) -> None:
        """Show what was held back for want of a line end; give up what cannot be shown in time."""
        self._release()
        if self._showing:
            await asyncio.wait(self._showing, timeout=seconds)
        for showing in self._showing:
            showing.cancel()

    def _hold(self, part: bytes) -> None:
        if self._holding is not None:
            self._holding.cancel()
        self._held = part
        loop = asyncio.get_running_loop()
        self._holding = loop.call_later(self._hold_seconds, self._release) if part else None

    def _release(self) -> None:
        part = self._held
        self._hold(b"")
        self._show(part)

    def _show(self, data: bytes) -> asyncio.Future[None] | None:
        if not data or len(self._showing) >= MAX_BACKLOG_CHUNKS:
            return None
        showing = asyncio.ensure_future(self._forwarder.show(data))
        self._showing.add(showing)
        showing.add_done_callback(self._showing.discard)
        return showing


def _last_line(data: bytes) -> bytes:
    return data.strip().rpartition(b"\n")[2].strip()
