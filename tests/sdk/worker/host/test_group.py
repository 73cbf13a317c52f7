"""Several workers in one process.

Covers `workflow_manager.worker.host.group`.
"""

import asyncio
from typing import Any

import pytest

from tests.sdk.worker.conftest import FAST, INPUT, eventually
from tests.sdk.worker.fake_activities import FakeActivities
from workflow_manager import errors
from workflow_manager.aws import translating
from workflow_manager.worker.activity.worker import ActivityWorker
from workflow_manager.worker.config import WorkerSettings
from workflow_manager.worker.host.group import WorkerGroup
from workflow_manager.worker.shutdown import StopSignal
from workflow_manager.worker.task_json import Task

NAMES = ("dev--crop", "dev--turn")


async def patient(_: Task, stop: StopSignal) -> str:
    """Work until the stop, and then finish."""
    async for _request in stop:
        break
    return '{"stopped":true}'


@pytest.fixture
def group(aws: FakeActivities) -> WorkerGroup:
    """Two workers."""
    client: Any = translating(aws, max_connections=100)
    return WorkerGroup(
        [
            ActivityWorker(
                WorkerSettings(activity_name=name, worker_name="worker-1", timings=FAST),
                patient,
                polls=client,
                calls=client,
            )
            for name in NAMES
        ]
    )


async def test_each_activity_is_registered_and_served(aws: FakeActivities, group: WorkerGroup) -> None:
    run = asyncio.create_task(group.run())
    await asyncio.wait_for(group.registered(), timeout=5)
    tasks = [await aws.schedule(name, INPUT) for name in NAMES]
    await eventually(lambda: all(task.status == "STARTED" for task in tasks), "both tasks are taken")
    await asyncio.wait_for(group.stop(), timeout=5)
    await run
    assert [task.json_output["stopped"] for task in tasks] == [True, True]


@pytest.mark.parametrize("stopped_before", [False, True])
async def test_when_one_fails_the_others_end_in_order_and_its_error_is_raised(
    aws: FakeActivities, group: WorkerGroup, stopped_before: bool
) -> None:
    run = asyncio.create_task(group.run())
    await asyncio.wait_for(group.registered(), timeout=5)
    await eventually(lambda: aws.open_polls == 2, "both poll")
    task = await aws.schedule("dev--crop", INPUT)
    await eventually(lambda: task.status == "STARTED", "the task is taken")
    if stopped_before:
        group.request_stop()
    aws.fail("get_activity_task", "InvalidArn")
    if stopped_before:
        await run
    else:
        with pytest.raises(errors.RefusedByAWS):
            await asyncio.wait_for(run, timeout=5)
    assert task.json_output["stopped"] is True


async def test_a_fleet_that_is_cancelled_cancels_its_workers(aws: FakeActivities, group: WorkerGroup) -> None:
    run = asyncio.create_task(group.run())
    await eventually(lambda: aws.open_polls == 2, "both poll")
    run.cancel()
    await asyncio.wait({run}, timeout=5)
    assert run.cancelled()
    assert aws.open_polls == 0
