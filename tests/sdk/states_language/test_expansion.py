"""What the service changes in a definition before AWS gets it.

Covers `workflow_manager.states_language.expansion`.
"""

import copy

import pytest

from tests.sdk.states_language.machine_builders import Json, choosing, jsonata, machine, mapping, one, passing, task
from workflow_manager import states_language

RETRIER = {"ErrorEquals": ["sfncli.CommandTerminated"], "IntervalSeconds": 10, "MaxAttempts": 10, "BackoffRate": 1.0}


def expand(given: Json, *, names: dict[str, str] | None = None, region: str = "us-west-2") -> Json:
    return states_language.expand(
        given, names=names or {}, namespace="production", region=region, account_id="123456789012"
    )


def expanded_state(state: Json, *, region: str = "us-west-2") -> Json:
    result: Json = expand(one(state), region=region)["States"]["A"]
    return result


@pytest.mark.parametrize(
    ("written", "region", "arn"),
    [
        ("worker", "us-west-2", "arn:aws:states:us-west-2:123456789012:activity:production--worker"),
        ("worker", "cn-north-1", "arn:aws-cn:states:cn-north-1:123456789012:activity:production--worker"),
        ("lambda:f", "us-west-2", "arn:aws:lambda:us-west-2:123456789012:function:production--f"),
        ("lambda:f", "us-gov-west-1", "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:production--f"),
        ("glue:j", "us-west-2", "arn:aws:states:::glue:startJobRun.sync"),
        ("glue:j", "cn-north-1", "arn:aws-cn:states:::glue:startJobRun.sync"),
        ("arn:aws:states:::sqs:sendMessage", "us-west-2", "arn:aws:states:::sqs:sendMessage"),
    ],
)
def test_a_resource_becomes_an_arn(written: str, region: str, arn: str) -> None:
    assert expanded_state(task(Resource=written), region=region)["Resource"] == arn


@pytest.mark.parametrize("written", ["worker", "lambda:worker", "glue:worker"])
def test_a_registered_state_resource_wins(written: str) -> None:
    result = expand(one(task(Resource=written)), names={written: "arn:aws:states:::ecs:runTask.sync"})

    assert result["States"]["A"] == task(Resource="arn:aws:states:::ecs:runTask.sync")


def test_a_registration_for_an_arn_changes_nothing() -> None:
    arn = "arn:aws:states:::sqs:sendMessage"

    assert expand(one(task(Resource=arn)), names={arn: "other"}) == one(task(Resource=arn))


def test_resources_inside_branches_and_maps_become_arns() -> None:
    given = machine(
        {
            "P": {"Type": "Parallel", "Branches": [machine({"In branch": task()})], "Next": "M"},
            "M": {**mapping(ItemProcessor=machine({"In map": task(Resource="lambda:f")})), "End": False, "Next": "I"},
            "I": {"Type": "Map", "Iterator": machine({"In iterator": task(Resource="glue:j")}), "End": True},
        }
    )

    resources = {state.name: state.body.get("Resource") for state in states_language.walk(expand(given))}

    assert resources["In branch"] == "arn:aws:states:us-west-2:123456789012:activity:production--worker"
    assert resources["In map"] == "arn:aws:lambda:us-west-2:123456789012:function:production--f"
    assert resources["In iterator"] == "arn:aws:states:::glue:startJobRun.sync"


def test_a_glue_task_is_told_its_job() -> None:
    assert expanded_state(task(Resource="glue:j"))["Parameters"] == {"JobName": "production--j"}


def test_a_glue_task_keeps_its_other_parameters() -> None:
    result = expanded_state(task(Resource="glue:j", Parameters={"JobName.$": "$.job", "Arguments": {"--a": "b"}}))

    assert result["Parameters"] == {"Arguments": {"--a": "b"}, "JobName": "production--j"}


def test_a_glue_task_in_jsonata_is_told_its_job_in_arguments() -> None:
    result = expanded_state(jsonata(task(Resource="glue:j", Arguments={"Timeout": 5})))

    assert result["Arguments"] == {"Timeout": 5, "JobName": "production--j"}
    assert "Parameters" not in result


@pytest.mark.parametrize(
    "state",
    [
        task(),
        task(Retry=[]),
        task(Retry=None),
        task(Resource="arn:aws:states:us-west-2:123456789012:activity:other"),
    ],
    ids=str,
)
def test_an_activity_task_gets_the_default_retrier(state: Json) -> None:
    assert expanded_state(state)["Retry"] == [RETRIER]


def test_a_registered_activity_gets_the_default_retrier() -> None:
    result = expand(one(task()), names={"worker": "arn:aws:states:us-east-1:123456789012:activity:w"})

    assert result["States"]["A"]["Retry"] == [RETRIER]


def test_the_default_retrier_comes_first() -> None:
    own = {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}

    assert expanded_state(task(Retry=[own]))["Retry"] == [RETRIER, own]


