"""Recovering workflows: which way, what is refused, and exactly one redrive of each number.

Covers `app.executor.recovery.recoverer`, `app.executor.recovery.redriver` and `app.executor.recovery.planning`.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import (
    NewWorkflowDefinitionRequest,
    QueueLimits,
    RecoverRequest,
    Recovery,
    Workflow,
    WorkflowDefinitionOverrides,
    WorkflowStatus,
)

TWO: dict[str, Any] = {
    "StartAt": "echo",
    "States": {
        "echo": {"Type": "Task", "Resource": "echo", "Next": "second"},
        "second": {"Type": "Task", "Resource": "echo", "End": True},
    },
}


@pytest.fixture
def rig() -> Rig:
    """Return a service on a fake Step Functions."""
    return Rig()


async def recover(rig: Rig, workflow: Workflow, *, key: str | None = None, **fields: Any) -> Recovery:
    """Recover a workflow."""
    return await rig.recoverer.recover(workflow.id, RecoverRequest(**fields), idempotency_key=key)


async def stored(rig: Rig, workflow: Workflow) -> Workflow:
    """Return a workflow as it is stored."""
    return await rig.store.get_workflow(workflow.id)


def made(rig: Rig, workflow: Workflow) -> int:
    """Return how often the execution of a workflow was redriven."""
    return rig.sfn.execution(workflow.id).redrives.count


async def test_a_failed_run_goes_on_under_its_id(rig: Rig) -> None:
    workflow = await rig.failed()

    done = await recover(rig, workflow)

    assert (done.mode, done.workflow.id, done.workflow.status) == ("redrive", workflow.id, WorkflowStatus.RUNNING)
    assert (done.workflow.redrives, done.workflow.stopped_at, done.workflow.error) == (1, None, None)
    rig.sfn.succeed(workflow.id)
    rig.clock.advance(61)
    await rig.poller.poll_once()
    ended = await stored(rig, workflow)
    assert (ended.status, ended.redrives, ended.resolved_by_user) == (WorkflowStatus.SUCCEEDED, 1, True)


async def test_a_dry_run_says_what_happens_and_does_nothing(rig: Rig) -> None:
    workflow = await rig.failed()

    said = await recover(rig, workflow, dry_run=True)

    assert said.preview is not None
    assert (said.mode, said.preview.runs_again, said.preview.kept) == ("redrive", ("echo",), ())
    assert said.preview.redrive_deadline == (workflow.stopped_at or rig.clock.now()) + timedelta(days=14)
    assert said.preview.events == 3
    assert (await stored(rig, workflow), made(rig, workflow)) == (workflow, 0)


async def test_after_14_days_a_run_is_resumed_in_the_words_of_aws(rig: Rig) -> None:
    workflow = await rig.failed()
    rig.clock.advance(timedelta(days=14, minutes=1).total_seconds())

    with pytest.raises(errors.NotRecoverable, match="redrivable period exceeded"):
        await recover(rig, workflow, mode="redrive")
    done = await recover(rig, workflow)

    assert (done.mode, done.workflow.retry_for) == ("resume", workflow.id)
    assert "Execution redrivable period exceeded" in done.why


async def test_what_led_to_a_fail_state_is_resumed_before_it(rig: Rig) -> None:
    machine = {
        "StartAt": "echo",
        "States": {
            "echo": {
                "Type": "Task",
                "Resource": "echo",
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "no"}],
                "End": True,
            },
            "no": {"Type": "Fail"},
        },
    }
    await rig.define(machine)
    workflow = await rig.start()
    rig.sfn.enter(workflow.id, "echo")
    rig.sfn.enter(workflow.id, "no", kind="Fail")
    rig.sfn.fail(workflow.id, "No", "")
    await rig.poller.poll_once()

    auto = await recover(rig, workflow, dry_run=True)
    redrive = await recover(rig, workflow, dry_run=True, mode="redrive")

    assert auto.preview is not None
    assert redrive.preview is not None
    assert (auto.mode, auto.preview.start_at) == ("resume", "echo")
    assert any("will fail again" in warning for warning in redrive.preview.warnings)


@pytest.mark.parametrize("lost", [1, 3])
async def test_a_lost_answer_makes_one_redrive(rig: Rig, lost: int) -> None:
    workflow = await rig.failed()
    calls = 0

    async def lose() -> None:
        nonlocal calls
        calls += 1
        if calls <= lost:
            rig.sfn.fail_next("redrive_execution", errors.NoAnswer())
            if calls == 1:
                rig.sfn._redrive(rig.sfn.execution(workflow.id), f"{workflow.id}-1")

    rig.sfn.before["redrive_execution"] = lose
    done = await recover(rig, workflow)

    assert (done.workflow.status, made(rig, workflow)) == (WorkflowStatus.RUNNING, 1)


async def test_a_redrive_that_aws_never_heard_of_is_made_later(rig: Rig) -> None:
    workflow = await rig.failed()
    rig.sfn.fail_next("redrive_execution", *[errors.NoAnswer()] * 3)

    waiting = await recover(rig, workflow)
    rig.clock.advance(61)
    await rig.poller.poll_once()
    await rig.poller.poll_once()

    assert (waiting.workflow.status, waiting.workflow.redrives) == (WorkflowStatus.QUEUED, 1)
    assert (made(rig, workflow), (await stored(rig, workflow)).status) == (1, WorkflowStatus.RUNNING)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
async def test_a_crash_makes_one_redrive(rig: Rig, after: bool) -> None:
    workflow = await rig.failed()
    crashed = asyncio.CancelledError()
    if after:

        async def crash() -> None:
            rig.sfn._redrive(rig.sfn.execution(workflow.id), f"{workflow.id}-1")
            raise crashed

        rig.sfn.before["redrive_execution"] = crash
    else:
        rig.sfn.fail_next("redrive_execution", crashed)  # type: ignore[arg-type]
    with pytest.raises(asyncio.CancelledError):
        await recover(rig, workflow)
    rig.sfn.before.clear()
    assert (await stored(rig, workflow)).status is WorkflowStatus.QUEUED

    other = Rig(replica_of=rig)
    rig.clock.advance(10)
    for _ in range(3):
        await other.poller.poll_once()

    assert (made(rig, workflow), (await stored(rig, workflow)).status) == (1, WorkflowStatus.RUNNING)


async def test_of_two_at_once_one_redrives(rig: Rig) -> None:
    workflow = await rig.failed()

    outcomes = await asyncio.gather(*(recover(rig, workflow) for _ in range(3)), return_exceptions=True)

    assert sum(isinstance(outcome, Recovery) for outcome in outcomes) == 1
    assert all(isinstance(outcome, Recovery | errors.Conflict) for outcome in outcomes)
    assert made(rig, workflow) == 1


@pytest.mark.parametrize("fields", [{}, {"mode": "resume"}])
async def test_a_repeated_request_is_carried_out_once(rig: Rig, fields: dict[str, Any]) -> None:
    workflow = await rig.failed()

    first, second = [await recover(rig, workflow, key="k", **fields) for _ in range(2)]

    assert (first.workflow.id, first.mode) == (second.workflow.id, second.mode)
    assert second.preview is None
    assert len(rig.sfn.executions) + made(rig, workflow) == 2
    with pytest.raises(errors.IdempotencyKeyReused):
        await recover(rig, workflow, key="k", reason="another", **fields)


async def test_a_limited_queue_lets_a_redrive_wait_its_turn(rig: Rig) -> None:
    workflow = await rig.failed()
    await rig.queues.put("default", QueueLimits(max_running=1))
    other = await rig.start()
    await rig.poller.poll_once()
    waiting = await recover(rig, workflow)
    rig.clock.advance(61)
    await rig.poller.poll_once()
    before = made(rig, workflow)

    rig.sfn.succeed(other.id)
    for _ in range(3):
        rig.clock.advance(2)
        await rig.poller.poll_once()

    assert (waiting.workflow.status, before) == (WorkflowStatus.QUEUED, 0)
    assert (made(rig, workflow), (await stored(rig, workflow)).status) == (1, WorkflowStatus.RUNNING)


async def test_what_waits_for_its_redrive_can_be_cancelled_and_recovered_again(rig: Rig) -> None:
    workflow = await rig.failed()
    await rig.queues.put("default", QueueLimits(paused=True))
    await recover(rig, workflow)

    await rig.executor.cancel(workflow.id, "not now")
    for _ in range(3):
        rig.clock.advance(30)
        await rig.poller.poll_once()

    cancelled = await stored(rig, workflow)
    assert (cancelled.status, cancelled.stop_pending, cancelled.redrives) == (WorkflowStatus.CANCELLED, False, 0)
    assert made(rig, workflow) == 0
    await rig.queues.delete("default")
    rig.clock.advance(2)
    again = await recover(rig, workflow)
    assert (again.workflow.status, again.workflow.redrives) == (WorkflowStatus.RUNNING, 1)


async def test_a_refused_redrive_leaves_the_end_as_it_was(rig: Rig) -> None:
    workflow = await rig.failed()
    rig.sfn.fail_next("redrive_execution", errors.NotRedrivable("the state machine is being deleted"))

    with pytest.raises(errors.NotRecoverable, match="being deleted"):
        await recover(rig, workflow)

    back = await stored(rig, workflow)
    assert (back.status, back.redrives, back.error) == (WorkflowStatus.FAILED, 0, "Boom")
    assert (back.stopped_at, back.redriven_by) == (workflow.stopped_at, None)
    assert "it broke" in (back.status_reason or "")
    assert (await recover(rig, workflow)).workflow.redrives == 1


async def test_double_work_needs_force(rig: Rig) -> None:
    workflow = await rig.failed()
    retry = (await recover(rig, workflow, mode="resume")).workflow
    with pytest.raises(errors.AlreadyResumed, match="is still"):
        await recover(rig, workflow, force=True)
    rig.sfn.succeed(retry.id)
    await rig.poller.poll_once()

    with pytest.raises(errors.AlreadyResumed, match="which succeeded"):
        await recover(rig, workflow)
    assert (await recover(rig, workflow, force=True)).mode == "redrive"


async def test_what_is_resolved_active_or_well_is_refused(rig: Rig) -> None:
    workflow = await rig.failed()
    await rig.executor.resolve(workflow.id)
    with pytest.raises(errors.NotRecoverable, match="is resolved"):
        await recover(rig, workflow)
    active = await rig.start()
    with pytest.raises(errors.WorkflowActive):
        await recover(rig, active)
    rig.sfn.succeed(active.id)
    await rig.poller.poll_once()
    with pytest.raises(errors.InvalidRequest, match="succeeded"):
        await recover(rig, active)


async def test_a_run_that_was_redriven_outside_is_adopted_and_not_redriven_twice(rig: Rig) -> None:
    workflow = await rig.failed()
    rig.sfn.redrive(workflow.id)

    with pytest.raises(errors.WorkflowActive, match="outside"):
        await recover(rig, workflow)
    assert ((await stored(rig, workflow)).status, made(rig, workflow)) == (WorkflowStatus.RUNNING, 1)


async def test_an_input_can_be_patched_or_replaced(rig: Rig) -> None:
    workflow = await rig.failed()

    patched = await recover(rig, workflow, input_patch={"n": None, "m": {"x": 1}})

    assert (patched.mode, patched.workflow.input) == ("resume", '{"m":{"x":1}}')
    replaced = await recover(rig, await failed_again(rig, patched.workflow), input={"y": 2})
    assert json.loads(replaced.workflow.input) == {"y": 2}


async def failed_again(rig: Rig, workflow: Workflow) -> Workflow:
    """Let a run fail in its first state."""
    rig.sfn.enter(workflow.id, "echo")
    rig.sfn.fail(workflow.id, "Boom", "")
    await rig.poller.poll_once()
    return workflow


async def test_a_patch_that_makes_an_input_too_large_is_refused_before_anything(rig: Rig) -> None:
    workflow = await rig.failed()

    with pytest.raises(errors.InvalidInput, match="the most is 262144"):
        await recover(rig, workflow, input_patch={"x": "x" * 262_144})
    assert (await stored(rig, workflow)).retries == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "redrive", "input_patch": {}},
        {"mode": "redrive", "version": 0},
        {"input": "{}", "input_patch": {}},
        {"input": "[]"},
    ],
)
async def test_what_excludes_each_other_is_refused(rig: Rig, fields: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidRequest):
        await recover(rig, await rig.failed(), **fields)


async def test_a_newer_version_is_run_and_a_state_it_lacks_is_told_with_those_it_has(rig: Rig) -> None:
    workflow = await rig.failed()
    await rig.registry.update_definition("echo", NewWorkflowDefinitionRequest(name="echo", state_machine=TWO))

    done = await recover(rig, workflow, version=-1)

    assert done.workflow.workflow_definition.version == 1
    assert set(done.workflow.workflow_definition.state_machine["States"]) == {"echo", "second"}
    again = await failed_again(rig, done.workflow)
    with pytest.raises(errors.UnknownState, match="it can start at: echo, second"):
        await recover(rig, again, start_at="third")


async def test_without_a_history_the_input_must_be_given(rig: Rig) -> None:
    workflow = await rig.failed()
    rig.sfn.forget(workflow.id)
    await rig.store.update_workflow(workflow.id, {"jobs": (), "last_job": None}, revision=workflow.revision)

    with pytest.raises(errors.UnknownState):
        await recover(rig, workflow, start_at="echo", input_patch={"a": 1})
    assert (await recover(rig, workflow, start_at="echo", input={"a": 1})).workflow.input == '{"a":1}'


async def resumed(rig: Rig, workflow: Workflow) -> Workflow:
    """Resume a workflow, and let the retry fail like it."""
    retry = (await recover(rig, workflow, mode="resume", force=True)).workflow
    rig.sfn.enter(retry.id, "echo", input="{}")
    rig.sfn.fail(retry.id, "Boom", "it broke again")
    rig.clock.advance(2)
    await rig.poller.poll_once()
    return await stored(rig, retry)


async def test_what_a_running_ancestor_or_sibling_does_is_not_done_beside_it(rig: Rig) -> None:
    """An ended workflow runs again after a redrive, so those that resume it are not alone any more."""
    workflow = await rig.failed()
    first = await resumed(rig, workflow)
    second = await resumed(rig, workflow)
    await recover(rig, workflow, mode="redrive")

    for retry in (first, second):
        with pytest.raises(errors.WorkflowActive, match=workflow.id):
            await recover(rig, retry, force=True)
        with pytest.raises(errors.WorkflowActive, match=workflow.id):
            await rig.executor.resume(retry.id, WorkflowDefinitionOverrides(start_at="echo"), force=True)

    rig.sfn.fail(workflow.id, "Boom", "once more")
    rig.clock.advance(61)
    await rig.poller.poll_once()
    await recover(rig, first, mode="redrive")
    with pytest.raises(errors.WorkflowActive, match=first.id):
        await recover(rig, second, force=True)


async def test_what_an_ancestor_or_sibling_has_done_is_done_again_by_force_alone(rig: Rig) -> None:
    workflow = await rig.failed()
    first = await resumed(rig, workflow)
    second = await resumed(rig, workflow)
    await recover(rig, first, mode="redrive")
    rig.sfn.succeed(first.id)
    rig.clock.advance(2)
    await rig.poller.poll_once()

    with pytest.raises(errors.NotRecoverable, match=first.id):
        await recover(rig, second)
    assert (await recover(rig, second, force=True)).mode == "redrive"


async def test_of_a_workflow_and_its_retry_at_once_at_most_one_is_redriven(rig: Rig) -> None:
    """Each writes down what it will do before it looks at the other."""
    workflow = await rig.failed()
    retry = await resumed(rig, workflow)

    both = await asyncio.gather(
        recover(rig, workflow, mode="redrive"), recover(rig, retry, mode="redrive"), return_exceptions=True
    )

    assert made(rig, workflow) + made(rig, retry) <= 1
    assert sum(isinstance(each, Recovery) for each in both) == made(rig, workflow) + made(rig, retry)
    active = [each for each in (await stored(rig, workflow), await stored(rig, retry)) if not each.status.terminal]
    assert len(active) == made(rig, workflow) + made(rig, retry)


async def test_a_redrive_that_is_refused_gives_everything_back(rig: Rig) -> None:
    workflow = await rig.failed()
    await rig.executor.resolve(workflow.id, "known")
    before = await stored(rig, workflow)
    rig.sfn.fail_next("redrive_execution", errors.NotRedrivable("the state machine is being deleted"))

    with pytest.raises(errors.NotRecoverable, match="being deleted"):
        await recover(rig, workflow, force=True)

    after = await stored(rig, workflow)
    changed = {"status_reason", "last_updated", "observed_at", "revision"}
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)
