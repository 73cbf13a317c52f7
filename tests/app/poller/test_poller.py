"""Keeping workflows up to date.

Covers `app.poller.poller` and `app.poller.sweeps`.
"""

import asyncio

import pytest

from app.poller import RoundReport
from app.poller.refresher import DENIED_SECONDS
from tests.crashes import race_steps
from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import WorkflowStatus


async def test_a_run_goes_from_queued_over_running_to_its_end(rig: Rig) -> None:
    await rig.define()
    workflow = await rig.start()
    assert workflow.status is WorkflowStatus.QUEUED

    await rig.poller.poll_once()
    running = await rig.store.get_workflow(workflow.id)
    rig.clock.advance(5)
    rig.sfn.enter(workflow.id, "echo", input='{"foo":true}')
    rig.sfn.succeed(workflow.id, output='{"done":1}')
    await rig.poller.poll_once()
    ended = await rig.store.get_workflow(workflow.id)

    assert running.status is WorkflowStatus.RUNNING
    assert ended.status is WorkflowStatus.SUCCEEDED
    assert ended.output == '{"done":1}'
    assert [job.state for job in ended.jobs] == ["echo"]
    assert ended.stopped_at is not None
    assert ended.started_at is not None
    assert (ended.stopped_at - ended.started_at).total_seconds() == 5
    assert ended.resolved_by_user


async def test_start_to_finish_is_three_writes(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.succeed(workflow.id)
    for _ in range(5):
        await rig.poller.poll_once()

    assert (await rig.store.get_workflow(workflow.id)).revision == 2


async def test_a_failed_run_says_why_and_waits_for_somebody_to_look(rig: Rig) -> None:
    workflow = await rig.failed()

    assert workflow.status is WorkflowStatus.FAILED
    assert workflow.status_reason == "Boom: it broke"
    assert workflow.last_job is not None
    assert workflow.last_job.state == "echo"
    assert not workflow.resolved_by_user


async def test_polling_again_changes_nothing(rig: Rig) -> None:
    workflow = await rig.started()

    assert await rig.poller.poll_once() == RoundReport(active=1, changed=0, started=0, skipped=0)
    assert await rig.store.get_workflow(workflow.id) == workflow


@pytest.mark.parametrize(
    "failure", [errors.Unavailable(), errors.AccessDenied("no"), errors.AWSError("KmsOddity"), KeyError("surprise")]
)
async def test_one_bad_workflow_does_not_stop_the_rest(rig: Rig, failure: Exception) -> None:
    await rig.define()
    for _ in range(3):
        await rig.start()
    rig.sfn.fail_next("get_execution_history", failure)

    report = await rig.poller.poll_once()

    assert report == RoundReport(active=3, changed=2, started=0, skipped=1)
    assert (await rig.poller.poll_once()).changed == 1


async def test_the_request_that_recorded_a_workflow_has_time_to_start_it(rig: Rig) -> None:
    await race_steps.abandoned(rig)

    assert (await rig.poller.poll_once()).started == 0
    rig.clock.advance(5)
    assert (await rig.poller.poll_once()).started == 1


async def test_a_queued_workflow_that_aws_refuses_ends_as_failed_with_its_words(rig: Rig) -> None:
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.Unavailable(), errors.RefusedByAWS("InvalidExecutionInput: no"))
    workflow = await rig.start()
    rig.clock.advance(60)

    await rig.poller.poll_once()

    ended = await rig.store.get_workflow(workflow.id)
    assert ended.status is WorkflowStatus.FAILED
    assert ended.status_reason == "InvalidExecutionInput: no"


async def test_a_run_is_given_up_only_after_step_functions_said_twice_that_it_is_not_there(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.forget(workflow.id)
    rig.clock.advance(60)

    await rig.poller.poll_once()
    once = await rig.store.get_workflow(workflow.id)
    rig.clock.advance(DENIED_SECONDS)
    await rig.poller.poll_once()
    twice = await rig.store.get_workflow(workflow.id)

    assert once.status is WorkflowStatus.RUNNING
    assert twice.status is WorkflowStatus.FAILED
    assert "zombie" in (twice.status_reason or "")
    assert rig.sfn.calls["start_execution"] == 1


async def test_an_answer_in_between_starts_the_count_of_a_missing_run_again(rig: Rig) -> None:
    workflow = await rig.started()
    rig.clock.advance(60)
    rig.sfn.fail_next("get_execution_history", errors.ExecutionNotFound())
    await rig.poller.poll_once()
    rig.clock.advance(DENIED_SECONDS)
    await rig.poller.poll_once()
    rig.sfn.fail_next("get_execution_history", errors.ExecutionNotFound())
    await rig.poller.poll_once()

    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.RUNNING


async def test_two_pollers_at_once_are_harmless(rig: Rig) -> None:
    await rig.define()
    workflows = [await rig.start() for _ in range(20)]
    for workflow in workflows[::2]:
        rig.sfn.succeed(workflow.id)
    replica = Rig(replica_of=rig)
    rig.sfn.before["get_execution_history"] = lambda: asyncio.sleep(0)

    await asyncio.gather(rig.poller.poll_once(), replica.poller.poll_once())

    stored = [await rig.store.get_workflow(workflow.id) for workflow in workflows]
    assert [workflow.status for workflow in stored] == [WorkflowStatus.SUCCEEDED, WorkflowStatus.RUNNING] * 10
    assert {workflow.revision for workflow in stored} == {1}


async def test_two_pollers_start_a_queued_workflow_once(rig: Rig) -> None:
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.Unavailable())
    await rig.start()
    rig.clock.advance(60)
    replica = Rig(replica_of=rig)

    await asyncio.gather(rig.poller.poll_once(), replica.poller.poll_once())

    assert len(rig.sfn.executions) == 1


async def test_the_loop_polls_until_it_is_stopped(rig: Rig) -> None:
    await rig.define()
    await rig.start()
    polled = asyncio.Event()

    async def note() -> None:
        polled.set()

    rig.sfn.before["get_execution_history"] = note
    loop = asyncio.create_task(rig.poller.run())
    await asyncio.wait_for(polled.wait(), timeout=5)
    rig.poller.stop()

    await asyncio.wait_for(loop, timeout=5)
