"""A resumed run sees the variables, and the input of the execution, that the state saw in the run before.

Covers `app.executor.resuming` and `workflow_manager.states_language.pruning`.
"""

import json
from typing import Any

import pytest

from tests.rig import Rig
from workflow_manager import errors, models
from workflow_manager.models import Workflow

MACHINE: dict[str, Any] = {
    "StartAt": "set",
    "States": {
        "set": {"Type": "Pass", "Assign": {"day.$": "$.day"}, "Next": "echo"},
        "echo": {"Type": "Pass", "Parameters": {"day.$": "$day"}, "Next": "again"},
        "again": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "IsNull": True, "Next": "echo"}],
            "Default": "broken",
        },
        "broken": {"Type": "Fail"},
    },
}


async def fail(rig: Rig, workflow: Workflow) -> Workflow:
    """Let a run fail, and see it."""
    rig.sfn.enter(workflow.id, "broken", kind="Fail")
    rig.sfn.fail(workflow.id, "Boom", "")
    await rig.poller.poll_once()
    return await rig.store.get_workflow(workflow.id)


async def resume(rig: Rig, workflow: Workflow, state: str = "echo") -> Workflow:
    """Resume a workflow at a state."""
    return await rig.executor.resume(workflow.id, models.WorkflowDefinitionOverrides(start_at=state))


async def ran(rig: Rig, machine: dict[str, Any] = MACHINE, *, given: str = "{}", **assigned: str) -> Workflow:
    """Return a run that assigned variables in its first state, and failed."""
    await rig.define(machine)
    workflow = await rig.start(input=given)
    rig.sfn.enter(workflow.id, "set", kind="Pass")
    rig.sfn.leave(workflow.id, "set", **assigned)
    rig.sfn.enter(workflow.id, "echo", kind="Pass", input='{"n":1}')
    return await fail(rig, workflow)


def begun_with(rig: Rig) -> dict[str, Any]:
    """Return what the last execution was given to restore."""
    restored: dict[str, Any] = rig.sfn.inputs()[-1]["_RESUMED"]
    return restored


async def test_the_variables_that_the_state_saw_are_given_to_the_new_run(rig: Rig) -> None:
    resumed = await resume(rig, await ran(rig, day='"monday"', n="[1.5,null]"))

    assert rig.sfn.inputs()[-1]["_EXECUTION_NAME"] == resumed.id
    assert begun_with(rig) == {
        "input": {"n": 1, "_EXECUTION_NAME": resumed.id},
        "variables": {"day": "monday", "n": [1.5, None]},
    }
    assert (resumed.input, json.loads(resumed.variables or "")) == ('{"n":1}', {"day": "monday", "n": [1.5, None]})


async def test_what_was_assigned_later_is_not_seen(rig: Rig) -> None:
    await rig.define(MACHINE)
    workflow = await rig.start()
    for day in ("monday", "tuesday", "wednesday"):
        rig.sfn.enter(workflow.id, "echo", kind="Pass")
        rig.sfn.leave(workflow.id, "echo", day=json.dumps(day))
    resumed = await resume(rig, await fail(rig, workflow))

    assert json.loads(resumed.variables or "") == {"day": "tuesday"}


async def test_variables_of_an_inner_scope_do_not_leak(rig: Rig) -> None:
    await rig.define(
        {
            "StartAt": "each",
            "States": {
                "each": {
                    "Type": "Map",
                    "ItemProcessor": {
                        "StartAt": "inner",
                        "States": {"inner": {"Type": "Pass", "Assign": {"x": 1}, "End": True}},
                    },
                    "Next": "echo",
                },
                "echo": {"Type": "Pass", "Next": "broken"},
                "broken": {"Type": "Fail"},
            },
        }
    )
    workflow = await rig.start()
    run = rig.sfn.execution(workflow.id)
    rig.sfn.enter(workflow.id, "each", kind="Map")
    run.record("MapStateStarted", rig.clock.now(), mapStateStartedEventDetails={"length": 1})
    run.record("MapIterationStarted", rig.clock.now(), mapIterationStartedEventDetails={"name": "each", "index": 0})
    rig.sfn.enter(workflow.id, "inner", kind="Pass")
    rig.sfn.leave(workflow.id, "inner", x="1")
    run.record("MapIterationSucceeded", rig.clock.now(), mapIterationSucceededEventDetails={"name": "each", "index": 0})
    run.record("MapStateSucceeded", rig.clock.now())
    rig.sfn.leave(workflow.id, "each", kind="Map", y="2")
    rig.sfn.enter(workflow.id, "echo", kind="Pass")

    resumed = await resume(rig, await fail(rig, workflow))

    assert json.loads(resumed.variables or "") == {"y": 2}


async def test_a_run_without_variables_is_resumed_on_the_machine_as_it_is(rig: Rig) -> None:
    resumed = await resume(rig, await ran(rig))

    assert resumed.variables is None
    assert resumed.execution_arn.endswith(f"dev--echo--0--echo:{resumed.id}")
    assert rig.sfn.inputs()[-1] == {"n": 1, "_EXECUTION_NAME": resumed.id}


