"""What events do to workflows.

Covers `app.poller.events.handler`.
"""

import itertools

import pytest

from app.poller import Poller, RoundReport, StatusEventHandler
from app.poller.active_index import DEFERRED_SECONDS
from tests import samples
from tests.app.poller.events import status_events
from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

pytestmark = pytest.mark.usefixtures("no_room_for_questions")

SEEN_TOGETHER = ("RUNNING", "SUCCEEDED", "RUNNING", "SUCCEEDED")


@pytest.fixture
def active_index(rig: Rig) -> StatusEventHandler:
    return StatusEventHandler(rig.store, rig.reconciler, rig.poller)


async def hear(rig: Rig, workflow: Workflow, *statuses: str) -> Workflow:
    """Take an event for each status, and return the workflow as it is stored then."""
    active_index = StatusEventHandler(rig.store, rig.reconciler, rig.poller)
    for status in statuses:
        await active_index.take(status_events.read(status_events.of(workflow, status)))
    return await rig.store.get_workflow(workflow.id)


async def submitted(rig: Rig) -> Workflow:
    await rig.define()
    return await rig.start()


async def test_events_carry_a_workflow_from_queued_to_its_end(rig: Rig) -> None:
    workflow = await submitted(rig)

    running = await hear(rig, workflow, "RUNNING")
    ended = await hear(rig, workflow, "SUCCEEDED")

    assert running.status is WorkflowStatus.RUNNING
    assert ended.status is WorkflowStatus.SUCCEEDED
    assert ended.output == '{"done":1}'
    assert ended.stopped_at is not None
    assert ended.details_pending
    assert rig.sfn.calls["get_execution_history"] == rig.sfn.calls["describe_execution"] == 0


@pytest.mark.parametrize("followed", [True, False], ids=["followed", "not followed"])
async def test_a_failure_is_what_step_functions_says_when_an_event_tells_of_it(
    rig: Rig, active_index: StatusEventHandler, followed: bool
) -> None:
    workflow = await rig.started() if followed else await submitted(rig)
    rig.sfn.fail(workflow.id, "Boom", "it broke")

    await active_index.take(
        status_events.read(status_events.of(workflow, "FAILED", error="Forged", cause="by a sender"))
    )
    if followed:
        await rig.poller.poll_once()

    assert (await rig.store.get_workflow(workflow.id)).status_reason == "Boom: it broke"


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
@pytest.mark.parametrize("followed", [True, False], ids=["followed", "not followed"])
async def test_an_event_alone_fails_no_workflow(rig: Rig, status: str, followed: bool) -> None:
    workflow = await rig.started() if followed else await submitted(rig)

    await hear(rig, workflow, status)
    await rig.poller.poll_once()

    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.RUNNING


@pytest.mark.parametrize("followed", [True, False], ids=["followed", "not followed"])
async def test_an_event_alone_ends_nothing_while_the_quotas_have_room(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, followed: bool
) -> None:
    monkeypatch.setattr(Poller, "can_ask", True)
    workflow = await rig.started() if followed else await submitted(rig)

    await hear(rig, workflow, "SUCCEEDED")
    before = await rig.store.get_workflow(workflow.id)
    rig.sfn.succeed(workflow.id, output='{"from":"history"}')
    await hear(rig, workflow, "SUCCEEDED")
    await rig.poller.poll_once()

    ended = await rig.store.get_workflow(workflow.id)
    assert not before.status.terminal
    assert (ended.status, ended.output) == (WorkflowStatus.SUCCEEDED, '{"from":"history"}')


async def test_an_event_of_an_execution_that_step_functions_does_not_know_ends_nothing(rig: Rig) -> None:
    workflow = await submitted(rig)
    rig.sfn.forget(workflow.id)

    assert not (await hear(rig, workflow, "FAILED")).status.terminal


@pytest.mark.parametrize("order", sorted(set(itertools.permutations(SEEN_TOGETHER))), ids=" ".join)
@pytest.mark.parametrize("followed", [True, False], ids=["followed", "not followed"])
async def test_events_in_any_order_and_twice_end_the_same_way(rig: Rig, order: tuple[str, ...], followed: bool) -> None:
    workflow = await rig.started() if followed else await submitted(rig)

    ended = await hear(rig, workflow, *order)

    assert ended.status is WorkflowStatus.SUCCEEDED
    assert ended.output == '{"done":1}'
    assert ended.revision <= 2