def test_a_retrier_of_the_author_for_the_same_error_is_kept_alone() -> None:
    own = [{"ErrorEquals": ["E", "sfncli.CommandTerminated"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]

    assert expanded_state(task(Retry=own))["Retry"] == own


@pytest.mark.parametrize("resource", ["lambda:f", "glue:j", "arn:aws:states:::ecs:runTask.sync"])
def test_a_task_that_is_no_activity_gets_no_retrier(resource: str) -> None:
    assert "Retry" not in expanded_state(task(Resource=resource))


@pytest.mark.parametrize("field", ["ItemSelector", "Parameters"])
def test_a_map_that_makes_the_input_of_its_iterations_adds_the_workflow_id(field: str) -> None:
    result = expanded_state(mapping(**{field: {"item.$": "$$.Map.Item.Value"}}))

    assert result[field] == {"item.$": "$$.Map.Item.Value", "_EXECUTION_NAME.$": "$$.Execution.Name"}


def test_a_map_in_jsonata_adds_the_workflow_id_as_an_expression() -> None:
    result = expanded_state(jsonata(mapping(ItemSelector={})))

    assert result["ItemSelector"] == {"_EXECUTION_NAME": "{% $states.context.Execution.Name %}"}


@pytest.mark.parametrize(
    "state",
    [
        mapping(),
        mapping(ItemSelector={"_EXECUTION_NAME.$": "$._EXECUTION_NAME"}),
        mapping(Parameters={"_EXECUTION_NAME": "mine"}),
        mapping(ItemSelector="text"),
        mapping(ItemSelector=[{"item.$": "$"}]),
        jsonata(mapping(ItemSelector="{% $states.input %}")),
    ],
    ids=str,
)
def test_a_map_that_cannot_or_need_not_be_told_stays_as_it_is(state: Json) -> None:
    assert expanded_state(state) == state


def distributed(state: Json, **fields: object) -> Json:
    body = machine({"X": state}, ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})
    return mapping(ItemProcessor=body, **fields)


def inner_selector(outer: Json) -> object:
    found = states_language.find(expand(one(outer)), "X")
    return found.body["ItemSelector"] if found else None


def test_a_distributed_map_takes_the_id_from_the_run_itself() -> None:
    result = expanded_state(distributed(passing(), ItemSelector={}))

    assert result["ItemSelector"] == {"_EXECUTION_NAME.$": "$$.Execution.Name"}


def test_a_map_in_a_child_execution_takes_the_id_from_the_childs_input() -> None:
    outer = distributed(mapping(ItemSelector={}, ItemProcessor=machine({"Y": passing()})), ItemSelector={})

    assert inner_selector(outer) == {"_EXECUTION_NAME.$": "$$.Execution.Input._EXECUTION_NAME"}


@pytest.mark.parametrize("fields", [{}, {"ItemSelector": {}, "ItemBatcher": {"MaxItemsPerBatch": 5}}], ids=str)
def test_a_map_in_a_child_execution_that_does_not_know_the_id_stays_as_it_is(fields: Json) -> None:
    outer = distributed(mapping(ItemSelector={"a": 1}, ItemProcessor=machine({"Y": passing()})), **fields)

    assert inner_selector(outer) == {"a": 1}


def test_a_map_inside_an_inline_map_takes_the_id_from_the_run_itself() -> None:
    inner = mapping(ItemSelector={}, ItemProcessor=machine({"Y": passing()}))

    assert inner_selector(mapping(ItemProcessor=machine({"X": inner}))) == {"_EXECUTION_NAME.$": "$$.Execution.Name"}


def test_what_says_nothing_is_left_out() -> None:
    rule = {"Variable": "$", "IsNull": True, "Next": "B"}

    assert expanded_state({"Type": "Pass", "Next": "B", "End": False}) == {"Type": "Pass", "Next": "B"}
    assert expanded_state({**choosing(rule), "Retry": None, "Catch": None}) == choosing(rule)


def test_everything_else_stays_equal() -> None:
    given = one({**passing(Result=None, InputPath=None), "Owner": {"x": [1, None]}}, Comment="c", **{"x-y": None})

    assert expand(given) == given


def test_the_result_shares_nothing_with_the_argument() -> None:
    given = one(task(Parameters={"list": [1]}, Retry=[{"ErrorEquals": ["E"]}]))
    before = copy.deepcopy(given)

    result = expand(given)
    result["States"]["A"]["Parameters"]["list"].append(2)
    result["States"]["A"]["Retry"][1]["ErrorEquals"].append("F")

    assert given == before


def test_two_expansions_share_no_retrier() -> None:
    first, second = expanded_state(task()), expanded_state(task())

    first["Retry"][0]["MaxAttempts"] = 99

    assert second["Retry"][0]["MaxAttempts"] == 10


def test_resource_names_are_all_short_forms_as_written() -> None:
    given = machine(
        {
            "P": {"Type": "Parallel", "Branches": [machine({"X": task(Resource="lambda:f")})], "Next": "M"},
            "M": {**mapping(ItemProcessor=machine({"Y": task(Resource="glue:j")})), "End": False, "Next": "T"},
            "T": {"Type": "Task", "Resource": "worker", "Next": "U"},
            "U": task(Resource="worker", Next="V", End=False),
            "V": task(Resource="arn:aws:states:::sqs:sendMessage"),
        }
    )

    assert states_language.resource_names(given) == {"lambda:f", "glue:j", "worker"}


def test_a_machine_without_tasks_uses_no_names() -> None:
    assert states_language.resource_names(one(passing())) == frozenset()
