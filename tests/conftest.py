"""Fixtures for every test."""

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from structlog._config import BoundLoggerLazyProxy
from structlog.testing import capture_logs

from scripts.dynamodb_local import dynamodb_local
from tests.fork_server import ForkServer
from workflow_manager.local import handshake


def pytest_configure() -> None:
    """Let Ctrl-C be felt, here and in what tests start: a shell ignores it for what runs in its background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_stray_event_loop() -> None:
    """Keep pytest-asyncio on Python 3.11 from making an event loop that nobody closes."""
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    """Show warnings only: a failed test is read more easily without the story of the others."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@pytest.fixture
def log_lines() -> Iterator[list[MutableMapping[str, Any]]]:
    """The lines that are logged while the test runs, from `info` on."""
    for module in list(sys.modules.values()):
        # A logger that a test used while the service's own configuration was in force would keep that one.
        if isinstance(log := getattr(module, "log", None), BoundLoggerLazyProxy):
            vars(log).pop("bind", None)
    quiet = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    with capture_logs() as lines:
        yield lines
    structlog.configure(wrapper_class=quiet)


@pytest.fixture(scope="session")
def local_aws_url() -> Iterator[str]:
    """The endpoint of an embedded AWS that all tests of the session share; use names nobody else uses."""
    command = handshake.command("127.0.0.1", 0)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        yield handshake.read(child.stdout.readline())
        child.terminate()


@pytest.fixture(scope="session")
def dynamodb_local_url() -> Iterator[str]:
    """The endpoint of Amazon's own engine, where it was fetched."""
    with dynamodb_local() as url:
        yield url


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """What starts processes of the command line."""
    server = ForkServer()
    yield server
    server.close()
