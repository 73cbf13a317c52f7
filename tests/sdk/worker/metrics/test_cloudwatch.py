"""How busy a worker says it is.

Covers `workflow_manager.worker.metrics.busy_time` and `workflow_manager.worker.metrics.cloudwatch`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from tests.sdk.worker.conftest import StartWorker, eventually
from workflow_manager.worker.metrics.busy_time import Utilization
from workflow_manager.worker.metrics.cloudwatch import ActivePercent

ARN = "arn:aws:states:us-west-2:123456789012:activity:dev--resize"


class Clock:
    """A clock that moves when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at rest."""
    return Clock()


def test_an_idle_worker_is_at_0_percent(clock: Clock) -> None:
    activity = Utilization(slots=1, clock=clock)
    clock.now += 60
    assert activity.percent() == 0.0


def test_a_worker_without_any_time_is_at_0_percent(clock: Clock) -> None:
    assert Utilization(slots=1, clock=clock).percent() == 0.0


def test_a_worker_busy_half_of_the_time_is_at_50_percent(clock: Clock) -> None:
    activity = Utilization(slots=1, clock=clock)
    clock.now += 30
    with activity.busy():
        clock.now += 30
    assert activity.percent() == 50.0


def test_a_task_that_goes_on_counts_in_each_interval(clock: Clock) -> None:
    activity = Utilization(slots=1, clock=clock)
    with activity.busy():
        clock.now += 60
        assert activity.percent() == 100.0
        clock.now += 15
    clock.now += 45
    assert activity.percent() == 25.0


def test_pauses_between_polls_do_not_count(clock: Clock) -> None:
    activity = Utilization(slots=1, clock=clock)
    for _ in range(3):
        with activity.paused():
            clock.now += 0.8
        with activity.busy():
            clock.now += 0.2
    assert activity.percent() == pytest.approx(100.0)


def test_the_share_is_that_of_all_slots(clock: Clock) -> None:
    activity = Utilization(slots=4, clock=clock)
    with activity.busy(), activity.busy():
        clock.now += 10
    with activity.busy():
        clock.now += 10
    assert activity.percent() == 37.5


class Metrics:
    """A CloudWatch that keeps what it gets, after refusing the first value."""

    def __init__(self) -> None:
        self.calls = 0
        self.data: list[tuple[str, Mapping[str, Any]]] = []

    async def put_metric_data(self, *, Namespace: str, MetricData: Sequence[Mapping[str, Any]]) -> object:  # noqa: N803
        self.calls += 1
        if self.calls == 1:
            raise ConnectionError("no CloudWatch yet")
        self.data += [(Namespace, datum) for datum in MetricData]
        return {}


async def test_the_busy_share_is_published_regularly_under_the_names_of_sfncli(start_worker: StartWorker) -> None:
    metrics = Metrics()
    running = await start_worker("sleep 0.3", publish=ActivePercent(cast("Any", metrics)))
    await running.perform()
    await eventually(lambda: len(metrics.data) >= 2, "two values are published")
    await running.worker.stop()
    namespace, datum = metrics.data[0]
    assert namespace == "StatesCustom"
    assert {**datum, "Value": None} == {
        "MetricName": "ActivityActivePercent",
        "Dimensions": [{"Name": "ActivityArn", "Value": ARN}],
        "Unit": "Percent",
        "Value": None,
    }
    assert max(datum["Value"] for _, datum in metrics.data) > 50
    assert all(0 <= datum["Value"] <= 100 for _, datum in metrics.data)
