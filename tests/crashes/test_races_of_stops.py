"""Cancelling while somebody else starts.

Covers `app.executor.executor` and `app.executor.starter`.
"""

import asyncio

import pytest

from app.executor.starter import LAG, START_WINDOW
from app.poller.active_index import WHOLE_SECONDS
from app.poller.refresher import GRACE
from tests.crashes.race_steps import Gate, active, from_now_on_only_the_end_of_the_index_is_read, status, unanswered
from tests.rig import Rig
from workflow_manager import errors, models
from workflow_manager.models import WorkflowStatus


async def test_a_workflow_cancelled_while_another_process_starts_it_is_stopped(rig: Rig) -> None:
    workflow = await unanswered(rig)
    rig.clock.advance(GRACE.total_seconds())
    gate = Gate(rig, "start_execution")
    starting = asyncio.create_task(rig.poller.poll_once())
    await gate.reached.wait()
    replica = Rig(replica_of=rig)
    await replica.executor.cancel(workflow.id, "changed my mind")
    assert await status(rig, workflow) is WorkflowStatus.CANCELLED
    gate.open()
    await starting

    await replica.poller.poll_once()

    stopped = await rig.store.get_workflow(workflow.id)
    assert rig.sfn.execution(workflow.id).status == "ABORTED"
    assert (stopped.status, stopped.status_reason) == (WorkflowStatus.CANCELLED, "changed my mind")
    assert await active(rig) == []


async def test_a_workflow_cancelled_after_its_queue_let_it_through_is_stopped(rig: Rig) -> None:
    await rig.define()
    await rig.start()
    (arn,) = rig.sfn.machines
    await rig.queues.put("slow", models.QueueLimits(max_running=1))
    workflow = await rig.start(queue="slow")
    rig.clock.advance(60)
    rig.sfn.fail_next("start_execution", *[errors.Unavailable()] * 3)  # the younger one is tried twice before
    await from_now_on_only_the_end_of_the_index_is_read(rig)
    await Rig(replica_of=rig).executor.cancel(workflow.id, "")
    await rig.sfn.start_execution(stateMachineArn=arn, name=workflow.id, input="{}")

    await rig.queues.put("slow", models.QueueLimits(paused=True))
    rig.clock.advance(WHOLE_SECONDS)
    for _ in range(2):
        await rig.poller.poll_once()

    assert rig.sfn.execution(workflow.id).status == "ABORTED"
    assert workflow.id not in await active(rig)


async def test_a_run_that_cannot_be_stopped_yet_is_not_shown_as_cancelled(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.fail_next("stop_execution", errors.ExecutionNotFound())

    with pytest.raises(errors.Unavailable, match="try again"):
        await rig.executor.cancel(workflow.id, "")
    assert await status(rig, workflow) is WorkflowStatus.RUNNING


async def test_a_run_that_step_functions_has_lost_is_cancelled_for_good(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.forget(workflow.id)
    rig.clock.advance(LAG.total_seconds())

    await rig.executor.cancel(workflow.id, "")

    assert await status(rig, workflow) is WorkflowStatus.CANCELLED
    assert await active(rig) == []


async def test_a_workflow_that_cannot_have_started_is_cancelled_for_good_at_once(rig: Rig) -> None:
    workflow = await unanswered(rig)
    rig.clock.advance(START_WINDOW.total_seconds())

    await rig.executor.cancel(workflow.id, "")

    assert await active(rig) == []


async def test_a_cancelled_workflow_is_watched_until_it_cannot_start_any_more(rig: Rig) -> None:
    workflow = await unanswered(rig)
    await rig.executor.cancel(workflow.id, "")

    await rig.poller.poll_once()
    watched = await active(rig)
    rig.clock.advance(START_WINDOW.total_seconds())
    await rig.poller.poll_once()

    assert watched == [workflow.id]
    assert await active(rig) == []


async def test_a_cancelled_run_that_ended_before_it_was_stopped_says_so(rig: Rig) -> None:
    workflow = await unanswered(rig)
    await rig.executor.cancel(workflow.id, "not needed")
    (arn,) = rig.sfn.machines
    await rig.sfn.start_execution(stateMachineArn=arn, name=workflow.id, input="{}")
    rig.sfn.succeed(workflow.id, output='{"done":1}')

    await rig.poller.poll_once()

    ended = await rig.store.get_workflow(workflow.id)
    assert (ended.status, ended.output) == (WorkflowStatus.CANCELLED, '{"done":1}')
    assert ended.status_reason == (
        "not needed\nIts execution had just started, and succeeded before it could be stopped"
    )


async def test_a_workflow_that_may_still_start_cannot_be_resumed_after_its_cancellation(rig: Rig) -> None:
    workflow = await unanswered(rig)
    await rig.executor.cancel(workflow.id, "")

    with pytest.raises(errors.WorkflowActive, match="being stopped"):
        await rig.executor.resume(workflow.id, models.WorkflowDefinitionOverrides(start_at="echo"))


async def test_two_starts_of_one_workflow_in_a_process_have_both_landed_before_it_is_cancelled(rig: Rig) -> None:
    await rig.define()
    gate = Gate(rig, "start_execution")
    asking = [asyncio.create_task(rig.start(key="k")) for _ in range(2)]
    await gate.reached.wait()
    (workflow_id,) = await active(rig)
    cancelling = asyncio.create_task(rig.executor.cancel(workflow_id, ""))
    for _ in range(10):
        await asyncio.sleep(0)
    assert rig.sfn.calls["stop_execution"] == 0
    gate.open()
    await asyncio.gather(*asking, cancelling)

    assert rig.sfn.execution(workflow_id).status == "ABORTED"


async def test_an_ended_workflow_is_not_started_by_who_believes_it_queued(rig: Rig) -> None:
    workflow = await unanswered(rig)
    await rig.executor.cancel(workflow.id, "")
    cancelled = await rig.store.get_workflow(workflow.id)

    with pytest.raises(errors.VersionConflict, match="cancelled"):
        await rig.outbox.start_queued(cancelled)
    assert rig.sfn.executions == {}
