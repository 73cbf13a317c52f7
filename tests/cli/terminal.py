"""A process in a pseudo-terminal, as a person at a keyboard has it."""

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

from tests.cli.forked import ForkServer

CTRL_C = b"\x03"


class Terminal:
    """Runs the command line with ``arguments`` in a terminal of ``rows`` by 100, which controls the process."""

    def __init__(self, forks: ForkServer, arguments: Sequence[str], *, env: Mapping[str, str], rows: int = 40) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
        self._process = forks.start(
            arguments,
            streams=[slave] * 3,
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", **env},
            tty=True,
        )
        os.close(slave)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        os.close(self._master)

    def press(self, keys: bytes) -> None:
        """Type on the keyboard."""
        os.write(self._master, keys)

    def read_until(self, condition: Callable[[str], bool], what: str, *, seconds: float = 15.0) -> None:
        """Read the screen until it shows what is expected."""
        deadline = time.monotonic() + seconds
        while not condition(self.shown):
            if not self._read(deadline):
                raise AssertionError(f"the terminal never showed {what}; it shows:\n{self.shown}")

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
        except OSError:  # EIO: nobody holds the other end any more
            return False
        self.shown += content.decode("utf-8", "replace")
        return bool(content)
