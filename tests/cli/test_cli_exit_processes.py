"""Every exit code, as a shell gets it: from a real process that came to it by itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.exits import ExitCode
from tests.cli.fake_service import FakeService
from tests.cli.forked import Forked, ForkServer
from tests.client.documents import workflow_json

FOLLOW = ("workflows", "w", "--follow")
FAULT = """
import sys
from app.cli import workflow_list
from app.cli.edge import main
workflow_list.write_table = None
sys.exit(main(["workflows", "--url", sys.argv[1]]))
"""
"""The command line with a mistake in it."""


class Started:
    """A command in a process of its own, in a pipe that may have no reader."""

    def __init__(self, forks: ForkServer, arguments: tuple[str, ...], env: dict[str, str]) -> None:
        reader, writer = os.pipe()
        with Path(os.devnull).open("r+b") as nothing:
            streams = [nothing.fileno(), writer, nothing.fileno()]
            self.process: Forked = forks.start(arguments, streams=streams, env=env, tty=False)
        os.close(writer)
        self._out = os.fdopen(reader)

    def leave(self) -> int:
        """Stop reading; return the exit code."""
        self._out.close()
        return self.process.wait(20)

    def signal(self, number: signal.Signals) -> int:
        """Send a signal once it has written something; return the exit code."""
        self._out.readline()
        os.kill(self.process.pid, number)
        return self.end()

    def end(self) -> int:
        """Read all; return the exit code."""
        with self._out:
            self._out.read()
        return self.process.wait(20)


Start = Callable[..., Started]


def fault(service: FakeService) -> int:
    """Make a mistake of ours."""
    service.on("GET /workflows", [workflow_json()])
    command = [sys.executable, "-c", FAULT, service.url]
    return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode


def followed(service: FakeService, start: Start, *statuses: str) -> Started:
    """Follow a workflow."""
    service.on("GET /workflows/w", *map(workflow_json, statuses))
    return start(*FOLLOW)


def refused(service: FakeService, start: Start, status: int) -> int:
    """Ask for something that is refused."""
    service.on("POST /workflows/w/resolved", {"message": "no"}, status=status)
    return start("resolve", "w").end()


def without_reader(service: FakeService, start: Start) -> int:
    """Write more than a pipe holds, to nobody."""
    service.on("GET /workflows", [workflow_json(id=f"w{number}") for number in range(500)])
    return start("workflows", "--limit", "500", "-o", "json").leave()


ENDS: dict[ExitCode, Callable[[FakeService, Start], int]] = {
    ExitCode.OK: lambda service, start: followed(service, start, "running", "succeeded").end(),
    ExitCode.FAILED: lambda service, start: followed(service, start, "running", "failed").end(),
    ExitCode.USAGE: lambda service, start: start("nonsense").end(),
    ExitCode.REFUSED: lambda service, start: refused(service, start, 409),
    ExitCode.AUTH: lambda service, start: refused(service, start, 403),
    ExitCode.UNAVAILABLE: lambda service, start: start("workflows", "--url", "http://127.0.0.1:1").end(),
    ExitCode.WORKFLOW_CANCELLED: lambda service, start: followed(service, start, "cancelled").end(),
    ExitCode.INTERNAL_ERROR: lambda service, start: fault(service),
    ExitCode.WAIT_TIMED_OUT: lambda service, start: start("workflows", "w", "-f", "--timeout", "0").end(),
    ExitCode.INTERRUPTED: lambda service, start: followed(service, start, "running").signal(signal.SIGINT),
    ExitCode.BROKEN_PIPE: without_reader,
    ExitCode.TERMINATED: lambda service, start: followed(service, start, "running").signal(signal.SIGTERM),
}


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_comes_from_a_process(
    code: ExitCode, forks: ForkServer, env: dict[str, str], service: FakeService
) -> None:
    """Scripts see the number and nothing else."""
    assert ENDS[code](service, lambda *arguments: Started(forks, arguments, env)) == code
