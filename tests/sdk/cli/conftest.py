"""A service to talk to, and three ways of running the command line."""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from app.cli.commands import main
from tests.fork_server import ForkServer
from tests.sdk.cli.fake_service import FakeService, running
from tests.sdk.cli.terminal import Terminal


class Outcome(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]
OpenTerminal = Callable[..., Terminal]


@pytest.fixture
def service() -> Iterator[FakeService]:
    """A service whose answers the test writes down."""
    with running() as fake:
        yield fake


@pytest.fixture
def wfm(
    service: FakeService, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run the command line in this process."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("WORKFLOWMANAGER_URL", service.url)
    for name in ("WFM_DEBUG", "WORKFLOWMANAGER_NAMESPACE", "WORKFLOWMANAGER_PROFILE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Outcome:
        capfd.readouterr()
        # In a thread, because asyncio.run would orphan the event loop that the test runner keeps in this one.
        with ThreadPoolExecutor(1) as thread:
            code = thread.submit(main, arguments).result()
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def env(service: FakeService, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process: nothing of the person who runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "WORKFLOWMANAGER_URL": service.url}


@pytest.fixture
def process(forks: ForkServer, env: dict[str, str]) -> Run:
    """Run the command line in a process of its own, its streams piped."""

    def run(*arguments: str, stdin: str = "", extra: dict[str, str] | None = None) -> Outcome:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin.encode())
            given.seek(0)
            streams = [stream.fileno() for stream in (given, out, err)]
            code = forks.start(arguments, streams=streams, env={**env, **(extra or {})}, tty=False).wait(20)
            out.seek(0)
            err.seek(0)
            return Outcome(code, out.read().decode(), err.read().decode())

    return run


@pytest.fixture
def open_terminal(forks: ForkServer, env: dict[str, str]) -> OpenTerminal:
    """Run the command line in a pseudo-terminal."""

    def start(*arguments: str, rows: int = 40, columns: int = 100, extra: dict[str, str] | None = None) -> Terminal:
        return Terminal(forks, arguments, env={**env, **(extra or {})}, rows=rows, columns=columns)

    return start
