"""Every exit code, as a shell gets it: from a real process that came to it by itself.

Covers `workflow_manager.cli.exit_codes` and `workflow_manager.cli.process`.
"""

import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.fork_server import ForkServer
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.cli.piped import Piped
from tests.sdk.client.documents import workflow_json
from workflow_manager.cli.exit_codes import ExitCode

FOLLOW = ("workflows", "w", "--follow")
FAULT = """
import sys
from workflow_manager.cli.workflows import listing
from app.cli.commands import main
listing.write_results = None
sys.exit(main(["workflows", "--url", sys.argv[1]]))
"""
"""The command line with a mistake in it."""


Start = Callable[..., Piped]


def fault(service: FakeService) -> int:
    """Make a mistake of ours."""
    service.on("GET /workflows", [workflow_json()])
    command = [sys.executable, "-c", FAULT, service.url]
    return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode


def followed(service: FakeService, start: Start, *statuses: str) -> Piped:
    """Follow a workflow."""
    service.on("GET /workflows/w", *map(workflow_json, statuses))
    return start(*FOLLOW)


def refused(service: FakeService, start: Start, status: int) -> int:
    """Ask for something that is refused."""
    service.on("POST /workflows/w/resolved", {"message": "no"}, status=status)
    return start("resolve", "w").end().code


def without_reader(service: FakeService, start: Start) -> int:
    """Write more than a pipe holds, without a reader."""
    service.on("GET /workflows", [workflow_json(id=f"w{number}") for number in range(500)])
    return start("workflows", "--limit", "500", "-o", "json").leave().code


ENDS: dict[ExitCode, Callable[[FakeService, Start], int]] = {
    ExitCode.OK: lambda service, start: followed(service, start, "running", "succeeded").end().code,
    ExitCode.FAILED: lambda service, start: followed(service, start, "running", "failed").end().code,
    ExitCode.USAGE: lambda service, start: start("nonsense").end().code,
    ExitCode.REFUSED: lambda service, start: refused(service, start, 409),
    ExitCode.AUTH: lambda service, start: refused(service, start, 403),
    ExitCode.UNAVAILABLE: lambda service, start: start("health", "--url", "http://127.0.0.1:1").end().code,
    ExitCode.WORKFLOW_CANCELLED: lambda service, start: followed(service, start, "cancelled").end().code,
    ExitCode.INTERNAL_ERROR: lambda service, start: fault(service),
    ExitCode.WAIT_TIMED_OUT: lambda service, start: start("workflows", "w", "-f", "--timeout", "0").end().code,
    ExitCode.INTERRUPTED: lambda service, start: followed(service, start, "running").signal(signal.SIGINT).code,
    ExitCode.BROKEN_PIPE: without_reader,
    ExitCode.TERMINATED: lambda service, start: followed(service, start, "running").signal(signal.SIGTERM).code,
}


@pytest.mark.parametrize("code", list(ExitCode))
def test_every_exit_code_comes_from_a_process(
    code: ExitCode, forks: ForkServer, env: dict[str, str], service: FakeService
) -> None:
    """Scripts see the number and nothing else."""
    assert ENDS[code](service, lambda *arguments: Piped(forks, arguments, env)) == code
