"""Resuming workflows.

Covers `app.executor.resuming`.
"""

import asyncio
from typing import Any

import pytest

from app.store import WorkflowChanges
from tests.rig import Rig
from workflow_manager import errors, models
from workflow_manager.models import Workflow, WorkflowStatus

THREE: dict[str, Any] = {
    "StartAt": "echo",
    "States": {
        "echo": {"Type": "Task", "Resource": "echo", "Next": "second"},
        "second": {"Type": "Task", "Resource": "echo", "Next": "third"},
        "third": {"Type": "Succeed"},
    },
}


async def resume(
    rig: Rig, workflow: Workflow, state: str = "echo", *, key: str | None = None, force: bool = False
) -> Workflow:
    """Resume a workflow at a state."""
    return await rig.executor.resume(
        workflow.id, models.WorkflowDefinitionOverrides(start_at=state), idempotency_key=key, force=force
    )


async def end(rig: Rig, workflow: Workflow, *, well: bool) -> Workflow:
    """Let a run enter its state and end, and see it."""
    rig.sfn.enter(workflow.id, "echo")
    if well:
        rig.sfn.succeed(workflow.id)
    else:
        rig.sfn.fail(workflow.id, "Boom", "it broke")
    await rig.poller.poll_once()
    return await rig.store.get_workflow(workflow.id)


async def test_a_resumed_workflow_is_a_new_one_linked_with_the_old(rig: Rig) -> None:
    original = await rig.failed()

    resumed = await resume(rig, original)

    assert resumed.id != original.id
    assert resumed.retry_for == original.id
    assert (await rig.store.get_workflow(original.id)).retries == (resumed.id,)
    assert resumed.input == '{"n":1}'
    assert rig.sfn.inputs()[-1] == {"n": 1, "_EXECUTION_NAME": resumed.id}


async def test_a_resumed_workflow_has_only_what_can_be_reached(rig: Rig) -> None:
    await rig.define(THREE)
    original = await rig.start()
    rig.sfn.enter(original.id, "echo", input="{}")
    rig.sfn.enter(original.id, "second", input='{"second":true}')
    rig.sfn.fail(original.id, "Boom", "")
    await rig.poller.poll_once()

    resumed = await resume(rig, original, "second")

    machine = resumed.workflow_definition.state_machine
    assert machine["StartAt"] == "second"
    assert set(machine["States"]) == {"second", "third"}
    assert resumed.input == '{"second":true}'
    assert "dev--echo--0--second" in resumed.execution_arn


async def test_the_last_input_of_a_state_in_a_loop_counts(rig: Rig) -> None:
    await rig.define(THREE)
    original = await rig.start()
    for number in range(3):
        rig.sfn.enter(original.id, "echo", input=f'{{"n":{number}}}')
    rig.sfn.fail(original.id, "Boom", "")
    await rig.poller.poll_once()

    assert (await resume(rig, original)).input == '{"n":2}'


@pytest.mark.parametrize("state", ["nothing", "third"])
async def test_a_state_that_is_unknown_or_was_never_entered_is_refused(rig: Rig, state: str) -> None:
    original = await rig.failed(THREE)

    with pytest.raises(errors.UnknownState):
        await resume(rig, original, state)


async def test_an_active_workflow_cannot_be_resumed(rig: Rig) -> None:
    workflow = await rig.started()

    with pytest.raises(errors.WorkflowActive):
        await resume(rig, workflow)


async def test_a_workflow_with_an_active_descendant_cannot_be_resumed(rig: Rig) -> None:
    original = await rig.failed()
    child = await resume(rig, original)
    rig.sfn.enter(child.id, "echo")
    rig.sfn.fail(child.id, "Boom", "")
    await rig.poller.poll_once()
    grandchild = await resume(rig, child)

    with pytest.raises(errors.AlreadyResumed, match="is still") as refusal:
        await resume(rig, original)
    assert refusal.value.retry == grandchild.id


async def test_a_repeated_key_resumes_once(rig: Rig) -> None:
    original = await rig.failed()

    first = await resume(rig, original, key="k")
    second = await resume(rig, original, key="k")

    assert first.id == second.id
    with pytest.raises(errors.IdempotencyKeyReused):
        await resume(rig, original, "second", key="k")


