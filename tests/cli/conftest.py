"""A service to talk to, and two ways of running the command line."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from app.cli.edge import main
from tests.cli.fake_service import FakeService, running


class Outcome(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def service() -> Iterator[FakeService]:
    """A service whose answers the test writes down."""
    with running() as fake:
        yield fake


@pytest.fixture
def wfm(service: FakeService, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""
    monkeypatch.setenv("WORKFLOWMANAGER_URL", service.url)
    for name in ("WFM_DEBUG", "WORKFLOWMANAGER_NAMESPACE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Outcome:
        capfd.readouterr()
        # In a thread, because asyncio.run would orphan the event loop that the test runner keeps in this one.
        with ThreadPoolExecutor(1) as thread:
            code = thread.submit(main, arguments).result()
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def process(service: FakeService) -> Run:
    """Run the command line in a process of its own, its output piped."""

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=20,
            check=False,
            env={"PATH": os.environ["PATH"], "WORKFLOWMANAGER_URL": service.url, **(env or {})},
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run
