"""Values that say nothing, as generated clients write what a state does not have.

Covers `workflow_manager.states_language.absent`.
"""

import copy
from typing import Any, Final

import pytest

from tests.sdk.states_language.machine_builders import Json, choosing, jsonata, machine, mapping, one, passing, task
from workflow_manager import states_language
from workflow_manager.states_language.model import JSONATA, JSONPATH
from workflow_manager.states_language.rules.choices import TESTS
from workflow_manager.states_language.rules.fields import FIELDS, REQUIRED

BRANCH: Final = machine({"In branch": {"Type": "Pass", "End": True}})
PLAIN: Final[dict[str, Json]] = {
    "Task": task(Resource="lambda:f"),
    "Pass": passing(),
    "Choice": choosing({"Variable": "$.a", "IsNull": True, "Next": "B"}),
    "Wait": {"Type": "Wait", "Seconds": 1, "End": True},
    "Succeed": {"Type": "Succeed"},
    "Fail": {"Type": "Fail"},
    "Parallel": {"Type": "Parallel", "Branches": [BRANCH], "End": True},
    "Map": mapping(),
}
"""A state of each type with no more than it must have."""

IN_JSONATA: Final = {
    kind: jsonata({**state, "Choices": [{"Condition": "{% true %}", "Next": "B"}]} if kind == "Choice" else state)
    for kind, state in PLAIN.items()
}
ZEROS: Final[dict[str, Any]] = {
    **{field: [] for field in ("Retry", "Catch", "Choices", "Branches", "Items")},
    **dict.fromkeys(("TimeoutSeconds", "HeartbeatSeconds", "Seconds", "MaxConcurrency"), 0),
    **dict.fromkeys(("ToleratedFailureCount", "ToleratedFailurePercentage"), 0),
    **dict.fromkeys(("Comment", "Next", "Default", "Resource", "Timestamp", "Error", "Cause", "Label", "Result"), ""),
    **{field: "" for field in FIELDS if field.endswith("Path")},
    "End": False,
}
"""The zero values of fields that are no templates and no objects."""

NULL_MEANS_SOMETHING: Final = {"InputPath", "OutputPath", "ResultPath", "Result", "Output"}


def _states() -> list[tuple[str, str, Json]]:
    return [
        (kind, language, state)
        for language, states in ((JSONPATH, PLAIN), (JSONATA, IN_JSONATA))
        for kind, state in states.items()
    ]


def _has(kind: str, language: str, field: str) -> bool:
    return kind in FIELDS[field].kinds and FIELDS[field].check(language) is not None


def _optional(kind: str, language: str) -> list[str]:
    required = {"Type", "QueryLanguage", *REQUIRED.get(kind, ())}
    return [field for field in FIELDS if _has(kind, language, field) and field not in required]


def _misplaced(kind: str, language: str) -> list[str]:
    return [field for field in FIELDS if not _has(kind, language, field)]


def _expanded(state: Json) -> Any:
    sent = states_language.expand(one(state), names={}, namespace="dev", region="us-west-2", account_id="123456789012")
    return sent["States"]["A"]


def _assert_says_nothing(state: Json, field: str, value: object) -> None:
    written = one({**state, field: value})
    kept = copy.deepcopy(written)
    at_rest = {**state}

    assert states_language.validate(written) == [], (field, value)
    if field in {"End", "Next"}:
        at_rest.pop("End", None)
        at_rest["Next" if field == "End" else "End"] = "B" if field == "End" else True
        written = one({**at_rest, field: value})
        kept = copy.deepcopy(written)
    assert field not in _expanded(written["States"]["A"]), (field, value)
    assert written == kept


def _without_end(state: Json) -> Json:
    """Lead a state on by Next, so that its End says nothing."""
    return {**{name: value for name, value in state.items() if name != "End"}, "Next": "B"} if "End" in state else state


@pytest.mark.parametrize(("kind", "language", "state"), _states())
def test_null_is_absent_in_every_optional_field_that_a_state_can_have(kind: str, language: str, state: Json) -> None:
    for field in _optional(kind, language):
        if field not in NULL_MEANS_SOMETHING:
            _assert_says_nothing(_without_end(state) if field == "End" else state, field, None)


