"""The rules of Choice states.

Covers `workflow_manager.states_language.rules.choices`.
"""

import pytest

from tests.sdk.states_language.machine_builders import Json, choosing, jsonata, one
from workflow_manager import states_language
from workflow_manager.states_language.rules.choices import TESTS

TEST = {"Variable": "$.a", "IsNull": True}

REFUSED: list[tuple[Json, str]] = [
    ({**TEST}, ""),
    ({"Next": "B"}, ""),
    ({"Variable": "$.a", "Next": "B"}, ""),
    ({"StringEquals": "x", "Next": "B"}, ""),
    ({**TEST, "StringEquals": "x", "Next": "B"}, ""),
    ({**TEST, "And": [TEST], "Next": "B"}, ""),
    ({"And": [TEST], "Or": [TEST], "Next": "B"}, ""),
    ({"Variable": "$.a", "And": [TEST], "Next": "B"}, "/Variable"),
    ({"Variable": "a", "IsNull": True, "Next": "B"}, "/Variable"),
    ({"Variable": "$.a[*]", "IsNull": True, "Next": "B"}, "/Variable"),
    ({"Variable": "$..a", "IsNull": True, "Next": "B"}, "/Variable"),
    ({"Variable": "States.ArrayContains($.a, 1)", "IsNull": True, "Next": "B"}, "/Variable"),
    ({"Variable": None, "IsNull": True, "Next": "B"}, "/Variable"),
    ({**TEST, "Next": "B", "Comment": 1}, "/Comment"),
    ({**TEST, "Next": "B", "Condition": "{% true %}"}, "/Condition"),
    ({**TEST, "Next": "B", "Output": 1}, "/Output"),
    ({**TEST, "Next": "B", "Assign": 1}, "/Assign"),
    ({**TEST, "Next": "B", "Assign": {"x.$": "y"}}, "/Assign/x.$"),
    ({"And": [], "Next": "B"}, "/And"),
    ({"Or": {}, "Next": "B"}, "/Or"),
    ({"Or": ["x"], "Next": "B"}, "/Or/0"),
    ({"Not": [TEST], "Next": "B"}, "/Not"),
    ({"Not": {}, "Next": "B"}, "/Not"),
    ({"Not": {"Variable": "$.a"}, "Next": "B"}, "/Not"),
    ({"Not": {**TEST, "Next": "B"}, "Next": "B"}, "/Not/Next"),
    ({"And": [TEST, {**TEST, "Assign": {}}], "Next": "B"}, "/And/1/Assign"),
    ({"And": [{"Or": [{"Not": {"Variable": "$.a", "StringEquals": 5}}]}], "Next": "B"}, "/And/0/Or/0/Not/StringEquals"),
    ({"Variable": "$.a", "StringMatches": 5, "Next": "B"}, "/StringMatches"),
    ({"Variable": "$.a", "NumericEquals": "5", "Next": "B"}, "/NumericEquals"),
    ({"Variable": "$.a", "NumericEquals": True, "Next": "B"}, "/NumericEquals"),
    ({"Variable": "$.a", "BooleanEquals": "true", "Next": "B"}, "/BooleanEquals"),
    ({"Variable": "$.a", "TimestampEquals": "yesterday", "Next": "B"}, "/TimestampEquals"),
    ({"Variable": "$.a", "StringEqualsPath": "b", "Next": "B"}, "/StringEqualsPath"),
    ({"Variable": "$.a", "NumericLessThanPath": "$.b[0,1]", "Next": "B"}, "/NumericLessThanPath"),
    ({"Variable": "$.a", "IsPresent": 1, "Next": "B"}, "/IsPresent"),
]


@pytest.mark.parametrize(("rule", "where"), REFUSED, ids=lambda part: str(part)[:70])
def test_a_wrong_rule_is_refused_where_it_is_wrong(rule: Json, where: str) -> None:
    findings = states_language.validate(one(choosing({**TEST, "Next": "B"}, rule)))

    assert {finding.pointer for finding in findings} == {f"/States/A/Choices/1{where}"}


CHOICES_REFUSED: list[tuple[object, str]] = [([], ""), ({}, ""), (None, ""), (["x"], "/0")]


@pytest.mark.parametrize(("choices", "where"), CHOICES_REFUSED, ids=str)
def test_choices_are_a_list_of_rules(choices: object, where: str) -> None:
    findings = states_language.validate(one({"Type": "Choice", "Choices": choices, "Default": "B"}))

    assert {finding.pointer for finding in findings} == {f"/States/A/Choices{where}"}


def test_a_choice_without_choices_is_refused() -> None:
    findings = states_language.validate(one({"Type": "Choice", "Default": "B"}))

    assert [finding.pointer for finding in findings] == ["/States/A"]


JSONATA_REFUSED: list[tuple[Json, str]] = [
    ({"Next": "B"}, ""),
    ({"Condition": "{% true %}"}, ""),
    ({"Condition": "true", "Next": "B"}, "/Condition"),
    ({"Condition": " {% true %}", "Next": "B"}, "/Condition"),
    ({"Condition": 1, "Next": "B"}, "/Condition"),
    ({"Condition": "{% %}", "Next": "B"}, "/Condition"),
    ({"Condition": "{% (1 %}", "Next": "B"}, "/Condition"),
    ({"Condition": "{% true %}", "Variable": "$.a", "Next": "B"}, "/Variable"),
    ({"Condition": "{% true %}", "StringEquals": "a", "Next": "B"}, "/StringEquals"),
    ({"Condition": "{% true %}", "Not": {}, "Next": "B"}, "/Not"),
    ({"Condition": "{% true %}", "Output": "{% ' %}", "Next": "B"}, "/Output"),
    ({"Condition": "{% true %}", "Assign": "{% x %}", "Next": "B"}, "/Assign"),
]


@pytest.mark.parametrize(("rule", "where"), JSONATA_REFUSED, ids=lambda part: str(part)[:70])
def test_a_wrong_jsonata_rule_is_refused_where_it_is_wrong(rule: Json, where: str) -> None:
    findings = states_language.validate(one(jsonata(choosing(rule, {"Condition": True, "Next": "B"}))))

    assert {finding.pointer for finding in findings} == {f"/States/A/Choices/0{where}"}


def test_there_are_all_39_data_tests_of_the_spec() -> None:
    assert len(TESTS) == 39


def test_a_rule_with_two_tests_names_them() -> None:
    (finding,) = states_language.validate(one(choosing({**TEST, "StringEquals": "x", "Next": "B"})))

    assert finding.message == "A rule makes one test and this has IsNull and StringEquals; combine them with And."
