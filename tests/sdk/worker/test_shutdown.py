"""The end of a worker.

Covers `workflow_manager.worker.shutdown`.
"""

import asyncio
import contextlib
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.eventually import eventually as block_until
from tests.sdk.worker.activity.test_heartbeat import SLEEPER, STUBBORN, pid_of_command
from tests.sdk.worker.conftest import FAST, INPUT, StartWorker, alive, eventually
from tests.sdk.worker.fake_activities import FakeActivities
from workflow_manager.worker.config import Timings

PATIENT = replace(FAST, poll_drain_seconds=30, shutdown_grace_seconds=30)


def on_sigterm(action: str) -> str:
    """Write a command that answers SIGTERM with ``action``."""
    return f"trap '{action}' TERM; echo ready >&2; while :; do sleep 0.01; done"


async def test_an_idle_worker_stops_when_its_open_poll_ends(start_worker: StartWorker) -> None:
    running = await start_worker("true", timings=PATIENT)
    await eventually(lambda: running.aws.open_polls, "the worker polls")
    await asyncio.wait_for(running.worker.stop(), timeout=5)
    assert running.aws.count("get_activity_task") == 1
    await running.task


async def test_no_task_is_taken_after_the_stop(start_worker: StartWorker) -> None:
    running = await start_worker("sleep 0.2; echo '{\"a\":1}'", timings=PATIENT)
    first = await running.schedule()
    await eventually(lambda: first.status == "STARTED", "the task is taken")
    second = await running.schedule()
    await running.worker.stop()
    assert second.status == "SCHEDULED"


async def test_a_task_that_comes_to_the_open_poll_of_a_stopping_worker_is_handed_back(
    start_worker: StartWorker,
) -> None:
    running = await start_worker("echo started", timings=PATIENT)
    await eventually(lambda: running.aws.open_polls, "the worker polls")
    running.worker.request_stop()
    task = await running.schedule()
    await running.task
    assert (task.status, task.error) == ("FAILED", "sfncli.CommandTerminated")
    assert running.stdout.getvalue() == b""


async def test_a_poll_that_outlasts_the_drain_is_given_up(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    running.aws.poll_seconds = 60
    await eventually(lambda: running.aws.open_polls, "the worker polls")
    await asyncio.wait_for(running.worker.stop(), timeout=5)
    assert running.aws.open_polls == 0


async def test_a_second_request_gives_up_the_open_poll_at_once(start_worker: StartWorker) -> None:
    running = await start_worker("true", timings=PATIENT)
    running.aws.poll_seconds = 60
    await eventually(lambda: running.aws.open_polls, "the worker polls")
    running.worker.request_stop()
    running.worker.request_stop()
    await asyncio.wait_for(running.task, timeout=5)


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        ("echo bye >&2; exit 1", "bye"),
        ("exit 0", "ready"),
        ("echo interrupted; exit 0", "ready"),
        ("trap - TERM; kill -TERM $$", "ready"),
        ('echo "{\\"level\\":\\"info\\",\\"msg\\":\\"bye\\"}"; exit 0', "ready"),
        ('echo "{\\"error\\":\\"App.Stopped\\",\\"cause\\":\\"c\\"}"; exit 1', "App.Stopped: c"),
    ],
)
async def test_a_command_that_ends_on_sigterm_is_reported_as_terminated_however_it_ends(
    start_worker: StartWorker, action: str, cause: str
) -> None:
    running = await start_worker(on_sigterm(action), timings=PATIENT)
    task = await running.schedule()
    await eventually(lambda: running.stderr.getvalue() == b"ready\n", "the command is ready")
    await running.worker.stop()
    assert (task.status, task.error) == ("FAILED", "sfncli.CommandTerminated")
    assert cause in (task.cause or "").splitlines()


