"""Heartbeats, and tasks that AWS no longer waits for.

Covers `workflow_manager.worker.activity.heartbeat`.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.sdk.worker.conftest import FAST, INPUT, StartWorker, alive, eventually

SLEEPER = 'echo $$ > "$HERE/pid.new"; mv "$HERE/pid.new" "$HERE/pid"; exec sleep 60'
STUBBORN = 'trap "" TERM; echo $$ > "$HERE/pid.new"; mv "$HERE/pid.new" "$HERE/pid"; while :; do sleep 0.02; done'


async def pid_of_command(directory: Path) -> int:
    """Wait for the command to start."""
    await eventually((directory / "pid").exists, "the command has started")
    return int((directory / "pid").read_text())


async def test_a_heartbeat_goes_out_at_once(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker(
        'until [ -e "$HERE/go" ]; do sleep 0.01; done', timings=replace(FAST, heartbeat_interval_seconds=30)
    )
    task = await running.schedule()
    await eventually(lambda: task.heartbeats == 1, "the first heartbeat")
    (tmp_path / "go").touch()
    await running.end_of(task)


async def test_heartbeats_keep_a_long_task_alive(start_worker: StartWorker) -> None:
    running = await start_worker("sleep 0.9")
    task = await running.schedule(heartbeat_seconds=0.6)
    await running.end_of(task)
    assert task.status == "SUCCEEDED"
    assert 4 <= task.heartbeats <= 11


async def test_a_failed_heartbeat_is_repeated_before_the_next_is_due(start_worker: StartWorker) -> None:
    running = await start_worker("sleep 0.3", timings=replace(FAST, heartbeat_interval_seconds=30))
    running.aws.fail("send_task_heartbeat", "ThrottlingException", "InternalServerError")
    task = await running.schedule()
    await running.end_of(task)
    assert task.heartbeats == 1
    assert running.aws.count("send_task_heartbeat") == 3


async def test_a_heartbeat_that_fails_unexpectedly_is_not_the_last(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker('until [ -e "$HERE/go" ]; do sleep 0.01; done')
    running.aws.faults["send_task_heartbeat"].append(ZeroDivisionError())
    task = await running.schedule()
    await eventually(lambda: task.heartbeats > 0, "a heartbeat after the failure")
    (tmp_path / "go").touch()
    await running.end_of(task)


async def test_heartbeats_end_with_the_task(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    await running.perform()
    await eventually(lambda: running.aws.open_polls == 1, "the worker asks for the next task")
    assert "heartbeat" not in {task.get_name() for task in asyncio.all_tasks()}


@pytest.mark.parametrize("script", [SLEEPER, STUBBORN])
async def test_the_command_of_a_lost_task_is_stopped_and_nothing_is_reported(
    start_worker: StartWorker, tmp_path: Path, script: str
) -> None:
    running = await start_worker(script)
    task = await running.schedule(INPUT)
    pid = await pid_of_command(tmp_path)
    with capture_logs(processors=[merge_contextvars]) as logs:
        running.aws.abort(task)
        await eventually(lambda: not alive(pid), "the command is stopped")
        await eventually(lambda: running.aws.open_polls == 1, "the worker asks for the next task")
    assert running.aws.count("send_task_failure") == running.aws.count("send_task_success") == 0
    assert [(log["log_level"], log["execution_name"]) for log in logs if log["action"] == "task-lost"] == [
        ("warning", "run-1")
    ]


async def test_a_task_that_timed_out_is_stopped_too(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker(SLEEPER, timings=replace(FAST, heartbeat_interval_seconds=0.2))
    task = await running.schedule(heartbeat_seconds=0.1)
    pid = await pid_of_command(tmp_path)
    await eventually(lambda: not alive(pid), "the command is stopped")
    assert task.status == "TIMED_OUT"


async def test_all_processes_of_a_lost_task_are_stopped(start_worker: StartWorker, tmp_path: Path) -> None:
    running = await start_worker('sh -c \'trap "" TERM; echo $$ > "$HERE/pid"; while :; do sleep 0.02; done\' & wait')
    task = await running.schedule()
    await eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the command has started")
    pid = await pid_of_command(tmp_path)
    running.aws.abort(task)
    await eventually(lambda: not alive(pid), "the grandchild is stopped")


async def test_a_task_lost_while_it_is_reported_is_logged_and_no_more(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    running.aws.fail("send_task_success", "TaskTimedOut")
    with capture_logs() as logs:
        await running.schedule()
        await eventually(lambda: any(log.get("action") == "task-lost" for log in logs), "the loss is logged")
    assert (await running.perform()).status == "SUCCEEDED"


async def test_a_report_is_repeated_until_aws_answers(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    running.aws.fail("send_task_success", "ThrottlingException", "ServiceUnavailable", "InternalFailure")
    task = await running.schedule()
    await running.end_of(task)
    assert task.status == "SUCCEEDED"
    assert running.aws.count("send_task_success") == 4


async def test_heartbeats_go_on_while_a_report_is_repeated(start_worker: StartWorker) -> None:
    running = await start_worker("true")
    running.aws.fail("send_task_success", *["ThrottlingException"] * 20)
    task = await running.schedule(heartbeat_seconds=0.5)
    await running.end_of(task)
    assert task.status == "SUCCEEDED"


async def test_a_report_is_given_up_after_a_while_and_the_worker_goes_on(start_worker: StartWorker) -> None:
    running = await start_worker("true", timings=replace(FAST, report_seconds=0.1))
    running.aws.fail("send_task_success", *["ThrottlingException"] * 7)
    with capture_logs() as logs:
        await running.schedule()
        await eventually(lambda: any(log.get("action") == "task-report-abandoned" for log in logs), "it is given up")
    running.aws.faults.clear()
    assert (await running.perform()).status == "SUCCEEDED"
