"""One child process that leads a process group of its own."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Protocol

import structlog

from workflow_manager.worker.commands.output_streams import CHUNK_BYTES
from workflow_manager.worker.commands.watchdog import Guard

log = structlog.get_logger()

EXIT_CHECK_SECONDS: Final = 0.05
"""How often the end of a process is looked for where the kernel does not announce it."""

OUTPUT_DRAIN_SECONDS: Final = 1.0
"""How long output is still read after the process group was killed, or the process was asked to end."""

PROCESSES: Final = "/proc"
ENDED: Final = frozenset({b"Z", b"X"})


class Sink(Protocol):
    """Takes one output of a process."""

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes; the process waits meanwhile."""
        ...

    def command_ended(self) -> None:
        """Learn that the process has ended and can no longer wait."""
        ...


class ChildProcess:
    """A started command, with everything it starts in turn.

    Signals go to the command alone, which knows what it has started; only the last SIGKILL goes to its process group.
    The process is collected (``wait``) only when it will not be signalled again: until then the kernel keeps its
    number, so that a signal never reaches another process with the same number.
    """

    def __init__(self, popen: subprocess.Popen[bytes], guard: Guard) -> None:
        self._popen = popen
        self._guard = guard
        self._over = False
        self._timers: list[asyncio.TimerHandle] = []
        self.told_to_end = False
        """Whether the process was asked to end while it ran."""

    @classmethod
    def start(
        cls, argv: Sequence[str | bytes], *, env: Mapping[str, str], stdin: IO[bytes] | int, guard: Guard
    ) -> "ChildProcess":
        """Start the command in a new session, watched by ``guard``; raises ``OSError`` when that fails."""
        popen = subprocess.Popen(
            argv,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        guard.watch(popen.pid)
        return cls(popen, guard)

    @property
    def pid(self) -> int:
        """Number of the process and of its group."""
        return self._popen.pid

    def signal(self, number: int) -> None:
        """Send a signal to the process; nothing happens once it is collected."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)

    def kill_group(self) -> None:
        """Kill the process and all that it left in its group; nothing happens once it is collected."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def end(self, *, grace_seconds: float) -> None:
        """Send SIGTERM the first time, and kill the group after the shortest grace of all calls.

        A process that has already ended by itself does not count.
        """
        if self._over or self._has_ended():
            return
        if not self.told_to_end:
            self.told_to_end = True
            self.signal(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(grace_seconds, self.kill_group))

    async def run(self, *, stdout: Sink, stderr: Sink, drain_seconds: float) -> int:
        """Hand on the output until the process has ended; returns its exit code, negative for a signal.

        What the process leaves behind in its group is killed, and named in the log: after its end its output is read
        to the end for at most ``drain_seconds``, and nothing in the group outlives the task. What has left the group,
        by ``setsid``, is not found and goes on.
        """
        reading = [
            asyncio.create_task(_read(self._popen.stdout, stdout), name=f"stdout-of-{self.pid}"),
            asyncio.create_task(_read(self._popen.stderr, stderr), name=f"stderr-of-{self.pid}"),
        ]
        try:
            await self._ended()
            self._over = True
            stdout.command_ended()
            stderr.command_ended()
            await asyncio.wait(reading, timeout=OUTPUT_DRAIN_SECONDS if self.told_to_end else drain_seconds)
            self._end_helpers()
            await asyncio.wait(reading, timeout=OUTPUT_DRAIN_SECONDS)
        finally:
            await self._clean_up(reading)
        return self._popen.wait()

    def _end_helpers(self) -> None:
        helpers = group_members(self.pid)
        if helpers:
            log.warning(
                "command ended before its child processes; killing them",
                action="helpers-killed",
                processes=[f"{name} ({pid})" for pid, name in helpers.items()],
            )
        self.kill_group()

    async def _clean_up(self, reading: Sequence[asyncio.Task[None]]) -> None:
        self.kill_group()
        for timer in self._timers:
            timer.cancel()
        for task in reading:
            task.cancel()
        outcomes = await asyncio.gather(*reading, return_exceptions=True)
        for pipe in (self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                pipe.close()
        await self._ended()
        self._guard.forget(self.pid)
        self._popen.wait()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _ended(self) -> None:
        """Wait for the end of the process, and leave it uncollected."""
        if self._has_ended():
            return
        try:
            pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            while not self._has_ended():  # noqa: ASYNC110  # nothing here could set an event
                await asyncio.sleep(EXIT_CHECK_SECONDS)
            return
        try:
            await _readable(pidfd)
        finally:
            os.close(pidfd)

    def _has_ended(self) -> bool:
        if self._popen.returncode is not None:
            return True
        if hasattr(os, "waitid"):
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        if self._popen.poll() is None:  # macOS before Python 3.13: cannot look without collecting
            return False
        self._guard.forget(self.pid)
        return True


def group_members(group: int) -> dict[int, str]:
    """Return the names of the running processes in a group, without its leader.

    Where the system has no ``/proc`` none are found.
    """
    found: dict[int, str] = {}
    with contextlib.suppress(OSError):
        for entry in os.scandir(PROCESSES):
            if not entry.name.isdigit() or int(entry.name) == group:
                continue
            with contextlib.suppress(OSError):
                number, name, state, its_group = _read_status(Path(entry.path, "stat").read_bytes())
                if its_group == group and state not in ENDED:
                    found[number] = name
    return found


def _read_status(line: bytes) -> tuple[int, str, bytes, int]:
    """Read number, name, state and group from ``/proc/PID/stat`` (proc(5)); the name can hold any character."""
    head, _, rest = line.rpartition(b")")
    number, _, name = head.partition(b" (")
    state, _parent, group, *_ = rest.split()
    return int(number), name.decode(errors="replace"), state, int(group)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(descriptor)


async def _read(pipe: IO[bytes] | None, sink: Sink) -> None:
    reader = asyncio.StreamReader(limit=CHUNK_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            await sink.feed(chunk)
    finally:
        transport.close()
