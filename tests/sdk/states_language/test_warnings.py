"""What AWS accepts and is hardly meant: it is told, and refuses nothing.

Covers `workflow_manager.states_language.validation`.
"""

import pytest

from tests.sdk.states_language.machine_builders import Json, choosing, jsonata, machine, mapping, one, passing, task
from workflow_manager import errors, states_language
from workflow_manager.states_language.rules import jsonata as expressions


def told(given: Json) -> list[tuple[str, str]]:
    findings = states_language.validate(given)
    assert [finding for finding in findings if finding.is_error] == []
    return [(finding.pointer, finding.message) for finding in findings]


@pytest.mark.parametrize(
    ("given", "pointer", "meant"),
    [
        (one(passing(Resourc="x", Coment="y")), "/States/A/Coment", "Comment"),
        (one(task(Resourc="x")), "/States/A/Resourc", "Resource"),
        (one(task(TimeoutSecond=5)), "/States/A/TimeoutSecond", "TimeoutSeconds"),
        (one(task(Retry=[{"ErrorEquals": ["E"], "MaxAttempt": 1}])), "/States/A/Retry/0/MaxAttempt", "MaxAttempts"),
        (one(choosing({"Variable": "$.a", "IsNull": True, "Next": "B", "Coment": ""})),
         "/States/A/Choices/0/Coment", "Comment"),
        (one(mapping(ItemBatcher={"MaxItemsPerBatch": 1, "BatchInputs": {}})), "/States/A/ItemBatcher/BatchInputs",
         "BatchInput"),
        (one(passing(), TimeoutSecond=5), "/TimeoutSecond", "TimeoutSeconds"),
    ],
)  # fmt: skip
def test_a_field_close_to_a_known_one_names_it(given: Json, pointer: str, meant: str) -> None:
    assert (pointer, f'"{pointer.rpartition("/")[2]}" is not known here; {meant} is.') in told(given)


@pytest.mark.parametrize("field", ["Metadata", "x-team", "Future"])
def test_a_field_like_no_other_is_left_to_aws(field: str) -> None:
    assert told(one(passing(**{field: 1}))) == []


@pytest.mark.parametrize("field", ["TimestampPath", "SecondsPath"])
def test_a_path_of_a_wait_may_be_a_name(field: str) -> None:
    assert told(one({"Type": "Wait", field: "due", "End": True})) == [
        (f"/States/A/{field}", '"due" does not start with $; it is read as "$.due".')
    ]


@pytest.mark.parametrize("path", ["$.a ", "$.a[0]  ", "$$.Execution.Id "])
def test_blanks_at_the_end_of_a_path_are_accepted(path: str) -> None:
    given = one(task(InputPath=path, TimeoutSecondsPath=path, Parameters={"x.$": path}))

    assert states_language.validate(given) == []
    assert states_language.validate(one(task(ResultPath="$.a "))) == []


ARN = "arn:aws:states:us-west-2:123456789012:activity:dev--w"


def looping(inner: Json, **fields: object) -> Json:
    return mapping(ItemProcessor=machine({"X": inner}), **fields)


@pytest.mark.parametrize(
    "state",
    [
        looping(task()),
        looping(task(Resource=ARN)),
        mapping(ItemProcessor=None, Iterator=machine({"X": task()})),
        looping(task(), ItemBatcher={"MaxItemsPerBatch": 5}, ItemSelector={"a": 1}),
        jsonata(looping(jsonata(task()), ItemSelector="{% $states.input %}")),
    ],
    ids=str,
)
def test_an_activity_in_a_map_without_the_name_of_the_execution_is_told(state: Json) -> None:
    ((pointer, message),) = told(one(state))

    assert pointer in {"/States/A/ItemProcessor/States/X", "/States/A/Iterator/States/X"}
    assert "_EXECUTION_NAME" in message
    assert "ItemSelector" in message


