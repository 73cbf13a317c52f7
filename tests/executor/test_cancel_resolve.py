"""Cancelling and resolving workflows."""

import asyncio

import pytest

from app import errors
from app.executor.executor import LOOK_PATIENCE, PATIENCE
from app.models import QueueLimits, WorkflowStatus
from tests.rig import LoopClock, Rig


async def test_a_running_workflow_is_cancelled_with_the_reason_given(rig: Rig) -> None:
    workflow = await rig.started()

    await rig.executor.cancel(workflow.id, "not needed")

    cancelled = await rig.store.get_workflow(workflow.id)
    assert cancelled.status is WorkflowStatus.CANCELLED
    assert cancelled.status_reason == "not needed"
    assert cancelled.resolved_by_user
    assert rig.sfn.execution(workflow.id).status == "ABORTED"


async def test_a_queued_workflow_that_never_started_is_cancelled_without_an_execution(rig: Rig) -> None:
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.Unavailable())
    workflow = await rig.start()

    await rig.executor.cancel(workflow.id, "changed my mind")
    rig.clock.advance(60)
    await rig.poller.poll_once()

    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.CANCELLED
    assert not rig.sfn.executions


async def test_a_cancel_waits_for_a_start_under_way(rig: Rig) -> None:
    await rig.define()
    reached, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await go.wait()

    rig.sfn.before["start_execution"] = hold
    starting = asyncio.create_task(rig.start())
    await reached.wait()
    (queued,) = (await rig.store.list_active_workflows(limit=1)).workflows
    cancelling = asyncio.create_task(rig.executor.cancel(queued.id, "stop"))
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(starting, cancelling)

    assert (await rig.store.get_workflow(queued.id)).status is WorkflowStatus.CANCELLED
    assert rig.sfn.execution(queued.id).status == "ABORTED"


async def test_an_ended_workflow_cannot_be_cancelled(rig: Rig) -> None:
    workflow = await rig.failed()

    with pytest.raises(errors.WorkflowEnded, match="failed"):
        await rig.executor.cancel(workflow.id, "")


async def test_a_cancel_that_loses_to_the_end_of_the_run_reports_what_step_functions_says(rig: Rig) -> None:
    workflow = await rig.started()

    async def finish_first() -> None:
        rig.sfn.succeed(workflow.id)

    rig.sfn.before["stop_execution"] = finish_first

    with pytest.raises(errors.WorkflowEnded, match="succeeded"):
        await rig.executor.cancel(workflow.id, "")
    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.SUCCEEDED


async def test_a_cancel_without_an_answer_of_aws_changes_nothing(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.fail_next("stop_execution", errors.Unavailable())

    with pytest.raises(errors.Unavailable):
        await rig.executor.cancel(workflow.id, "")
    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.RUNNING


async def test_an_unknown_workflow_cannot_be_cancelled_or_resolved(rig: Rig) -> None:
    with pytest.raises(errors.WorkflowNotFound):
        await rig.executor.cancel("nothing", "")
    with pytest.raises(errors.WorkflowNotFound):
        await rig.executor.resolve("nothing")


async def test_a_failed_workflow_is_resolved_once(rig: Rig) -> None:
    workflow = await rig.failed()
    assert not workflow.resolved_by_user

    await rig.executor.resolve(workflow.id)

    assert (await rig.store.get_workflow(workflow.id)).resolved_by_user
    with pytest.raises(errors.AlreadyResolved):
        await rig.executor.resolve(workflow.id)


async def test_a_workflow_that_succeeded_is_resolved_already(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.succeed(workflow.id)
    await rig.poller.poll_once()

    with pytest.raises(errors.AlreadyResolved):
        await rig.executor.resolve(workflow.id)


async def test_a_workflow_that_nobody_has_tried_to_start_is_cancelled_without_asking_aws(rig: Rig) -> None:
    await rig.define()
    await rig.queues.put("slow", QueueLimits(paused=True))
    workflow = await rig.start(queue="slow")
    rig.sfn.fail_next("stop_execution", errors.NoAnswer())

    await rig.executor.cancel(workflow.id, "changed my mind")

    cancelled = await rig.store.get_workflow(workflow.id)
    assert (cancelled.status, cancelled.status_reason) == (WorkflowStatus.CANCELLED, "changed my mind")
    assert rig.sfn.calls.total() == 0
    assert (await rig.store.list_active_workflows(limit=1)).ids == []


@pytest.mark.looptime
async def test_a_cancellation_without_an_answer_is_given_up_in_time() -> None:
    rig = Rig(clock=LoopClock())
    await rig.define()
    workflow = await rig.start()
    rig.sfn.before["stop_execution"] = lambda: asyncio.sleep(3600)
    before = rig.clock.seconds()

    with pytest.raises(errors.NoAnswer):
        await rig.executor.cancel(workflow.id, "")

    assert rig.clock.seconds() - before == PATIENCE.total_seconds()


@pytest.mark.looptime
async def test_who_looks_at_a_workflow_while_aws_hangs_sees_what_is_stored() -> None:
    rig = Rig(clock=LoopClock())
    await rig.define()
    workflow = await rig.start()
    rig.sfn.before["get_execution_history"] = lambda: asyncio.sleep(3600)
    before = rig.clock.seconds()

    seen = await rig.executor.get(workflow.id)

    assert seen.status is WorkflowStatus.QUEUED
    assert rig.clock.seconds() - before == LOOK_PATIENCE.total_seconds()


async def test_aws_is_not_asked_about_a_workflow_that_waits_in_its_queue(rig: Rig) -> None:
    await rig.define()
    await rig.queues.put("slow", QueueLimits(paused=True))
    workflow = await rig.start(queue="slow")

    for _ in range(3):
        rig.clock.advance(60)
        assert (await rig.executor.get(workflow.id)).status is WorkflowStatus.QUEUED
    assert rig.sfn.calls.total() == 0


async def test_a_failure_after_a_workflow_was_resolved_needs_attention(rig: Rig) -> None:
    """Whoever resolved it did not know of the failure; what is known of it later does not open it again."""
    workflow = await rig.started()
    await rig.executor.resolve(workflow.id)
    rig.sfn.fail(workflow.id, "Boom", "later")
    await rig.poller.poll_once()
    failed = await rig.store.get_workflow(workflow.id)
    await rig.executor.resolve(workflow.id)
    await rig.poller.poll_once()

    assert (failed.status, failed.resolved_by_user) == (WorkflowStatus.FAILED, False)
    assert (await rig.store.get_workflow(workflow.id)).resolved_by_user