async def test_a_resume_that_aws_refuses_leaves_no_trace(rig: Rig) -> None:
    original = await rig.failed()
    rig.sfn.fail_next("start_execution", errors.RefusedByAWS())

    with pytest.raises(errors.RefusedByAWS):
        await resume(rig, original)
    assert (await rig.store.get_workflow(original.id)).retries == ()


async def test_a_workflow_that_succeeded_can_be_resumed_too(rig: Rig) -> None:
    await rig.define()
    workflow = await rig.start()
    rig.sfn.enter(workflow.id, "echo")
    rig.sfn.succeed(workflow.id)
    await rig.poller.poll_once()

    assert (await resume(rig, workflow)).status is WorkflowStatus.QUEUED


async def test_what_was_resumed_before_is_resumed_again_with_force_only(rig: Rig) -> None:
    original = await rig.failed()
    first = await resume(rig, original, key="k")
    await end(rig, first, well=False)

    with pytest.raises(errors.AlreadyResumed, match=rf"{first.id}, whose status is failed") as refusal:
        await resume(rig, original)
    assert refusal.value.retry == first.id
    assert (await resume(rig, original, key="k")).id == first.id  # a repeated request asks for nothing new
    second = await resume(rig, original, force=True)
    assert (await rig.store.get_workflow(original.id)).retries == (first.id, second.id)


async def test_force_does_not_resume_beside_a_retry_that_goes_on(rig: Rig) -> None:
    original = await rig.failed()
    retry = await resume(rig, original)

    with pytest.raises(errors.AlreadyResumed, match="is still") as refusal:
        await resume(rig, original, force=True)
    assert refusal.value.retry == retry.id


async def test_of_two_who_resume_at_once_one_is_refused(rig: Rig) -> None:
    original = await rig.failed()
    outcomes = await asyncio.gather(*(resume(rig, original) for _ in range(3)), return_exceptions=True)

    assert sum(isinstance(outcome, Workflow) for outcome in outcomes) == 1
    assert all(isinstance(outcome, Workflow | errors.Conflict) for outcome in outcomes)
    assert len((await rig.store.get_workflow(original.id)).retries) == 1


async def test_a_retry_that_succeeds_resolves_what_it_resumes(rig: Rig) -> None:
    original = await rig.failed()
    middle = await end(rig, await resume(rig, original), well=False)
    retry = await end(rig, await resume(rig, middle), well=True)

    for workflow_id in (original.id, middle.id):
        resumed = await rig.store.get_workflow(workflow_id)
        assert (resumed.status, resumed.resolved_by_user) == (WorkflowStatus.FAILED, True)
        assert resumed.resolved_by == retry.id
    assert retry.resolved_by is None
    with pytest.raises(errors.AlreadyResolved, match=f"by {retry.id}"):
        await rig.executor.resolve(original.id)


async def test_a_retry_that_fails_resolves_nothing(rig: Rig) -> None:
    original = await rig.failed()
    await end(rig, await resume(rig, original), well=False)

    found = await rig.store.get_workflow(original.id)
    assert (found.resolved_by_user, found.resolved_by) == (False, None)


async def test_what_a_person_resolved_stays_resolved_by_that_person(rig: Rig) -> None:
    original = await rig.failed()
    retry = await resume(rig, original)
    await rig.executor.resolve(original.id)
    await end(rig, retry, well=True)

    found = await rig.store.get_workflow(original.id)
    assert (found.resolved_by_user, found.resolved_by) == (True, None)


async def test_a_crash_before_the_success_is_written_loses_no_resolution(rig: Rig) -> None:
    """The resolution comes first, so whoever sees the success later does both."""
    original = await rig.failed()
    retry = await resume(rig, original)
    rig.sfn.enter(retry.id, "echo")
    rig.sfn.succeed(retry.id)
    write, written = rig.store.update_workflow, []

    async def note(workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        changed = await write(workflow_id, changes, revision=revision)
        written.append((workflow_id, changed.resolved_by))
        return changed

    rig.store.update_workflow = note  # type: ignore[method-assign]
    await rig.poller.poll_once()

    assert written[0] == (original.id, retry.id)
    assert written[1][0] == retry.id
