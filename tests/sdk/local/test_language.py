"""What the embedded Step Functions makes of a definition: whole, or refused without a trace.

Covers `workflow_manager.local.language` and `workflow_manager.local.stepfunctions.validation`.
"""

import json
import random
from typing import Any

import pytest

from tests.eventually import eventually
from tests.sdk.local.workbench import PASS, ROLE, Workbench, task, text, unique

HTTP_INVOKE = "arn:aws:states:::http:invoke"

ONE_PASS: dict[str, Any] = {"StartAt": "B", "States": {"B": PASS}}

FAIL: dict[str, Any] = {"Type": "Fail", "Error": "Odd", "Cause": "on purpose"}

ODD_FAILS: dict[str, Any] = {
    "StartAt": "Odd",
    "States": {
        "Odd": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "NumericGreaterThan": 2, "Next": "Fails"}],
            "Default": "B",
        },
        "Fails": FAIL,
        "B": PASS,
    },
}
"""An iteration that fails for numbers above 2."""


def distributed(processor: dict[str, Any], execution_type: str = "STANDARD", **fields: Any) -> dict[str, Any]:
    """Return a distributed Map."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": execution_type}
    return {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **processor}, "End": True, **fields}


def jsonata(**states: Any) -> dict[str, Any]:
    """Return a JSONata machine that starts with the first of these states."""
    return {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}


def test_a_jsonata_machine_with_an_unknown_service_does_not_spoil_the_next_jsonpath_machine(bench: Workbench) -> None:
    bench.run(jsonata(A={"Type": "Task", "Resource": HTTP_INVOKE, "Arguments": {}, "End": True}))

    assert bench.run({"Type": "Pass", "Parameters": {"x.$": "$.a"}, "End": True}, {"a": 1}).output == {"x": 1}


def test_a_service_that_is_not_there_fails_the_run_by_name(bench: Workbench) -> None:
    run = bench.run({"Type": "Task", "Resource": HTTP_INVOKE, "Parameters": {}, "End": True})

    assert run.error[0] == "States.Runtime"
    assert HTTP_INVOKE in (run.error[1] or "")


def some_definition(chance: random.Random) -> str:
    """Return a definition that may be sound, or broken in one of many ways."""
    fields: list[dict[str, Any]] = [
        {},
        {"Next": "Nowhere"},
        {"Type": "Nope"},
        {"Type": None},
        {"Parameters": {"x.$": "States.Nothing()"}},
        {"Parameters": {"x.$": "States.Format('{}', "}},
        {"Output": "{% ( %}", "QueryLanguage": "JSONata"},
        {"QueryLanguage": "JSONata", "Output": "{% 1 %}"},
        {"QueryLanguage": "JSONata", "Parameters": {}},
        {"QueryLanguage": "JSONPath", "Arguments": {}},
        {"QueryLanguage": "SQL"},
        {"Type": "Task", "Resource": HTTP_INVOKE},
        {"Type": "Task", "Resource": "arn:aws:states:::x"},
        {"Type": "Task"},
        {"Type": "Map"},
        distributed(ONE_PASS, ItemBatcher={"MaxItemsPerBatch": "x"}),
        {"Type": "Parallel", "Branches": [ONE_PASS, {"StartAt": "B", "States": {}}]},
        {"Type": "Choice", "Choices": []},
        {"Type": "Wait", "Timestamp": "yesterday"},
        {"Retry": [{}]},
    ]
    body = {**PASS, **chance.choice(fields)}
    machine: dict[str, Any] = {"StartAt": "A", "States": {"A": body}}
    if chance.random() < 0.5:
        machine["QueryLanguage"] = chance.choice(["JSONata", "JSONPath"])
    written = json.dumps(machine)
    return written[: chance.randrange(1, len(written))] if chance.random() < 0.1 else written


@pytest.mark.parametrize("count", [200, pytest.param(1_000, marks=pytest.mark.slow)])
def test_many_definitions_of_any_kind_leave_no_trace(bench: Workbench, count: int) -> None:
    chance = random.Random(20)
    accepted = 0
    for _ in range(count):
        try:
            arn = bench.client.create_state_machine(
                name=unique("any"), definition=some_definition(chance), roleArn=ROLE
            )["stateMachineArn"]
        except bench.client.exceptions.InvalidDefinition:
            continue
        accepted += 1
        bench.client.delete_state_machine(stateMachineArn=arn)

    assert count / 10 < accepted < count * 9 / 10
    assert bench.run({"Type": "Pass", "Parameters": {"x.$": "$.a"}, "End": True}, {"a": 1}).output == {"x": 1}
    assert bench.run(jsonata(A={"Type": "Pass", "Output": "{% $states.input.a %}", "End": True}), {"a": 2}).output == 2


def test_names_and_text_come_back_as_they_were_written(bench: Workbench) -> None:
    name, result = 'A "quoted" \\ back\\slash é 😀', 'say "x" \\ / \u0001 {% no %} \\u0041 😀'

    run = bench.run({"StartAt": name, "States": {name: {"Type": "Pass", "Result": {'k"\\': result}, "End": True}}})

    assert run.output == {'k"\\': result}
    entered: Any = next(event for event in run.events if "stateEnteredEventDetails" in event)
    assert entered["stateEnteredEventDetails"]["name"] == name


@pytest.mark.parametrize(
    ("state", "given", "output"),
    [
        pytest.param(distributed(ONE_PASS, "EXPRESS"), [1, 2], [1, 2], id="express"),
        pytest.param(
            distributed(
                ONE_PASS, ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"day.$": "$.day"}}, ItemsPath="$.i"
            ),
            {"i": [1, 2, 3], "day": 7},
            [{"BatchInput": {"day": 7}, "Items": [1, 2]}, {"BatchInput": {"day": 7}, "Items": [3]}],
            id="batches-of-two",
        ),
        pytest.param(
            distributed(
                ONE_PASS,
                ItemBatcher={"MaxInputBytesPerBatch": 30},
                ItemSelector={"v.$": "$$.Map.Item.Value", "k.$": "$$.Map.Item.Index"},
            ),
            [5, 6, 7],
            [{"Items": [{"v": 5, "k": 0}, {"v": 6, "k": 1}]}, {"Items": [{"v": 7, "k": 2}]}],
            id="batches-of-bytes",
        ),
        pytest.param(
            {"Type": "Pass", "Parameters": {"a": [1, {"b.$": "$.x"}, ["$.x", {"c.$": "$.x"}]], "e": []}, "End": True},
            {"x": 9},
            {"a": [1, {"b": 9}, ["$.x", {"c": 9}]], "e": []},
            id="arrays-in-parameters",
        ),
        pytest.param(distributed(ONE_PASS, ToleratedFailurePercentage=10), [1], [1], id="whole-percentage"),
        pytest.param(distributed(ONE_PASS, MaxConcurrency=1000), [], [], id="no-items"),
        pytest.param(
            {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": ONE_PASS, "End": True, "ResultPath": None},
            list(range(1100)),
            list(range(1100)),
            id="a-thousand-items-one-by-one",
        ),
    ],
)
def test_a_machine_that_aws_takes_runs(bench: Workbench, state: dict[str, Any], given: Any, output: Any) -> None:
    run = bench.run(state, given)

    assert (run.status, run.output) == ("SUCCEEDED", output)


@pytest.mark.parametrize(
    "credentials", [{"RoleArn.$": "$.r"}, {"RoleArn": ROLE, "More.$": "$.r"}, {"data": {"a": 1}}, {}]
)
def test_credentials_of_any_form_make_no_difference(bench: Workbench, credentials: dict[str, Any]) -> None:
    arn = bench.activity()
    bench.work(arn, bench.echo)

    run = bench.run({"Type": "Task", "Resource": arn, "Credentials": credentials, "End": True}, {"r": ROLE})

    assert run.output == {"got": {"r": ROLE}}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({}, "FAILED", id="none-tolerated"),
        pytest.param({"ToleratedFailurePercentage": 50}, "SUCCEEDED", id="half-of-them"),
        pytest.param({"ToleratedFailurePercentage": 49.9}, "FAILED", id="less-than-half"),
        pytest.param({"ToleratedFailurePercentage": 100}, "SUCCEEDED", id="all-of-them"),
        pytest.param({"ToleratedFailureCount": 2}, "SUCCEEDED", id="two"),
        pytest.param({"ToleratedFailureCount": 1}, "FAILED", id="one"),
        pytest.param({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 100}, "FAILED", id="the-stricter"),
        pytest.param({"ToleratedFailureCountPath": "$[1]"}, "SUCCEEDED", id="count-by-path"),
        pytest.param({"ToleratedFailurePercentagePath": "$[3]"}, "FAILED", id="percentage-by-path"),
    ],
)
def test_a_distributed_map_puts_up_with_the_failures_that_it_says(
    bench: Workbench, fields: dict[str, Any], status: str
) -> None:
    run = bench.run(distributed(ODD_FAILS, **fields), [1, 2, 3, 4])

    assert run.status == status
    if status == "FAILED":
        assert run.error == (
            "States.ExceedToleratedFailureThreshold",
            "The specified tolerated failure threshold was exceeded",
        )
        assert run.event_types[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


def test_a_distributed_map_whose_items_all_fail_can_be_caught(bench: Workbench) -> None:
    catch = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "After"}]

    run = bench.run({"StartAt": "A", "States": {"A": distributed(ODD_FAILS, Catch=catch), "After": PASS}}, [3, 4])

    assert run.output["Error"] == "States.ExceedToleratedFailureThreshold"


NO_MATCH: dict[str, Any] = {
    "StartAt": "C",
    "States": {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "B"}]},
        "B": PASS,
    },
}


def test_a_choice_without_a_match_fails_under_its_name(bench: Workbench) -> None:
    error, cause = bench.run(NO_MATCH, {"n": 2}).error

    assert error == "States.NoChoiceMatched"
    assert (cause or "").endswith("Failed to transition out of the state. The state does not point to a next state.")


@pytest.mark.parametrize("error", ["States.NoChoiceMatched", "States.ALL", "States.TaskFailed"])
def test_a_choice_without_a_match_can_be_caught_around_it(bench: Workbench, error: str) -> None:
    catch = [{"ErrorEquals": [error], "Next": "Caught"}]
    around = {"Type": "Parallel", "Branches": [NO_MATCH], "Catch": catch, "End": True}

    run = bench.run({"StartAt": "A", "States": {"A": around, "Caught": PASS}}, {"n": 2})

    assert run.output["Error"] == "States.NoChoiceMatched"


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({"TimestampEquals": "2026-01-01T11:00:00.000+01:00"}, True),
        ({"TimestampLessThan": "2026-01-01T10:00:00.5Z"}, True),
        ({"TimestampGreaterThan": "2026-01-01T10:30:00+01:00"}, True),
        ({"TimestampGreaterThanEqualsPath": "$.other"}, True),
        ({"TimestampLessThanEquals": "2026-01-01T09:59:59.999Z"}, False),
        ({"IsTimestamp": True}, True),
        ({"StringMatches": "2026-*T*Z"}, True),
        ({"StringMatches": "2026-*T*X"}, False),
        ({"StringEqualsPath": "$.t"}, True),
    ],
)
def test_timestamps_are_compared_as_instants(bench: Workbench, rule: dict[str, Any], *, matches: bool) -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.t", **rule, "Next": "Yes"}], "Default": "No"}
    ends = {name: {"Type": "Pass", "Result": name == "Yes", "End": True} for name in ("Yes", "No")}

    run = bench.run(
        {"StartAt": "A", "States": {"A": choice, **ends}},
        {"t": "2026-01-01T10:00:00Z", "other": "2026-01-01T04:00:00-06:00"},
    )

    assert run.output is matches


@pytest.mark.parametrize("catch", [[], [{"ErrorEquals": ["States.ALL"], "Next": "B"}]])
def test_an_activity_that_does_not_exist_fails_in_the_words_of_aws(bench: Workbench, catch: list[Any]) -> None:
    """AWS: a Catch of States.ALL does not catch States.Runtime."""
    arn = "arn:aws:states:us-west-2:123456789012:activity:nobody"
    caught = {"Catch": catch} if catch else {}

    run = bench.run({"StartAt": "A", "States": {"A": task(arn, Next="B", **caught), "B": PASS}})

    where = "An error occurred while executing the state 'A' (entered at the event id #2)."
    assert run.error == ("States.Runtime", f"{where} The activity {arn} does not exist.")
    assert run.event_types == ["ExecutionStarted", "TaskStateEntered", "ExecutionFailed"]


@pytest.mark.slow
def test_a_run_ends_with_its_event_number_25000(bench: Workbench) -> None:
    again = {"Type": "Choice", "Choices": [{"Variable": "$.n", "IsPresent": True, "Next": "A"}], "Default": "B"}
    execution_arn = bench.start({"StartAt": "A", "States": {"A": again, "B": PASS}}, {"n": 1})

    description: Any = eventually(lambda: bench.ended(execution_arn), what="the end of the loop", timeout_seconds=180)

    assert description["status"] == "FAILED"
    assert (description["error"], description["cause"]) == (
        "States.Runtime",
        "The execution reached the maximum number of history events (25000).",
    )
    assert (description["redriveStatus"], description["redriveStatusReason"]) == (
        "NOT_REDRIVABLE",
        "Execution history event limit exceeded",
    )
    last: Any = bench.client.get_execution_history(executionArn=execution_arn, reverseOrder=True, maxResults=1)
    assert (last["events"][0]["id"], last["events"][0]["type"]) == (25_000, "ExecutionFailed")


def test_an_evaluation_that_fails_names_its_state_and_the_event_before_its_entry(bench: Workbench) -> None:
    """As AWS does, once and no more, also in a task."""
    working = task(bench.activity(), Arguments={"x": "{% $none %}"})

    run = bench.run(jsonata(A={"Type": "Pass", "Next": "T"}, T=working))

    failed: Any = [event for event in run.events if event["type"] == "EvaluationFailed"]
    assert [(event["previousEventId"], event["evaluationFailedEventDetails"]["state"]) for event in failed] == [
        (3, "T")
    ]
    assert failed[0]["evaluationFailedEventDetails"]["location"] == "Arguments/x"


def test_assigned_variables_are_json_in_the_history(bench: Workbench) -> None:
    run = bench.run({"Type": "Pass", "Assign": {"day": 'a "b" \\', "n": [1, None]}, "End": True})

    exited: Any = next(event["stateExitedEventDetails"] for event in run.events if "stateExitedEventDetails" in event)
    assert {name: json.loads(value) for name, value in exited["assignedVariables"].items()} == {
        "day": 'a "b" \\',
        "n": [1, None],
    }


def test_the_text_of_a_definition_is_kept_as_it_came(bench: Workbench) -> None:
    definition = text({**PASS, "Comment": "é"}).replace("{", "{ ")

    arn = bench.client.create_state_machine(name=unique("kept"), definition=definition, roleArn=ROLE)["stateMachineArn"]

    assert bench.client.describe_state_machine(stateMachineArn=arn)["definition"] == definition