@pytest.mark.parametrize(("kind", "language", "state"), _states())
def test_an_empty_text_is_absent_in_every_optional_field_that_takes_one(kind: str, language: str, state: Json) -> None:
    for field in _optional(kind, language):
        if ZEROS.get(field) == "" and field != "Result":
            _assert_says_nothing(_without_end(state) if field == "End" else state, field, "")


@pytest.mark.parametrize(("kind", "language", "state"), _states())
def test_null_and_the_zero_value_are_absent_in_a_field_of_other_states(kind: str, language: str, state: Json) -> None:
    for field in _misplaced(kind, language):
        _assert_says_nothing(state, field, None)
        if field in ZEROS:
            _assert_says_nothing(state, field, ZEROS[field])


@pytest.mark.parametrize(
    ("state", "field", "value"),
    [
        (PLAIN["Task"], "TimeoutSeconds", 0),
        (PLAIN["Task"], "HeartbeatSeconds", 0),
        (PLAIN["Task"], "Retry", []),
        (PLAIN["Task"], "Catch", []),
        ({**_without_end(PLAIN["Task"])}, "End", False),
        ({"Type": "Wait", "Timestamp": "2030-01-01T00:00:00Z", "End": True}, "Seconds", 0),
        ({"Type": "Wait", "SecondsPath": "$.s", "End": True}, "Seconds", None),
        ({"Type": "Wait", "Seconds": 0, "End": True}, "TimestampPath", ""),
        ({"Type": "Map", "Iterator": BRANCH, "End": True}, "ItemProcessor", None),
    ],
)
def test_zero_empty_and_false_are_absent_where_they_say_nothing(state: Json, field: str, value: object) -> None:
    _assert_says_nothing(state, field, value)


@pytest.mark.parametrize(
    "state",
    [
        passing(InputPath=None, OutputPath=None, ResultPath=None, Result=None),
        passing(Result=""),
        passing(Result=[], Parameters={}),
        passing(Result=0),
        passing(Result=False),
        task(Resource="lambda:f", Parameters={}, ResultSelector={}),
        jsonata(passing(Output=None)),
        jsonata(passing(Output="")),
        jsonata(mapping(Items=[])),
        {"Type": "Wait", "Seconds": 0, "End": True},
        mapping(MaxConcurrency=0, ItemSelector={"a": ""}),
        task(Resource="lambda:f", Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}]),
        choosing({"Variable": "$.a", "StringEquals": "", "Next": "B"}),
        choosing({"Variable": "$.a", "NumericEquals": 0, "Next": "B"}),
        choosing({"Variable": "$.a", "BooleanEquals": False, "Next": "B"}),
        task(Resource="lambda:f", Parameters={"a": None, "b": "", "c": [], "d": {"e": 0}}),
        {**passing(), "Owner": None},
    ],
)
def test_what_null_empty_or_zero_mean_something_for_is_sent(state: Json) -> None:
    sent = _expanded(state)
    sent.get("ItemSelector", {}).pop("_EXECUTION_NAME.$", None)

    assert states_language.validate(one(state)) == []
    assert sent == {**state, **({"Resource": sent["Resource"]} if "Resource" in state else {})}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (
            {
                "IntervalSeconds": 0,
                "MaxAttempts": None,
                "BackoffRate": 0,
                "MaxDelaySeconds": None,
                "JitterStrategy": "",
            },
            {},
        ),
        ({"IntervalSeconds": None, "MaxAttempts": 0, "BackoffRate": None, "Comment": None}, {"MaxAttempts": 0}),
    ],
)
def test_the_members_of_a_retrier_can_say_nothing(written: Json, sent: Json) -> None:
    errors = {"ErrorEquals": ["States.ALL"]}
    state = task(Resource="lambda:f", Retry=[{**errors, **written}])

    assert states_language.validate(one(state)) == []
    assert _expanded(state)["Retry"] == [{**errors, **sent}]


