"""Real processes of the command line without the cost of their start.

One process imports what commands need and then only forks: each command runs in a child of its own, with the
arguments, environment, streams and terminal that the test gives it, and ends with a real exit code.
"""

import contextlib
import fcntl
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import termios
from collections.abc import Mapping, Sequence
from typing import Any

PRELOADED = (
    "workflow_manager.cli.bulk.runner",
    "workflow_manager.cli.bulk.commands",
    "workflow_manager.cli.definitions.apply",
    "workflow_manager.cli.definitions.diff",
    "workflow_manager.cli.definitions.files",
    "app.cli.service_process",
    "workflow_manager.cli.workflows.listing",
    "workflow_manager.cli.workflows.live_view",
    "workflow_manager.cli.workflows.submit",
)
STREAMS = 3
LENGTH = struct.Struct("!I")


class Forked:
    """A command in a process of its own, started by `ForkServer`."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self._connection = connection
        self.pid = pid
        self.returncode: int | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self.returncode is None and not select.select([self._connection], [], [], 0)[0]

    def wait(self, timeout: float) -> int:
        """Return the exit code once it has ended; negative for a signal, as `subprocess` has it."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            self.returncode = int(_receive(self._connection)["code"])
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.wait(10)


class ForkServer:
    """Starts commands; the process behind it is started with the first one."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._pid = 0

    def start(self, arguments: Sequence[str], *, streams: Sequence[int], env: Mapping[str, str], tty: bool) -> Forked:
        """Run a command with three streams; ``tty`` makes the first one its controlling terminal."""
        server = self._socket or self._open()
        ours, theirs = socket.socketpair()
        with theirs:
            content = _packed({"arguments": list(arguments), "env": dict(env), "tty": tty})
            socket.send_fds(server, [content], [theirs.fileno(), *streams])
        return Forked(ours, int(_receive(ours)["pid"]))

    def close(self) -> None:
        """End the process; commands that still run are not its business."""
        if self._socket is not None:
            self._socket.close()
            os.waitpid(self._pid, 0)

    def _open(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            arguments = [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())]
            os.set_inheritable(theirs.fileno(), True)
            self._pid = os.posix_spawn(sys.executable, arguments, os.environ)
        self._socket = ours
        return ours


def serve(server: socket.socket) -> None:
    """Fork a child for every request, until nobody asks any more."""
    for name in PRELOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        content, descriptors, _, _ = socket.recv_fds(server, 1 << 20, 1 + STREAMS)
        if not content:
            return
        if os.fork() == 0:
            server.close()
            _watch(json.loads(content[LENGTH.size :]), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _watch(request: dict[str, Any], descriptors: list[int]) -> None:
    """Run the command in a grandchild, tell its id at once and its exit code at the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=descriptors[0]) as connection:
        pid = os.fork()
        if pid == 0:
            connection.close()
            _run(request, descriptors[1:])
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        connection.sendall(_packed({"pid": pid}))
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(BrokenPipeError):
            connection.sendall(_packed({"code": os.waitstatus_to_exitcode(status)}))
    os._exit(0)


def _run(request: dict[str, Any], streams: list[int]) -> None:
    from app.cli.commands import main  # noqa: PLC0415  the test process that imports this module has no use for it

    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if request["tty"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(request["env"])
    for name, mode, number in (("stdin", "r", 0), ("stdout", "w", 1), ("stderr", "w", 2)):
        encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
        setattr(sys, name, open(number, mode, encoding=encoding, closefd=False))  # noqa: SIM115
    sys.argv = ["workflow-manager"]
    code = main(request["arguments"])
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _packed(value: object) -> bytes:
    content = json.dumps(value).encode()
    return LENGTH.pack(len(content)) + content


def _receive(connection: socket.socket) -> Any:
    content = b""
    while len(content) < LENGTH.size or len(content) < LENGTH.size + LENGTH.unpack_from(content)[0]:
        piece = connection.recv(LENGTH.size if len(content) < LENGTH.size else LENGTH.unpack_from(content)[0])
        if not piece:
            raise EOFError("the process that forks commands is gone")
        content += piece
    return json.loads(content[LENGTH.size :])


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        serve(requests)
