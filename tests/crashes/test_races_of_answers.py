"""Answers that come late, or to somebody who was overtaken.

Covers `app.executor.reconciler` and `app.poller.refresher`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.executor.sfn.throttled_client import ATTEMPTS
from app.executor.starter import LAG
from app.poller.refresher import DENIED_SECONDS
from tests.crashes.race_steps import (
    Gate,
    abandoned,
    active,
    denied,
    from_now_on_only_the_end_of_the_index_is_read,
    status,
    written_by_somebody,
)
from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import WorkflowStatus


@pytest.mark.parametrize("stale_read", ["get_execution_history", "describe_execution"])
async def test_an_answer_from_before_the_end_takes_nothing_from_an_ended_workflow(rig: Rig, stale_read: str) -> None:
    workflow = await rig.started()
    observe: dict[str, Callable[[], Awaitable[Any]]] = {
        "get_execution_history": lambda: rig.reconciler.read_history(workflow),
        "describe_execution": lambda: rig.reconciler.describe(workflow.execution_arn),
    }
    stale = await observe[stale_read]()
    rig.sfn.enter(workflow.id, "echo")
    rig.sfn.succeed(workflow.id, output='{"done":1}')
    await Rig(replica_of=rig).poller.poll_once()
    ended = await rig.store.get_workflow(workflow.id)

    await rig.reconciler.record(workflow.id, stale, revision=workflow.revision)

    assert await rig.store.get_workflow(workflow.id) == ended


async def test_a_run_that_just_started_is_not_given_up_however_often_it_is_denied(rig: Rig) -> None:
    workflow = await rig.started()
    denied(rig, 5)

    for _ in range(5):
        await rig.poller.poll_once()
    assert await status(rig, workflow) is WorkflowStatus.RUNNING
    rig.clock.advance(LAG.total_seconds())
    rig.sfn.forget(workflow.id)
    await rig.poller.poll_once()
    rig.clock.advance(DENIED_SECONDS)
    await rig.poller.poll_once()

    assert await status(rig, workflow) is WorkflowStatus.FAILED


async def test_two_denials_at_the_same_time_are_one(rig: Rig) -> None:
    workflow = await rig.started()
    rig.clock.advance(60)
    denied(rig, 2)

    for _ in range(2):
        await rig.poller.poll_once()
    rig.clock.advance(60)
    await rig.poller.poll_once()

    assert await status(rig, workflow) is WorkflowStatus.RUNNING


async def test_a_workflow_that_somebody_else_wrote_to_is_still_looked_after(rig: Rig) -> None:
    workflow = await abandoned(rig)
    rig.clock.advance(60)
    await written_by_somebody(rig, workflow)
    await from_now_on_only_the_end_of_the_index_is_read(rig)
    rig.clock.advance(60)
    gate = Gate(rig, "get_execution_history")
    polling = asyncio.create_task(rig.poller.poll_once())
    await gate.reached.wait()
    await written_by_somebody(rig, workflow)
    gate.open()
    await polling
    rig.clock.advance(60)
    await rig.poller.poll_once()

    assert rig.sfn.execution(workflow.id).status == "RUNNING"


@pytest.mark.parametrize(
    ("silence", "times"), [(errors.Unavailable(), 1), (errors.Throttled(), ATTEMPTS), (errors.ExecutionNotFound(), 1)]
)
async def test_details_without_an_answer_are_asked_for_again(rig: Rig, silence: Exception, times: int) -> None:
    workflow = await rig.started()
    rig.sfn.enter(workflow.id, "echo")
    rig.sfn.succeed(workflow.id)
    rig.clock.advance(60)
    await rig.reconciler.record(workflow.id, await rig.reconciler.describe(workflow.execution_arn))
    replica = Rig(replica_of=rig)
    rig.sfn.fail_next("get_execution_history", *[silence] * 2 * times)  # the other workflow is asked about as well
    await from_now_on_only_the_end_of_the_index_is_read(replica)
    assert (await rig.store.get_workflow(workflow.id)).jobs == ()

    rig.clock.advance(1)
    await replica.poller.poll_once()

    assert [job.state for job in (await rig.store.get_workflow(workflow.id)).jobs] == ["echo"]
    assert workflow.id not in await active(rig)