def test_the_members_of_a_catcher_can_say_nothing() -> None:
    errors = {"ErrorEquals": ["States.ALL"], "Next": "B"}
    nothing = {"ResultPath": "", "Assign": None, "Comment": ""}
    state = task(Resource="lambda:f", Catch=[{**errors, **nothing}, {**errors, "ResultPath": None}])
    state["Catch"][0]["ErrorEquals"] = ["Other"]

    assert states_language.validate(one(state)) == []
    assert _expanded(state)["Catch"] == [{"ErrorEquals": ["Other"], "Next": "B"}, {**errors, "ResultPath": None}]


def test_the_tests_that_a_rule_does_not_make_say_nothing() -> None:
    unused: Json = {**dict.fromkeys(TESTS), "And": [], "Or": None, "Not": None, "Comment": "", "Assign": None}
    inner = {**unused, "Variable": "$.a", "StringEquals": "", "Next": ""}
    outer = {**unused, "Variable": "", "And": [inner, {**inner, "Next": None}], "Or": [], "Next": "B"}
    state = choosing(outer, {**unused, "Variable": "$.a", "IsNull": False, "Next": "B"})

    assert states_language.validate(one(state)) == []
    test = {"Variable": "$.a", "StringEquals": ""}
    assert _expanded(state)["Choices"] == [
        {"And": [test, test], "Next": "B"},
        {"Variable": "$.a", "IsNull": False, "Next": "B"},
    ]


def test_a_machine_and_its_inner_ones_can_say_nothing_of_themselves() -> None:
    nothing = {"Comment": None, "TimeoutSeconds": 0, "Version": "", "QueryLanguage": None}
    inner = {**machine({"In map": passing()}), "Comment": "", "ProcessorConfig": None, "QueryLanguage": ""}
    branch = {**BRANCH, "Comment": None, "Version": None, "TimeoutSeconds": 0}
    written = {
        **machine({"M": {**mapping(ItemProcessor=inner), "End": False, "Next": "P"}}),
        **nothing,
    }
    written["States"]["P"] = {"Type": "Parallel", "Branches": [branch], "End": True}

    sent = states_language.expand(written, names={}, namespace="dev", region="us-west-2", account_id="1")

    assert states_language.validate(written) == []
    assert sent.keys() == {"StartAt", "States"}
    assert sent["States"]["M"]["ItemProcessor"] == machine({"In map": passing()})
    assert sent["States"]["P"]["Branches"] == [BRANCH]


def test_the_parts_of_a_distributed_map_can_say_nothing() -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": ""}}
    state = mapping(
        ItemProcessor={**machine({"Item": passing()}), "ProcessorConfig": config},
        ItemReader={**reader, "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "", "MaxItemsPath": None}},
        ItemBatcher={"MaxItemsPerBatch": 5, "BatchInput": None, "MaxInputBytesPerBatchPath": ""},
        ResultWriter=None,
        Label="",
    )

    sent = _expanded(state)

    assert states_language.validate(one(state)) == []
    assert sent["ItemReader"] == {**reader, "ReaderConfig": {"InputType": "CSV"}}
    assert sent["ItemBatcher"] == {"MaxItemsPerBatch": 5}
    assert not {"ResultWriter", "Label"} & sent.keys()


def test_what_must_be_there_may_not_be_empty() -> None:
    for state, where in [
        (task(Resource=None), "/States/A/Resource"),
        (task(Resource=""), "/States/A/Resource"),
        ({"Type": "Parallel", "Branches": [], "End": True}, "/States/A/Branches"),
        (choosing(), "/States/A/Choices"),
        ({"Type": "Wait", "Seconds": None, "End": True}, "/States/A/Seconds"),
        ({"Type": "Wait", "Timestamp": "", "End": True}, "/States/A/Timestamp"),
        ({"Type": "Pass", "Next": "", "End": False}, "/States/A"),
    ]:
        assert [finding.pointer for finding in states_language.validate(one(state))] == [where], state
