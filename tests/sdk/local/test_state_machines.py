"""State machines of the embedded Step Functions.

Covers `workflow_manager.local.stepfunctions.definitions`.
"""

import json
from typing import Any

import pytest

from tests.sdk.local.workbench import PASS, ROLE, Workbench, text, unique

LOGGING: Any = {
    "level": "ALL",
    "includeExecutionData": True,
    "destinations": [
        {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-west-2:123456789012:log-group:runs:*"}}
    ],
}


def test_creating_a_machine_again_gives_the_same_one(bench: Workbench) -> None:
    machine: Any = {"name": unique("machine"), "definition": text(PASS), "roleArn": ROLE}
    first = bench.client.create_state_machine(**machine, tags=[{"key": "a", "value": "1"}])

    second = bench.client.create_state_machine(**{**machine, "roleArn": f"{ROLE}-other"})

    assert (first["stateMachineArn"], first["creationDate"]) == (second["stateMachineArn"], second["creationDate"])


@pytest.mark.parametrize(
    "other",
    [{"definition": text({"Type": "Succeed"})}, {"type": "EXPRESS"}, {"loggingConfiguration": LOGGING}],
    ids=["definition", "type", "logging"],
)
def test_creating_another_machine_of_the_same_name_is_refused(bench: Workbench, other: Any) -> None:
    machine: Any = {"name": unique("machine"), "definition": text(PASS), "roleArn": ROLE}
    arn = bench.client.create_state_machine(**machine)["stateMachineArn"]

    with pytest.raises(bench.client.exceptions.StateMachineAlreadyExists, match=arn):
        bench.client.create_state_machine(**{**machine, **other})

    assert bench.client.describe_state_machine(stateMachineArn=arn)["definition"] == text(PASS)


@pytest.mark.parametrize("definition", ["no json", "{}", text({"Type": "Nope"})])
def test_a_machine_with_an_invalid_definition_is_refused(bench: Workbench, definition: str) -> None:
    with pytest.raises(bench.client.exceptions.InvalidDefinition):
        bench.client.create_state_machine(name=unique("machine"), definition=definition, roleArn=ROLE)


def test_a_valid_definition_validates(bench: Workbench) -> None:
    assert bench.client.validate_state_machine_definition(definition=text(PASS))["result"] == "OK"


def test_the_validation_of_an_invalid_definition_says_what_is_wrong(bench: Workbench) -> None:
    verdict = bench.client.validate_state_machine_definition(definition=text({"Type": "Nope"}))

    assert verdict["result"] == "FAIL"
    assert [(one["severity"], bool(one["message"])) for one in verdict["diagnostics"]] == [("ERROR", True)]


def test_tags_of_a_machine_can_be_changed(bench: Workbench) -> None:
    arn = bench.machine(PASS, tags=[{"key": "a", "value": "1"}])

    bench.client.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    bench.client.untag_resource(resourceArn=arn, tagKeys=["a"])

    assert bench.client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]


def test_a_machine_keeps_its_logging(bench: Workbench) -> None:
    arn = bench.machine(PASS, loggingConfiguration=LOGGING)

    assert bench.client.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"] == LOGGING


def test_an_updated_machine_runs_its_new_definition(bench: Workbench) -> None:
    arn = bench.machine(PASS)
    bench.client.update_state_machine(stateMachineArn=arn, definition=text({"Type": "Pass", "Result": 5, "End": True}))

    run = bench.finish(bench.client.start_execution(stateMachineArn=arn)["executionArn"])

    assert run.output == 5


def test_an_execution_keeps_the_definition_it_started_with(bench: Workbench) -> None:
    arn = bench.machine(PASS)
    execution_arn = bench.client.start_execution(stateMachineArn=arn)["executionArn"]

    bench.client.update_state_machine(stateMachineArn=arn, definition=text({"Type": "Succeed"}))

    described = bench.client.describe_state_machine_for_execution(executionArn=execution_arn)
    assert json.loads(described["definition"]) == json.loads(text(PASS))


def test_the_executions_of_a_deleted_machine_are_gone(bench: Workbench) -> None:
    arn = bench.machine(PASS)
    execution_arn = bench.client.start_execution(stateMachineArn=arn)["executionArn"]

    bench.client.delete_state_machine(stateMachineArn=arn)

    with pytest.raises(bench.client.exceptions.ExecutionDoesNotExist):
        bench.client.describe_execution(executionArn=execution_arn)
    with pytest.raises(bench.client.exceptions.StateMachineDoesNotExist):
        bench.client.start_execution(stateMachineArn=arn)
