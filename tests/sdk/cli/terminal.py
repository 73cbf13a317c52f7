"""A process in a pseudo-terminal, as a person at a keyboard has it, and the screen that the person sees."""

import codecs
import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import pyte

from tests.fork_server import ForkServer

CTRL_C = b"\x03"
SCROLLED_LINES = 20_000


class Terminal:
    """Runs the command line with ``arguments`` in a terminal of ``rows`` by ``columns``, which controls the process."""

    def __init__(
        self,
        forks: ForkServer,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        rows: int = 40,
        columns: int = 100,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = forks.start(
            arguments,
            streams=[slave] * 3,
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", **env},
            tty=True,
        )
        os.close(slave)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._screen = pyte.HistoryScreen(columns, rows, history=SCROLLED_LINES)
        self._stream = pyte.Stream(self._screen)
        self.shown = ""
        """Everything that was written, with what moves the cursor and makes colours."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        os.close(self._master)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def screen(self) -> list[str]:
        """The lines that are on the screen now."""
        return [str(line).rstrip() for line in self._screen.display]

    @property
    def lines(self) -> list[str]:
        """All lines, including those that scrolled away, without the empty rest of the screen."""
        columns = range(self._screen.columns)
        scrolled = ["".join(line[x].data for x in columns).rstrip() for line in self._screen.history.top]
        return "\n".join([*scrolled, *self.screen]).rstrip("\n").split("\n")

    @property
    def cursor_is_hidden(self) -> bool:
        """Whether the person sees no cursor."""
        return bool(self._screen.cursor.hidden)

    def press(self, keys: bytes) -> None:
        """Type on the keyboard."""
        os.write(self._master, keys)

    def read_until(self, condition: Callable[[str], bool], what: str, *, seconds: float = 15.0) -> None:
        """Read until what was written is as expected."""
        deadline = time.monotonic() + seconds
        while not condition(self.shown):
            if not self._read(deadline):
                raise AssertionError(f"the terminal never showed {what}; it shows:\n" + "\n".join(self.lines))

    def see(self, words: str) -> None:
        """Read until the screen shows some words."""
        self.read_until(lambda _: any(words in line for line in self.screen), repr(words))

    def end(self, *, seconds: float = 15.0) -> int:
        """Read the rest; return the exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self._process.wait(max(deadline - time.monotonic(), 1.0))

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return False
        try:
            content = os.read(self._master, 65536)
        except OSError:  # EIO: the other end is closed
            return False
        text = self._decoder.decode(content)
        self.shown += text
        self._stream.feed(text)
        return bool(content)
