"""Resuming workflows."""

from typing import Any

import pytest

from app import errors, models
from app.models import Workflow, WorkflowStatus
from tests.rig import Rig

THREE: dict[str, Any] = {
    "StartAt": "echo",
    "States": {
        "echo": {"Type": "Task", "Resource": "echo", "Next": "second"},
        "second": {"Type": "Task", "Resource": "echo", "Next": "third"},
        "third": {"Type": "Succeed"},
    },
}


async def resume(rig: Rig, workflow: Workflow, state: str = "echo", *, key: str | None = None) -> Workflow:
    """Resume a workflow at a state."""
    return await rig.executor.resume(
        workflow.id, models.WorkflowDefinitionOverrides(start_at=state), idempotency_key=key
    )


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
    await resume(rig, child)

    with pytest.raises(errors.WorkflowActive):
        await resume(rig, original)


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
