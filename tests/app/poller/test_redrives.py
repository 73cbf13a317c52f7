"""Runs that were redriven outside of the service: seen by lists, histories, events and looks, and never taken back.

Covers `app.poller.refresher`, `app.poller.sweeps`, `app.poller.events.handler` and `app.executor.reconciler`.
"""

from datetime import timedelta

import pytest

from app.executor import observations
from app.executor.observations import Observation
from app.poller import StatusEventHandler
from app.poller.events.messages import StatusEvent
from tests.rig import Rig
from workflow_manager.models import QueueLimits, Workflow, WorkflowStatus


@pytest.fixture
def rig() -> Rig:
    """Return the service on a fake Step Functions."""
    return Rig()


async def stored(rig: Rig, workflow: Workflow) -> Workflow:
    """Return a workflow as it is stored."""
    return await rig.store.get_workflow(workflow.id)


async def take(rig: Rig, workflow: Workflow, status: WorkflowStatus, redrives: int) -> None:
    """Take an event about a workflow."""
    seen = Observation(status=status, stopped_at=rig.clock.now() if status.terminal else None, redrives=redrives)
    handler = StatusEventHandler(rig.store, rig.reconciler, rig.poller)
    await handler.take(StatusEvent(workflow.id, workflow.execution_arn, seen))


async def redriven(rig: Rig) -> Workflow:
    """Return a workflow that failed and was redriven, as the service has seen."""
    workflow = await rig.failed()
    rig.sfn.redrive(workflow.id)
    await rig.reconciler.look(workflow)
    return await stored(rig, workflow)


async def test_a_look_finds_that_a_run_goes_on(rig: Rig) -> None:
    workflow = await rig.failed()
    rig.sfn.redrive(workflow.id)

    assert (await rig.executor.get(workflow.id)).status is WorkflowStatus.FAILED  # it was asked about just now
    rig.clock.advance(60)
    found = await rig.executor.get(workflow.id)

    assert (found.status, found.redrives, found.redriven_by) == (WorkflowStatus.RUNNING, 1, observations.OUTSIDE)
    assert (found.stopped_at, found.status_reason, found.error) == (None, None, None)
    rig.sfn.succeed(workflow.id)
    await rig.poller.poll_once()
    ended = await stored(rig, workflow)
    assert (ended.status, ended.redrives, ended.resolved_by_user) == (WorkflowStatus.SUCCEEDED, 1, True)


async def test_looks_are_rare_and_only_while_a_run_can_be_redriven(rig: Rig) -> None:
    workflow = await rig.failed()
    rig.clock.advance(60)
    for _ in range(3):
        await rig.executor.get(workflow.id)
    assert rig.sfn.calls["describe_execution"] == 1

    rig.clock.advance(timedelta(days=14).total_seconds())
    await rig.executor.get(workflow.id)
    assert rig.sfn.calls["describe_execution"] == 1


async def test_an_event_tells_that_a_run_goes_on_and_step_functions_is_asked(rig: Rig) -> None:
    workflow = await rig.failed()
    await take(rig, workflow, WorkflowStatus.RUNNING, 1)
    assert (await stored(rig, workflow)).status is WorkflowStatus.FAILED  # Step Functions knows nothing of it

    rig.sfn.redrive(workflow.id)
    await take(rig, workflow, WorkflowStatus.RUNNING, 1)

    assert (await stored(rig, workflow)).status is WorkflowStatus.RUNNING


async def test_late_events_and_rows_do_not_end_a_redriven_run(rig: Rig) -> None:
    workflow = await redriven(rig)
    late = Observation(status=WorkflowStatus.FAILED, stopped_at=rig.clock.now(), redrives=0)
    for _ in range(2):
        await take(rig, workflow, WorkflowStatus.FAILED, 0)
        await rig.reconciler.record(workflow.id, late)
    await rig.poller.poll_once()
    await take(rig, workflow, WorkflowStatus.FAILED, 0)

    assert (await stored(rig, workflow)).status is WorkflowStatus.RUNNING


async def test_a_second_failure_has_its_own_reason(rig: Rig) -> None:
    workflow = await redriven(rig)
    for number in (2, 3):
        rig.sfn.fail(workflow.id, "Worse", f"time {number}")
        await rig.poller.poll_once()
        ended = await stored(rig, workflow)
        assert (ended.status, ended.error, ended.redrives) == (WorkflowStatus.FAILED, "Worse", number - 1)
        assert f"time {number}" in (ended.status_reason or "")
        rig.sfn.redrive(workflow.id)
        await rig.reconciler.look(ended)
    assert (await stored(rig, workflow)).redrives == 3


async def test_a_redrive_that_ended_before_it_was_seen_is_written_at_once(rig: Rig) -> None:
    workflow = await rig.failed()
    rig.sfn.redrive(workflow.id)
    rig.sfn.succeed(workflow.id, '{"ok":true}')

    found = await rig.reconciler.look(workflow)

    assert (found.status, found.output, found.error) == (WorkflowStatus.SUCCEEDED, '{"ok":true}', None)
    assert (found.redrives, found.resolved_by_user) == (1, True)
    await rig.poller.poll_once()
    assert not (await stored(rig, workflow)).details_pending


async def test_what_is_running_is_counted_when_it_failed_and_was_redriven_unseen(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.fail(workflow.id, "Boom", "")
    rig.sfn.redrive(workflow.id)

    await rig.poller.poll_once()

    found = await stored(rig, workflow)
    assert (found.status, found.redrives) == (WorkflowStatus.RUNNING, 1)


async def test_a_run_that_goes_on_takes_a_slot_of_its_queue(rig: Rig) -> None:
    workflow = await rig.failed()
    await rig.queues.put("default", QueueLimits(max_running=1))
    rig.sfn.redrive(workflow.id)
    await rig.reconciler.look(workflow)

    waiting = await rig.start()
    rig.clock.advance(61)
    await rig.poller.poll_once()
    await rig.poller.poll_once()

    assert (await stored(rig, waiting)).status is WorkflowStatus.QUEUED
    assert waiting.id not in {arn.rpartition(":")[2] for arn in rig.sfn.executions}


@pytest.mark.parametrize(
    ("known", "seen", "expected"),
    [
        (("failed", 1), ("failed", 0), None),
        (("failed", 1), ("running", 0), None),
        (("running", 1), ("failed", 0), None),
        (("running", 1), ("failed", 1), "failed"),
        (("failed", 1), ("running", 1), None),
        (("failed", 1), ("running", 2), "running"),
        (("failed", 1), ("succeeded", 2), "succeeded"),
        (("failed", 1), ("succeeded", 1), "failed"),
        (("succeeded", 1), ("running", 2), None),
        (("cancelled", 0), ("running", 1), "running"),
        (("running", 0), ("running", None), "running"),
        (("failed", 1), ("succeeded", None), "failed"),
    ],
)
async def test_observations_are_ordered_by_redrives_and_ends(
    rig: Rig, known: tuple[str, int], seen: tuple[str, int | None], expected: str | None
) -> None:
    workflow = (await rig.started()).model_copy(update={"status": WorkflowStatus(known[0]), "redrives": known[1]})

    news = observations.against(workflow, Observation(status=WorkflowStatus(seen[0]), redrives=seen[1]))

    assert (news and news.status.value) == expected
