"""How the end is announced.

Covers `workflow_manager.worker.commands.handler` and `workflow_manager.worker.commands.process`.
"""

import io
import signal
import subprocess
from pathlib import Path

import pytest

from tests.sdk.worker.processes import write_script
from workflow_manager.worker import TaskFailed
from workflow_manager.worker.commands.handler import CommandHandler
from workflow_manager.worker.commands.process import ChildProcess
from workflow_manager.worker.commands.watchdog import NoWatchdog
from workflow_manager.worker.config import CommandSettings
from workflow_manager.worker.shutdown import StopReason, StopRequest, StopSignal, WorkerShutdown
from workflow_manager.worker.task_errors import ErrorName
from workflow_manager.worker.task_json import Task

LOST = StopRequest(StopReason.LOST, 5)


async def heard(stop: StopSignal, count: int) -> list[StopRequest]:
    """Take the next requests, as a handler does."""
    requests: list[StopRequest] = []
    async for request in stop:
        requests.append(request)
        if len(requests) == count:
            break
    return requests


async def test_a_task_hears_of_the_shutdown_and_a_second_time_that_it_is_urgent() -> None:
    shutdown = WorkerShutdown(grace_seconds=25)
    with shutdown.reaching_task() as stop:
        assert stop.reason is None
        shutdown.request()
        shutdown.request()
        assert await heard(stop, 2) == [StopRequest(StopReason.SHUTDOWN, 25), StopRequest(StopReason.SHUTDOWN, 0)]


async def test_a_task_that_starts_during_the_shutdown_hears_of_it() -> None:
    shutdown = WorkerShutdown(grace_seconds=25)
    shutdown.request()
    with shutdown.reaching_task() as stop:
        assert await heard(stop, 1) == [StopRequest(StopReason.SHUTDOWN, 25)]


@pytest.mark.parametrize("lost_first", [True, False])
async def test_that_a_task_was_lost_outweighs_the_shutdown(lost_first: bool) -> None:
    shutdown = WorkerShutdown(grace_seconds=25)
    with shutdown.reaching_task() as stop:
        if lost_first:
            stop.request(LOST)
        shutdown.request()
        if not lost_first:
            stop.request(LOST)
        assert stop.reason is StopReason.LOST
        assert len(await heard(stop, 2)) == 2


async def test_a_command_is_not_started_for_a_task_that_was_told_to_stop_already(tmp_path: Path) -> None:
    settings = CommandSettings(command=str(write_script(tmp_path / "command", 'touch "$HERE/started"')))
    handler = CommandHandler(settings, stdout=io.BytesIO(), stderr=io.BytesIO(), environ={"HERE": str(tmp_path)})
    stop = StopSignal()
    stop.request(LOST)
    with pytest.raises(TaskFailed) as failed:
        await handler(Task(input="{}", execution_name="run"), stop)
    assert failed.value.error == ErrorName.COMMAND_TERMINATED
    assert not (tmp_path / "started").exists()


async def test_a_process_that_was_collected_gets_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    signals: list[int] = []
    process = ChildProcess.start(["true"], env={}, stdin=subprocess.DEVNULL, guard=NoWatchdog())
    sink = Sink()
    assert await process.run(stdout=sink, stderr=sink, drain_seconds=1) == 0
    monkeypatch.setattr("os.killpg", lambda _, number: signals.append(number))
    monkeypatch.setattr("os.kill", lambda _, number: signals.append(number))
    process.end(grace_seconds=0)
    process.kill_group()
    process.signal(signal.SIGKILL)
    assert signals == []


class Sink:
    """Takes output and drops it."""

    async def feed(self, chunk: bytes) -> None:
        """Drop it."""

    def command_ended(self) -> None:
        """Do nothing."""