async def test_a_command_that_had_ended_before_the_stop_reached_it_succeeds(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    running = await start_worker('echo $$ > "$HERE/pid.new"; mv "$HERE/pid.new" "$HERE/pid"; echo "{\\"done\\":true}"')
    task = await running.schedule()
    pid = await pid_of_command(tmp_path)
    # Blocks the loop, so that the worker cannot notice the end before the stop comes.
    block_until(lambda: not alive(pid), what="the end of the command")
    await running.worker.stop()
    assert task.json_output["done"] is True


async def test_a_command_that_ignores_sigterm_is_killed_after_the_grace(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    running = await start_worker(STUBBORN)
    task = await running.schedule()
    pid = await pid_of_command(tmp_path)
    started = asyncio.get_running_loop().time()
    await running.worker.stop()
    assert asyncio.get_running_loop().time() - started >= FAST.shutdown_grace_seconds
    assert not alive(pid)
    assert task.error == "sfncli.CommandTerminated"


async def test_a_second_request_kills_at_once_and_still_hands_the_task_back(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    running = await start_worker(STUBBORN, timings=PATIENT)
    task = await running.schedule()
    await pid_of_command(tmp_path)
    running.worker.request_stop()
    running.worker.request_stop()
    await asyncio.wait_for(running.task, timeout=5)
    assert task.error == "sfncli.CommandTerminated"


async def test_a_task_lost_during_the_shutdown_has_the_shorter_grace(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker(STUBBORN, timings=replace(FAST, lost_grace_seconds=0.1, shutdown_grace_seconds=60))
    task = await running.schedule()
    await pid_of_command(tmp_path)
    running.worker.request_stop()
    running.aws.abort(task)
    await asyncio.wait_for(running.task, timeout=5)
    assert running.aws.count("send_task_failure") == 0


async def test_heartbeats_go_on_during_the_grace(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker(STUBBORN)
    task = await running.schedule(heartbeat_seconds=0.4)
    await pid_of_command(tmp_path)
    await running.worker.stop()
    assert (task.status, task.error) == ("FAILED", "sfncli.CommandTerminated")


async def test_the_stop_does_not_wait_for_ever_for_an_aws_that_does_not_answer(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    running = await start_worker(SLEEPER)
    running.aws.fail("send_task_failure", *["ServiceUnavailable"] * 1000)
    await running.schedule()
    await pid_of_command(tmp_path)
    await asyncio.wait_for(running.worker.stop(), timeout=5)
    assert 2 <= running.aws.count("send_task_failure") <= 20


LONG_REPORTS = replace(FAST, report_seconds=600)


@pytest.mark.parametrize("operation", ["create_activity", "tag_resource"])
async def test_the_stop_does_not_wait_for_a_registration_without_answer(
    start_worker: StartWorker, aws: FakeActivities, operation: str
) -> None:
    aws.hanging.add(operation)
    running = await start_worker(SLEEPER, tags={"team": "media"})
    await eventually(lambda: aws.count(operation), "the call")
    await asyncio.wait_for(running.worker.stop(), timeout=5)


@pytest.mark.parametrize("operation", ["send_task_failure", "send_task_heartbeat"])
async def test_the_stop_does_not_wait_for_ever_for_an_aws_that_hangs(
    start_worker: StartWorker, aws: FakeActivities, tmp_path: Path, operation: str
) -> None:
    aws.hanging.add(operation)
    running = await start_worker(SLEEPER, timings=LONG_REPORTS)
    await running.schedule()
    await pid_of_command(tmp_path)
    await asyncio.wait_for(running.worker.stop(), timeout=5)
    assert aws.count("send_task_failure") == 1


@pytest.mark.parametrize(("timings", "requests"), [(LONG_REPORTS, 1), (replace(PATIENT, report_seconds=600), 2)])
async def test_a_report_that_hangs_is_given_up_when_the_worker_stops(
    start_worker: StartWorker, aws: FakeActivities, timings: Timings, requests: int
) -> None:
    aws.hanging.add("send_task_success")
    running = await start_worker("true", timings=timings)
    await running.schedule()
    await eventually(lambda: aws.count("send_task_success"), "the report begins")
    for _ in range(requests):
        running.worker.request_stop()
    await asyncio.wait_for(running.task, timeout=5)


async def test_the_stop_does_not_wait_for_output_that_somebody_else_holds_open(
    start_worker: StartWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("process", "handler"):
        monkeypatch.setattr(f"workflow_manager.worker.commands.{module}.OUTPUT_DRAIN_SECONDS", 0.05)
    running = await start_worker(f"setsid sleep 10 & {SLEEPER}", output_drain_seconds=600)
    task = await running.schedule()
    await pid_of_command(tmp_path)
    await asyncio.wait_for(running.worker.stop(), timeout=5)
    assert task.error == "sfncli.CommandTerminated"


async def test_the_stop_does_not_wait_for_a_metric(start_worker: StartWorker) -> None:
    begun = asyncio.Event()

    async def publish(activity_arn: str, percent: float) -> None:
        begun.set()
        await asyncio.Event().wait()

    running = await start_worker("true", publish=publish)
    await asyncio.wait_for(begun.wait(), timeout=5)
    await asyncio.wait_for(running.worker.stop(), timeout=5)


async def test_a_worker_that_is_cancelled_leaves_no_command_behind(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker(STUBBORN)
    await running.schedule()
    pid = await pid_of_command(tmp_path)
    running.task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running.task
    assert not alive(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_of_the_process_reach_worker_and_command(
    start_worker: StartWorker, number: signal.Signals
) -> None:
    running = await start_worker("trap 'echo hup >&2' HUP; " + on_sigterm("exit 1"), timings=PATIENT, signalled=True)
    task = await running.schedule()
    await eventually(lambda: running.stderr.getvalue() == b"ready\n", "the command is ready")
    os.kill(os.getpid(), signal.SIGHUP)
    await eventually(lambda: b"hup" in running.stderr.getvalue(), "the command got SIGHUP")
    os.kill(os.getpid(), number)
    await asyncio.wait_for(running.task, timeout=5)
    assert task.error == "sfncli.CommandTerminated"
    assert asyncio.get_running_loop().remove_signal_handler(number) is False


async def test_two_commands_are_both_handed_back(start_worker: StartWorker) -> None:
    running = await start_worker(on_sigterm("exit 1"), concurrency=2, timings=PATIENT)
    tasks = [await running.schedule(INPUT) for _ in range(2)]
    await eventually(lambda: running.stderr.getvalue() == b"ready\n" * 2, "both are ready")
    await running.worker.stop()
    assert [task.error for task in tasks] == ["sfncli.CommandTerminated"] * 2
