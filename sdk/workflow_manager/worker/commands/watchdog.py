"""Sees to it that no command outlives its worker, even one that was killed."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import structlog

from workflow_manager.worker.commands import reaper

log = structlog.get_logger()

END_SECONDS: Final = 1.0
"""How long the watchdog may take to end; it has nothing left to do."""

PROGRAM: Final = (sys.executable, "-I", "-S", str(Path(reaper.__file__)))


class Guard(Protocol):
    """Kills process groups when this process dies."""

    def watch(self, group: int) -> None:
        """Kill the group when this process dies, from now on."""
        ...

    def forget(self, group: int) -> None:
        """Leave the group alone; called before its process is collected."""
        ...


class NoWatchdog:
    """Kills nothing."""

    def watch(self, group: int) -> None:
        """Do nothing."""

    def forget(self, group: int) -> None:
        """Do nothing."""


class Watchdog:
    """A small process beside this one, which learns of its death by the end of a pipe.

    The kernel can tell a child of the death of its parent too (PR_SET_PDEATHSIG), but means the thread that started it,
    tells no grandchild, and needs code that runs between fork and exec.
    """

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def watch(self, group: int) -> None:
        """Kill the group when this process dies, from now on."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Leave the group alone; called before its process is collected."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        try:
            self._send(line)
        except (BrokenPipeError, BlockingIOError):
            log.warning("watchdog of commands replaced", action="watchdog-lost")
            self._kill()
            self._start()

    def _send(self, text: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            os.write(self._process.stdin.fileno(), text.encode())

    def _start(self) -> None:
        try:
            # In its own session, so that it is not signalled together with the worker.
            self._process = subprocess.Popen(
                PROGRAM,
                bufsize=0,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as refused:
            log.warning("no watchdog: commands may outlive the worker", action="watchdog-lost", error=str(refused))
            return
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            self._send("".join(f"+{group}\n" for group in self._groups))

    def _end(self) -> None:
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
