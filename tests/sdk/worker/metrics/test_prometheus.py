"""What Prometheus is told.

Covers `workflow_manager.worker.metrics.prometheus`.
"""

import urllib.request
from dataclasses import replace

import pytest

from tests.sdk.worker.conftest import ACTIVITY, FAST, StartWorker, eventually
from workflow_manager import errors
from workflow_manager.worker.host.services import MetricsOptions
from workflow_manager.worker.metrics.prometheus import WorkerMetrics, metrics_server


def value(metrics: WorkerMetrics, name: str, **labels: str) -> float:
    """Return the value of a series."""
    found = metrics.registry.get_sample_value(f"workflow_manager_worker_{name}", {"activity": ACTIVITY, **labels})
    assert found is not None, (name, labels)
    return found


def outcomes(metrics: WorkerMetrics) -> dict[str, float]:
    """Return how many tasks ended how."""
    names = ("succeeded", "failed", "handed_back", "lost", "unreported")
    counted = {name: value(metrics, "tasks_total", outcome=name) for name in names}
    return {name: count for name, count in counted.items() if count}


@pytest.fixture
def metrics() -> WorkerMetrics:
    """No counts yet."""
    return WorkerMetrics()


async def test_tasks_are_counted_by_outcome(start_worker: StartWorker, metrics: WorkerMetrics) -> None:
    running = await start_worker('[ "$_EXECUTION_NAME" = good ] || exit 1', hooks=metrics.hooks(ACTIVITY, slots=1))
    for name in ("good", "bad", "good"):
        await running.perform({"_EXECUTION_NAME": name})
    await running.perform("no json")
    await eventually(lambda: outcomes(metrics) == {"succeeded": 2, "failed": 2}, "four outcomes")
    assert value(metrics, "task_seconds_count") == 4
    assert 0 < value(metrics, "task_seconds_sum") < 20


async def test_a_task_that_runs_is_active_and_one_that_is_interrupted_handed_back(
    start_worker: StartWorker, metrics: WorkerMetrics
) -> None:
    running = await start_worker("exec sleep 60", hooks=metrics.hooks(ACTIVITY, slots=3))
    await running.schedule()
    await eventually(lambda: value(metrics, "active_tasks") == 1, "the task is active")
    await running.worker.stop()
    assert (value(metrics, "active_tasks"), value(metrics, "slots")) == (0, 3)
    assert outcomes(metrics) == {"handed_back": 1}


async def test_a_task_that_aws_no_longer_waits_for_is_lost(start_worker: StartWorker, metrics: WorkerMetrics) -> None:
    running = await start_worker("exec sleep 60", hooks=metrics.hooks(ACTIVITY, slots=1))
    task = await running.schedule()
    await eventually(lambda: task.heartbeats, "the task runs")
    running.aws.abort(task)
    await eventually(lambda: outcomes(metrics) == {"lost": 1}, "the task is lost")


@pytest.mark.parametrize(("code", "outcome"), [("TaskTimedOut", "lost"), ("ThrottlingException", "unreported")])
async def test_an_end_that_aws_does_not_hear_of_is_no_success(
    start_worker: StartWorker, metrics: WorkerMetrics, code: str, outcome: str
) -> None:
    timings = replace(FAST, report_seconds=0)
    running = await start_worker("true", timings=timings, hooks=metrics.hooks(ACTIVITY, slots=1))
    running.aws.fail("send_task_success", code)
    await running.schedule()
    await eventually(lambda: outcomes(metrics) == {outcome: 1}, outcome)


async def test_polls_are_counted_by_result(start_worker: StartWorker, metrics: WorkerMetrics) -> None:
    running = await start_worker("true", hooks=metrics.hooks(ACTIVITY, slots=1))
    running.aws.fail("get_activity_task", "ThrottlingException", "ActivityDoesNotExist")
    running.aws.poll_seconds = 0.02
    await running.perform()
    await eventually(lambda: value(metrics, "polls_total", result="empty") > 0, "an empty poll")
    assert value(metrics, "polls_total", result="failed") == 2
    assert value(metrics, "polls_total", result="task") == 1


def test_metrics_are_served_with_those_of_the_process(metrics: WorkerMetrics) -> None:
    metrics.hooks(ACTIVITY, slots=2)
    with (
        metrics_server(metrics, host="127.0.0.1", port=0) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        text = answer.read().decode()
    assert f'workflow_manager_worker_slots{{activity="{ACTIVITY}"}} 2.0' in text
    assert f'workflow_manager_worker_tasks_total{{activity="{ACTIVITY}",outcome="lost"}} 0.0' in text
    assert "process_resident_memory_bytes" in text


def test_metrics_are_for_this_machine_unless_told_otherwise() -> None:
    assert MetricsOptions(metrics_port=0).metrics_host == "127.0.0.1"


def test_a_port_that_is_taken_stops_the_start(metrics: WorkerMetrics) -> None:
    taken = r"Cannot serve metrics on port \d+ of 127.0.0.1: Address already in use"
    with (
        metrics_server(metrics, host="127.0.0.1", port=0) as port,
        pytest.raises(errors.StartupError, match=taken),
        metrics_server(WorkerMetrics(), host="127.0.0.1", port=port),
    ):
        pass