async def test_what_is_known_is_not_written_again(rig: Rig) -> None:
    workflow = await rig.started()
    ended = await hear(rig, workflow, "SUCCEEDED")

    assert await hear(rig, workflow, "RUNNING", "SUCCEEDED", "FAILED", "ABORTED") == ended


async def test_an_end_that_polling_saw_first_keeps_its_details(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.enter(workflow.id, "echo")
    rig.sfn.succeed(workflow.id, output='{"from":"history"}')
    await rig.poller.poll_once()
    polled = await rig.store.get_workflow(workflow.id)

    assert await hear(rig, workflow, "SUCCEEDED") == polled
    assert polled.jobs


async def test_details_follow_an_event(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.enter(workflow.id, "echo")
    rig.sfn.succeed(workflow.id, output='{"done":1}')
    await hear(rig, workflow, "SUCCEEDED")
    rig.clock.advance(DEFERRED_SECONDS)

    await rig.poller.poll_once()

    completed = await rig.store.get_workflow(workflow.id)
    assert not completed.details_pending
    assert [job.state for job in completed.jobs] == ["echo"]
    assert await rig.poller.poll_once() == RoundReport(active=0, changed=0, started=0, skipped=0)


async def test_an_output_that_did_not_fit_into_the_event_is_asked_for(
    rig: Rig, active_index: StatusEventHandler
) -> None:
    workflow = await rig.started()
    rig.sfn.succeed(workflow.id, output='{"large":1}')

    await active_index.take(
        status_events.read(status_events.of(workflow, "SUCCEEDED", output=None, outputDetails={"included": False}))
    )
    told = await rig.store.get_workflow(workflow.id)
    rig.clock.advance(DEFERRED_SECONDS)
    await rig.poller.poll_once()

    assert told.status is WorkflowStatus.SUCCEEDED
    assert told.output is None
    assert (await rig.store.get_workflow(workflow.id)).output == '{"large":1}'


async def test_an_ended_workflow_is_no_longer_followed(rig: Rig) -> None:
    workflow = await rig.started()
    assert rig.poller.followed(workflow.id) is not None

    await hear(rig, workflow, "SUCCEEDED")

    assert rig.poller.followed(workflow.id) is None


async def test_the_execution_of_somebody_else_changes_nothing(rig: Rig, active_index: StatusEventHandler) -> None:
    workflow = await rig.started()
    foreign = workflow.execution_arn.replace("123456789012", "210987654321")

    await active_index.take(status_events.read(status_events.body("nobody", foreign, "SUCCEEDED")))
    await active_index.take(status_events.read(status_events.body(workflow.id, foreign, "SUCCEEDED")))

    assert await rig.store.get_workflow(workflow.id) == workflow


async def test_an_execution_of_the_same_name_does_not_end_a_workflow_that_nobody_follows(
    rig: Rig, active_index: StatusEventHandler
) -> None:
    workflow = samples.workflow("one")
    await rig.store.create_workflow(workflow)

    await active_index.take(
        status_events.read(status_events.body("one", workflow.execution_arn.replace("--x--", "--y--"), "FAILED"))
    )

    assert await rig.store.get_workflow("one") == workflow


async def test_a_followed_workflow_costs_one_write_and_no_read(
    rig: Rig, active_index: StatusEventHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = await rig.started()

    async def refuse(workflow_id: str) -> Workflow:
        raise AssertionError(f"{workflow_id} was read")

    with monkeypatch.context() as patch:
        patch.setattr(rig.store, "get_workflow", refuse)
        await active_index.take(status_events.read(status_events.of(workflow, "RUNNING")))
        await active_index.take(status_events.read(status_events.of(workflow, "SUCCEEDED")))

    assert (await rig.store.get_workflow(workflow.id)).revision == workflow.revision + 1


async def test_a_store_that_does_not_answer_is_no_reason_to_forget_an_event(
    rig: Rig, active_index: StatusEventHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = await submitted(rig)

    async def refuse(workflow_id: str) -> Workflow:
        raise errors.Unavailable

    monkeypatch.setattr(rig.store, "get_workflow", refuse)

    with pytest.raises(errors.Unavailable):
        await active_index.take(status_events.read(status_events.of(workflow, "SUCCEEDED")))
