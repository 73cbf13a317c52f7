"""The states of the interpreter, apart from activity tasks.

Covers `workflow_manager.local.language` and `workflow_manager.local.stepfunctions.scopes`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sdk.local.workbench import PASS, Workbench, unique

CHOICE: dict[str, Any] = {
    "StartAt": "Size",
    "States": {
        "Size": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Big"}],
            "Default": "Small",
        },
        "Big": {"Type": "Pass", "Result": "big", "End": True},
        "Small": {"Type": "Pass", "Result": "small", "End": True},
    },
}

ONE_PASS: dict[str, Any] = {"StartAt": "A", "States": {"A": PASS}}

PARALLEL: dict[str, Any] = {
    "Type": "Parallel",
    "Branches": [
        {"StartAt": name, "States": {name: {"Type": "Pass", "Result": name, "End": True}}} for name in ("A", "B")
    ],
    "End": True,
}

JSONATA: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Output": {"v": "{% $states.input.n + 1 %}", "s": "{% $sum([1,2,3]) %}"}, "End": True}
    },
}


def jsonata_variable(value: str) -> dict[str, Any]:
    """Return a machine that assigns an expression to a variable and outputs the variable."""
    return {
        "QueryLanguage": "JSONata",
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"x": value}, "Next": "B"},
            "B": {"Type": "Pass", "Output": "{% $x %}", "End": True},
        },
    }


@pytest.mark.parametrize(
    ("definition", "given", "output"),
    [
        pytest.param(
            {"Type": "Pass", "Result": 1, "ResultPath": "$.r", "End": True}, {"x": 0}, {"x": 0, "r": 1}, id="pass"
        ),
        pytest.param(CHOICE, {"n": 9}, "big", id="choice"),
        pytest.param(CHOICE, {"n": 1}, "small", id="choice-default"),
        pytest.param({"Type": "Wait", "Seconds": 1, "End": True}, {"a": 1}, {"a": 1}, id="wait"),
        pytest.param(PARALLEL, {}, ["A", "B"], id="parallel"),
        pytest.param(
            {
                "Type": "Map",
                "ItemsPath": "$.i",
                "MaxConcurrency": 2,
                "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **ONE_PASS},
                "End": True,
            },
            {"i": [1, 2, 3]},
            [1, 2, 3],
            id="map-inline",
        ),
        pytest.param(
            {
                "Type": "Map",
                "Iterator": ONE_PASS,
                "Parameters": {"v.$": "$$.Map.Item.Value", "k.$": "$$.Map.Item.Index"},
                "End": True,
            },
            [7, 8],
            [{"v": 7, "k": 0}, {"v": 8, "k": 1}],
            id="map-iterator",
        ),
        pytest.param(
            {
                "Type": "Map",
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    **ONE_PASS,
                },
                "End": True,
            },
            [1, 2, 3],
            [1, 2, 3],
            id="map-distributed",
        ),
        pytest.param(
            {
                "Type": "Pass",
                "Parameters": {
                    "f.$": "States.Format('x-{}', $.a)",
                    "m.$": "States.MathAdd($.n, 1)",
                    "j.$": "States.JsonMerge($.o, $.p, false)",
                    "r.$": "States.ArrayRange(1, 5, 2)",
                },
                "End": True,
            },
            {"a": "b", "n": 1, "o": {"a": 1}, "p": {"b": 2}},
            {"f": "x-b", "m": 2, "j": {"a": 1, "b": 2}, "r": [1, 3, 5]},
            id="intrinsics",
        ),
        pytest.param(JSONATA, {"n": 1}, {"v": 2, "s": 6}, id="jsonata"),
        pytest.param(jsonata_variable("{% $states.input.n * 2 %}"), {"n": 4}, 8, id="jsonata-assign"),
        pytest.param(
            jsonata_variable("{% $states.input.s %}"), {"s": 'a "b" \\ c\nd'}, 'a "b" \\ c\nd', id="jsonata-quotes"
        ),
        pytest.param(
            {
                "StartAt": "A",
                "States": {
                    "A": {"Type": "Pass", "Assign": {"x.$": "$.n"}, "Next": "B"},
                    "B": {"Type": "Pass", "Parameters": {"y.$": "$x"}, "End": True},
                },
            },
            {"n": 4},
            {"y": 4},
            id="jsonpath-assign",
        ),
    ],
)
def test_a_state_gives_the_output_that_the_states_language_says(
    bench: Workbench, definition: dict[str, Any], given: Any, output: Any
) -> None:
    run = bench.run(definition, given)

    assert (run.status, run.output) == ("SUCCEEDED", output)


def test_a_wait_until_a_time_ends_at_that_time(bench: Workbench) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)

    run = bench.run({"Type": "Wait", "TimestampPath": "$.t", "End": True}, {"t": until.strftime("%Y-%m-%dT%H:%M:%SZ")})

    assert run.status == "SUCCEEDED"
    assert until - timedelta(seconds=1) <= run.description["stopDate"] <= until + timedelta(seconds=2)


def test_the_context_object_names_the_execution_and_the_state(bench: Workbench) -> None:
    name = unique("run")
    parameters = {"run.$": "$$.Execution.Name", "state.$": "$$.State.Name"}
    execution_arn = bench.start({"Type": "Pass", "Parameters": parameters, "End": True}, name=name)

    assert bench.finish(execution_arn).output == {"run": name, "state": "Only"}


def test_a_fail_state_fails_the_execution_with_its_error_and_cause(bench: Workbench) -> None:
    run = bench.run({"Type": "Fail", "Error": "Bad", "Cause": "because"})

    assert (run.status, run.error) == ("FAILED", ("Bad", "because"))


@pytest.mark.parametrize(
    "expression", ["{% $states.input.n + 'text' %}", "{% $nothing() %}", "{% $states.input.absent %}"]
)
def test_a_jsonata_expression_that_cannot_be_evaluated_is_a_query_evaluation_error(
    bench: Workbench, expression: str
) -> None:
    run = bench.run(
        {
            "QueryLanguage": "JSONata",
            "StartAt": "A",
            "States": {"A": {"Type": "Pass", "Output": {"v": expression}, "End": True}},
        },
        {"n": 1},
    )

    assert (run.status, run.error[0]) == ("FAILED", "States.QueryEvaluationError")
    assert "EvaluationFailed" in run.event_types


@pytest.mark.parametrize("kind", ["parallel", "nested"])
def test_a_caught_failure_does_not_end_the_history(bench: Workbench, kind: str) -> None:
    """The interpreter reports both failures as if the execution had failed."""
    failing: dict[str, Any] = {
        "parallel": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Bad"}}}],
        },
        "nested": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.waitForTaskToken",
            "HeartbeatSecondsPath": "$.absent",
            "Parameters": {"StateMachineArn": bench.machine(PASS)},
        },
    }
    catch = [{"ErrorEquals": ["States.Runtime"], "Next": "After"}, {"ErrorEquals": ["States.ALL"], "Next": "After"}]
    caught = failing[kind] | {"Catch": catch, "End": True}

    run = bench.run({"StartAt": "Failing", "States": {"Failing": caught, "After": PASS}})

    assert run.status == "SUCCEEDED"
    assert [kind for kind in run.event_types if kind.startswith("Execution")] == [
        "ExecutionStarted",
        "ExecutionSucceeded",
    ]


def test_a_task_can_put_items_into_dynamodb_from_many_branches_at_once(bench: Workbench, dynamodb: Any) -> None:
    table = unique("table")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Parameters": {"TableName": table, "Item": {"k": {"S.$": "$"}}},
        "End": True,
    }
    items = [f"item-{number}" for number in range(10)]

    run = bench.run({"Type": "Map", "ItemProcessor": {"StartAt": "Put", "States": {"Put": put}}, "End": True}, items)

    assert run.status == "SUCCEEDED"
    assert sorted(item["k"]["S"] for item in dynamodb.scan(TableName=table)["Items"]) == items


def test_a_nested_execution_gives_its_output_to_the_outer_one(bench: Workbench) -> None:
    inner = bench.machine({"Type": "Pass", "Parameters": {"doubled.$": "States.MathAdd($.n, $.n)"}, "End": True})

    run = bench.run(
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": inner, "Input": {"n": 4}},
            "End": True,
        }
    )

    assert (run.output["Status"], run.output["Output"]) == ("SUCCEEDED", {"doubled": 8})
