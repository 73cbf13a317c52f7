"""The watchdog of commands.

Covers `workflow_manager.worker.commands.watchdog` and `workflow_manager.worker.commands.reaper`.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.sdk.worker.conftest import alive
from workflow_manager.worker.commands.reaper import STAY
from workflow_manager.worker.commands.watchdog import Watchdog


@pytest.fixture
def command() -> Iterator["subprocess.Popen[bytes]"]:
    """A command that runs, with a child, in a group of its own."""
    script = "sleep 600 & echo $!; exec sleep 600"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True) as started:
        yield started
        started.kill()


def child_of(command: "subprocess.Popen[bytes]") -> int:
    """Read the number of its child."""
    assert command.stdout is not None
    return int(command.stdout.readline())


def test_what_is_watched_at_the_end_is_killed_with_all_its_processes(command: "subprocess.Popen[bytes]") -> None:
    child = child_of(command)
    with Watchdog() as watchdog:
        watchdog.watch(command.pid)
    assert command.wait(30) == -signal.SIGKILL
    eventually(lambda: not alive(child), what="the end of the child")


def test_what_is_forgotten_lives_on(command: "subprocess.Popen[bytes]") -> None:
    child = child_of(command)
    with Watchdog() as watchdog:
        watchdog.watch(command.pid)
        watchdog.forget(command.pid)
    assert alive(command.pid)
    os.kill(child, signal.SIGKILL)


def test_a_watchdog_that_is_killed_is_replaced(command: "subprocess.Popen[bytes]") -> None:
    child = child_of(command)
    with Watchdog() as watchdog:
        watchdog.watch(command.pid)
        assert watchdog._process is not None
        watchdog._process.kill()
        watchdog._process.wait()
        watchdog.watch(child)
        watchdog.forget(child)
    assert command.wait(30) == -signal.SIGKILL


def test_signals_that_mean_the_worker_do_not_end_it(command: "subprocess.Popen[bytes]") -> None:
    child_of(command)
    with Watchdog() as watchdog:
        process = watchdog._process
        assert process is not None
        eventually(lambda: all(_ignores(process.pid, number) for number in STAY), what="the watchdog is ready")
        for number in STAY:
            process.send_signal(number)
        watchdog.watch(command.pid)
    assert command.wait(30) == -signal.SIGKILL
    assert process.returncode == 0


def _ignores(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(line.split()[1] for line in status if line.startswith("SigIgn:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_a_machine_without_python_goes_unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow_manager.worker.commands.watchdog.PROGRAM", ("/no/such/python",))
    with Watchdog() as watchdog:
        watchdog.watch(1)
        watchdog.forget(1)