async def test_one_machine_serves_all_resumes_with_the_same_names(rig: Rig) -> None:
    await rig.define(MACHINE)
    machines = []
    for day, more in (("mon", {}), ("tue", {}), ("wed", {"hour": "1"})):
        workflow = await rig.start()
        rig.sfn.enter(workflow.id, "set", kind="Pass")
        rig.sfn.leave(workflow.id, "set", day=f'"{day}"', **more)
        rig.sfn.enter(workflow.id, "echo", kind="Pass")
        resumed = await resume(rig, await fail(rig, workflow))
        machines.append(resumed.execution_arn.rpartition(":")[0])

    assert machines[0] == machines[1] != machines[2]
    definitions = [json.loads(machine["definition"]) for machine in rig.sfn.machines.values()]
    assert [definition["StartAt"] for definition in definitions] == ["set", "Restore variables", "Restore variables"]


async def test_the_state_that_restores_is_no_job(rig: Rig) -> None:
    resumed = await resume(rig, await ran(rig, day="1"))
    rig.sfn.enter(resumed.id, "Restore variables", kind="Pass")
    await rig.poller.poll_once()
    assert (await rig.executor.get(resumed.id, fetch_history=True)).last_job is None

    rig.sfn.leave(resumed.id, "Restore variables", day="1")
    rig.sfn.enter(resumed.id, "echo", kind="Pass")

    assert [job.state for job in (await rig.executor.get(resumed.id, fetch_history=True)).jobs] == ["echo"]


async def test_a_resume_of_a_resume_keeps_the_variables(rig: Rig) -> None:
    first = await resume(rig, await ran(rig, day='"monday"', hour="1"))
    rig.sfn.enter(first.id, "Restore variables", kind="Pass")
    rig.sfn.leave(first.id, "Restore variables", day='"monday"', hour="1")
    rig.sfn.enter(first.id, "echo", kind="Pass")
    rig.sfn.leave(first.id, "echo", hour="2")
    rig.sfn.enter(first.id, "echo", kind="Pass")

    second = await resume(rig, await fail(rig, first))

    assert json.loads(second.variables or "") == {"day": "monday", "hour": 2}


async def test_what_waits_for_its_queue_starts_with_its_variables(rig: Rig) -> None:
    original = await ran(rig, day='"monday"')
    rig.sfn.fail_next("start_execution", errors.Unavailable())
    resumed = await resume(rig, original)
    rig.clock.advance(60)
    await rig.poller.poll_once()

    assert rig.sfn.execution(resumed.id).arn == resumed.execution_arn
    assert begun_with(rig)["variables"] == {"day": "monday"}


@pytest.mark.parametrize(("room", "fits"), [(262_144, True), (262_145, False)])
async def test_the_limit_of_the_input_counts_the_variables(rig: Rig, room: int, *, fits: bool) -> None:
    resumed_id = "x" * 36
    rest = len(
        json.dumps(
            {
                "_EXECUTION_NAME": resumed_id,
                "_RESUMED": {"input": {"n": 1, "_EXECUTION_NAME": resumed_id}, "variables": {"day": ""}},
            },
            separators=(",", ":"),
        )
    )
    original = await ran(rig, day=json.dumps("d" * (room - rest)))

    if fits:
        await resume(rig, original)
        return
    with pytest.raises(errors.InvalidInput, match=r"262145 bytes.*variables"):
        await resume(rig, original)
    assert (await rig.store.get_workflow(original.id)).retries == ()


async def test_the_input_of_the_execution_is_that_of_the_first_run_where_states_read_it(rig: Rig) -> None:
    states: dict[str, Any] = MACHINE["States"] | {
        "echo": {"Type": "Pass", "Parameters": {"who.$": "$$.Execution.Input.who"}, "Next": "broken"}
    }
    del states["again"]
    first = await resume(rig, await ran(rig, {**MACHINE, "States": states}, given='{"who":"me"}'))
    assert rig.sfn.inputs()[-1] == {
        "who": "me",
        "_EXECUTION_NAME": first.id,
        "_RESUMED": {"input": {"n": 1, "_EXECUTION_NAME": first.id}, "variables": {}},
    }
    rig.sfn.enter(first.id, "echo", kind="Pass", input='{"n":2}')

    second = await resume(rig, await fail(rig, first))

    assert rig.sfn.inputs()[-1]["who"] == "me"
    assert second.input == '{"n":2}'


async def test_jobs_that_were_stored_without_variables_are_read_again(rig: Rig) -> None:
    original = await ran(rig, day='"monday"')
    forgetful = tuple(job.model_copy(update={"assigned_variables": None}) for job in original.jobs)
    await rig.store.update_workflow(
        original.id, {"jobs": forgetful, "last_job": original.last_job}, revision=original.revision
    )

    assert json.loads((await resume(rig, original)).variables or "") == {"day": "monday"}
