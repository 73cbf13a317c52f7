"""Several installations in one account: none runs what another one registered.

Covers `app.executor.sfn.state_machines`.
"""

import json
from typing import Any

import pytest

from app.executor import Account
from app.executor.sfn.state_machines import state_machine
from tests import samples
from tests.rig import ACCOUNT, ROLE_ARN, Rig
from workflow_manager import models

PLAIN = "arn:aws:states:us-west-2:123456789012:stateMachine:dev--echo--0--echo"
FORMER = "arn:aws:states:us-west-2:123456789012:stateMachine:dev--echo--0--echo-0123456789ab"


def passing(result: int) -> dict[str, Any]:
    """Return a state machine with a result of its own."""
    return {"StartAt": "echo", "States": {"echo": {"Type": "Pass", "Result": result, "End": True}}}


def definition_of(rig: Rig, workflow: models.Workflow) -> dict[str, Any]:
    """Return what the execution of a workflow runs."""
    arn = workflow.execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    definition: dict[str, Any] = json.loads(rig.sfn.machines[arn]["definition"])
    return definition


@pytest.mark.parametrize("names", [("", "blue"), ("blue", "green")])
async def test_each_installation_runs_its_own_definition_of_a_name(names: tuple[str, str]) -> None:
    one = Rig(installation=names[0])
    other = Rig(neighbour_of=one, installation=names[1])
    await one.define(passing(1))
    await other.define(passing(2))

    started = [await rig.start() for rig in (one, other, one, other)]

    results = [definition_of(one, workflow)["States"]["echo"]["Result"] for workflow in started]
    assert results == [1, 2, 1, 2]
    assert one.sfn.calls["update_state_machine"] == 0


async def test_an_installation_with_a_name_is_a_tag_of_its_state_machines() -> None:
    rig = Rig(installation="blue")
    await rig.define()
    await rig.start()

    (machine,) = rig.sfn.machines.values()

    assert {"key": "workflow-manager-installation", "value": "blue"} in machine["tags"]


async def test_a_state_machine_of_a_plain_name_that_another_service_made_is_taken_over() -> None:
    rig = Rig()
    rig.sfn.machines[PLAIN] = {"definition": "{}", "roleArn": "arn:aws:iam::123456789012:role/other", "tags": []}
    await rig.define()

    workflow = await rig.start()

    assert workflow.execution_arn.startswith(PLAIN.replace(":stateMachine:", ":execution:"))
    assert definition_of(rig, workflow)["StartAt"] == "echo"
    assert rig.sfn.machines[PLAIN]["roleArn"] == ROLE_ARN


async def test_a_workflow_is_started_under_the_name_that_it_was_recorded_with() -> None:
    """A version that named state machines otherwise may have started it already."""
    rig = Rig()
    await rig.define()
    definition = await rig.store.get_definition("echo")
    arn = FORMER.replace(":stateMachine:", ":execution:") + ":w"
    recorded = samples.workflow("w", workflow_definition=definition, execution_arn=arn, start_pending=True)
    await rig.store.create_workflow(recorded)
    rig.clock.advance(60)

    await rig.poller.poll_once()

    assert list(rig.sfn.executions) == [arn]
    assert list(rig.sfn.machines) == [FORMER]


def test_the_state_machine_of_an_execution_keeps_its_definition() -> None:
    account = Account(region="us-west-2", account_id="123456789012", roles=ACCOUNT.roles)
    machine = state_machine(samples.definition("echo"), namespace="dev", resources={}, account=account)

    former = machine.of_execution(FORMER.replace(":stateMachine:", ":execution:") + ":w")

    assert (former.name, former.arn) == ("dev--echo--0--echo-0123456789ab", FORMER)
    assert former.execution_arn("w") == FORMER.replace(":stateMachine:", ":execution:") + ":w"
    assert (former.definition, former.digest, former.tags) == (machine.definition, machine.digest, machine.tags)
