"""Cancelling and resolving workflows.

Covers `app.executor.executor`.
"""

import asyncio
from typing import Never

import pytest

from app.access.principal import Principal, PrincipalKind, acting_as
from app.executor.executor import CALL_TIMEOUT, READ_TIMEOUT
from app.store import WorkflowChanges
from tests.rig import LoopClock, Rig
from workflow_manager import errors
from workflow_manager.models import QueueLimits, Workflow, WorkflowStatus


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

    assert rig.clock.seconds() - before == CALL_TIMEOUT.total_seconds()


@pytest.mark.looptime
async def test_who_looks_at_a_workflow_while_aws_hangs_sees_what_is_stored() -> None:
    rig = Rig(clock=LoopClock())
    await rig.define()
    workflow = await rig.start()
    rig.sfn.before["get_execution_history"] = lambda: asyncio.sleep(3600)
    before = rig.clock.seconds()

    seen = await rig.executor.get(workflow.id)

    assert seen.status is WorkflowStatus.QUEUED
    assert rig.clock.seconds() - before == READ_TIMEOUT.total_seconds()


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


@pytest.mark.parametrize(
    "failure", [errors.Unavailable(), errors.AccessDenied(), errors.ExecutionNotFound(), errors.AWSError("odd")]
)
async def test_a_cancel_that_stopped_the_run_succeeds_whatever_the_look_afterwards_says(
    rig: Rig, failure: Exception
) -> None:
    workflow = await rig.started()
    rig.sfn.fail_next("get_execution_history", failure)

    await rig.executor.cancel(workflow.id, "not needed")
    assert rig.sfn.execution(workflow.id).status == "ABORTED"

    await rig.poller.poll_once()
    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.CANCELLED


async def test_a_cancel_succeeds_when_the_store_cannot_note_the_end(rig: Rig) -> None:
    workflow = await rig.started()
    write = rig.store.update_workflow
    rig.store.update_workflow = _unavailable  # type: ignore[method-assign]

    await rig.executor.cancel(workflow.id, "not needed")

    rig.store.update_workflow = write  # type: ignore[method-assign]
    await rig.poller.poll_once()
    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.CANCELLED


async def test_a_cancel_whose_answer_was_lost_is_seen_to_have_happened(rig: Rig) -> None:
    workflow = await rig.started()

    async def stop_and_say_nothing() -> None:
        rig.sfn.before["stop_execution"] = _silent
        execution = rig.sfn.execution(workflow.id)
        execution.status, execution.stopped_at = "ABORTED", rig.clock.now()
        execution.record("ExecutionAborted", rig.clock.now(), executionAbortedEventDetails={"cause": "not needed"})
        raise errors.NoAnswer

    rig.sfn.before["stop_execution"] = stop_and_say_nothing
    await rig.executor.cancel(workflow.id, "not needed")

    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.CANCELLED


async def test_a_cancel_that_stopped_nothing_still_says_so(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.before["stop_execution"] = _silent

    with pytest.raises(errors.NoAnswer):
        await rig.executor.cancel(workflow.id, "not needed")


@pytest.mark.parametrize("verb", ["resolve", "cancel"])
async def test_a_write_whose_answer_was_lost_is_seen_to_have_happened(rig: Rig, verb: str) -> None:
    if verb == "resolve":
        workflow = await rig.failed()
    else:
        await rig.define()
        rig.sfn.fail_next("start_execution", errors.Unavailable())
        workflow = await rig.start()
        workflow = await rig.store.get_workflow(workflow.id)
    write = rig.store.update_workflow

    async def write_and_say_nothing(workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        await write(workflow_id, changes, revision=revision)
        raise errors.Unavailable

    rig.store.update_workflow = write_and_say_nothing  # type: ignore[method-assign]
    await (rig.executor.resolve(workflow.id) if verb == "resolve" else rig.executor.cancel(workflow.id, ""))

    assert (await rig.store.get_workflow(workflow.id)).resolved_by_user


async def test_a_start_that_cannot_be_noted_as_late_is_recorded_all_the_same(rig: Rig) -> None:
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.Unavailable())
    write, rig.store.update_workflow = rig.store.update_workflow, _denied  # type: ignore[method-assign]
    workflow = await rig.start()

    rig.store.update_workflow = write  # type: ignore[method-assign]
    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.QUEUED


async def test_a_refusal_is_not_final_when_the_removal_of_the_record_is_not_confirmed(rig: Rig) -> None:
    """The dispatcher may find the record and start it, because AWS allows it by then."""
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.AccessDenied("no such role"))
    discard, rig.store.discard_workflow = rig.store.discard_workflow, _unavailable  # type: ignore[method-assign]

    with pytest.raises(errors.Unavailable, match="no such role") as raised:
        await rig.start(key="k")

    rig.store.discard_workflow = discard  # type: ignore[method-assign]
    accepted = await rig.start(key="k")
    assert accepted.id in raised.value.message
    assert accepted.status is WorkflowStatus.QUEUED


async def _unavailable(*_: object, **__: object) -> Never:
    raise errors.Unavailable


async def _silent() -> Never:
    raise errors.NoAnswer


async def _denied(*_: object, **__: object) -> Never:
    raise errors.AccessDenied


@pytest.mark.parametrize("seen_first", [False, True])
async def test_who_cancelled_a_run_is_written_with_its_end(rig: Rig, seen_first: bool) -> None:
    """Also when the poller sees the end before the request does."""
    workflow = await rig.started()

    async def poll() -> None:
        if seen_first and rig.sfn.execution(workflow.id).status == "ABORTED":
            rig.sfn.before.clear()
            await rig.reconciler.observe(await rig.store.get_workflow(workflow.id))

    rig.sfn.before["get_execution_history"] = poll
    with acting_as(Principal("key/a", PrincipalKind.UNRESTRICTED)):
        await rig.executor.cancel(workflow.id, "wrong input")

    stored = await rig.store.get_workflow(workflow.id)
    assert (stored.status, stored.cancelled_by) == (WorkflowStatus.CANCELLED, "key/a")