def test_an_activity_deep_in_a_map_is_told_as_well() -> None:
    parallel = {"Type": "Parallel", "Branches": [machine({"Y": task()})], "End": True}

    ((pointer, _),) = told(one(looping(parallel)))

    assert pointer == "/States/A/ItemProcessor/States/X/Branches/0/States/Y"


@pytest.mark.parametrize(
    "state",
    [
        task(),
        looping(task(), ItemSelector={"a": 1}),
        looping(task(), Parameters={"a": 1}),
        looping(task(Resource="lambda:f")),
        looping(task(Parameters={"_EXECUTION_NAME.$": "$$.Execution.Name"})),
        looping(task(), ItemBatcher={"MaxItemsPerBatch": 5, "BatchInput": {"_EXECUTION_NAME.$": "$$.Execution.Name"}}),
        jsonata(looping(jsonata(task()), ItemSelector="{% {'_EXECUTION_NAME': $states.context.Execution.Name} %}")),
    ],
    ids=str,
)
def test_an_activity_that_gets_the_name_of_the_execution_is_fine(state: Json) -> None:
    assert told(one(state)) == []


def test_an_expression_too_long_to_be_parsed_is_told() -> None:
    long = "1 + " * 2_000 + "1"

    ((pointer, message),) = told(one(jsonata(passing(Output=f"{{% {long} %}}"))))

    assert pointer == "/States/A/Output"
    assert "left to AWS" in message


def test_what_the_parser_fails_at_is_left_to_aws() -> None:
    assert expressions.syntax_problem("(" * 1_500 + "1" + ")" * 1_500) is None


@pytest.mark.parametrize(
    ("name", "namespace", "reason"),
    [("w", "dev:1", "refuses ':'"), ("w", "x" * 100, "103 characters"), ("w" * 80, "dev", "85 characters")],
)
def test_a_name_that_cannot_be_an_activitys_is_refused_at_the_start(name: str, namespace: str, reason: str) -> None:
    with pytest.raises(errors.RefusedByAWS, match=reason):
        states_language.expand(
            machine({"A": task(Resource=name)}), names={}, namespace=namespace, region="r", account_id="1"
        )


def test_a_registered_resource_goes_with_any_namespace() -> None:
    expanded = states_language.expand(
        machine({"A": task(Resource="w")}), names={"w": ARN}, namespace="dev:1", region="r", account_id="1"
    )

    assert expanded["States"]["A"]["Resource"] == ARN


def test_a_lambda_function_has_a_name_that_lambda_takes() -> None:
    for namespace in ("dev:1", "x" * 64):
        with pytest.raises(errors.RefusedByAWS, match="Lambda function"):
            states_language.expand(
                machine({"A": task(Resource="lambda:f")}), names={}, namespace=namespace, region="r", account_id="1"
            )


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Next": "${Next}"},
        {"Type": "Pass", "Next": "After${Stage}"},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "${Next}"}], "Default": "A"},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "A"}], "Default": "${Next}"},
        {"Type": "Choice", "Choices": "${Rules}", "Default": "A"},
        {"Type": "Choice", "Choices": ["${Rule}"], "Default": "A"},
        {"Type": "Pass", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "${Next}"}], "End": True},
        {"Type": "${Type}", "Next": "B"},
        "${State}",
    ],
)
def test_a_state_that_a_placeholder_could_lead_to_is_not_called_unreachable(state: object) -> None:
    given = machine({"A": state, "B": passing()})

    findings = states_language.validate_template(given, {}, unresolved=errors.Severity.WARNING)

    assert [finding.message for finding in findings if "never entered" in finding.message] == []
    assert any("There is no value for ${" in finding.message for finding in findings)


def test_a_placeholder_elsewhere_leaves_unreachable_states_found() -> None:
    given = machine({"A": task(Resource="${Lambda}"), "B": passing()})

    findings = states_language.validate_template(given, {}, unresolved=errors.Severity.WARNING)

    assert [finding.pointer for finding in findings if finding.is_error] == ["/States/B"]
