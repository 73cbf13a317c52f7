"""A command that runs, its streams in pipes that a test reads, or leaves."""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.fork_server import ForkServer


class Ended(NamedTuple):
    """How a command ended, and what it had said that was not read before."""

    code: int
    out: str
    err: str


class Piped:
    """A command in a process of its own."""

    def __init__(self, forks: ForkServer, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        out, out_writer = os.pipe()
        err, err_writer = os.pipe()
        with Path(os.devnull).open("rb") as nothing:
            streams = [nothing.fileno(), out_writer, err_writer]
            self._process = forks.start(arguments, streams=streams, env=env, tty=False)
        os.close(out_writer)
        os.close(err_writer)
        self._out, self._err = os.fdopen(out), os.fdopen(err)

    def line(self) -> str:
        """Read the next line of its results."""
        return self._out.readline()

    def leave(self) -> Ended:
        """Read no more results."""
        self._out.close()
        with self._err:
            return Ended(self._process.wait(20), "", self._err.read())

    def signal(self, number: signal.Signals) -> Ended:
        """Send a signal, once it has written something."""
        self.line()
        os.kill(self._process.pid, number)
        return self.end()

    def end(self, *, seconds: float = 20) -> Ended:
        """Read all that it writes."""
        with self._out, self._err:
            return Ended(self._process.wait(seconds), self._out.read(), self._err.read())
