"""The rules of Retry and Catch.

Covers `workflow_manager.states_language.rules.error_handling`.
"""

import pytest

from tests.sdk.states_language.machine_builders import Json, jsonata, one, task
from workflow_manager import states_language

ALL = ["States.ALL"]

RETRY_REFUSED: list[tuple[object, str]] = [
    ({}, ""),
    ("x", ""),
    ([5], "/0"),
    ([{}], "/0"),
    ([{"ErrorEquals": []}], "/0/ErrorEquals"),
    ([{"ErrorEquals": "States.ALL"}], "/0/ErrorEquals"),
    ([{"ErrorEquals": None}], "/0/ErrorEquals"),
    ([{"ErrorEquals": ["E", 5]}], "/0/ErrorEquals/1"),
    ([{"ErrorEquals": ["States.ALL", "E"]}], "/0/ErrorEquals"),
    ([{"ErrorEquals": ALL}, {"ErrorEquals": ["E"]}], "/0/ErrorEquals"),
    ([{"ErrorEquals": ALL, "IntervalSeconds": -1}], "/0/IntervalSeconds"),
    ([{"ErrorEquals": ALL, "IntervalSeconds": 1.5}], "/0/IntervalSeconds"),
    ([{"ErrorEquals": ALL, "IntervalSeconds": 100_000_000}], "/0/IntervalSeconds"),
    ([{"ErrorEquals": ALL, "MaxAttempts": -1}], "/0/MaxAttempts"),
    ([{"ErrorEquals": ALL, "MaxAttempts": 100_000_000}], "/0/MaxAttempts"),
    ([{"ErrorEquals": ALL, "MaxAttempts": "3"}], "/0/MaxAttempts"),
    ([{"ErrorEquals": ALL, "BackoffRate": 0.99}], "/0/BackoffRate"),
    ([{"ErrorEquals": ALL, "BackoffRate": "2"}], "/0/BackoffRate"),
    ([{"ErrorEquals": ALL, "MaxDelaySeconds": 0}], "/0/MaxDelaySeconds"),
    ([{"ErrorEquals": ALL, "MaxDelaySeconds": 31_622_401}], "/0/MaxDelaySeconds"),
    ([{"ErrorEquals": ALL, "MaxDelaySeconds": 5, "IntervalSeconds": 6}], "/0/MaxDelaySeconds"),
    ([{"ErrorEquals": ALL, "JitterStrategy": "full"}], "/0/JitterStrategy"),
    ([{"ErrorEquals": ALL, "Comment": 1}], "/0/Comment"),
]


@pytest.mark.parametrize(("retry", "where"), RETRY_REFUSED, ids=lambda part: str(part)[:70])
def test_a_wrong_retrier_is_refused_where_it_is_wrong(retry: object, where: str) -> None:
    findings = states_language.validate(one(task(Retry=retry)))

    assert {finding.pointer for finding in findings} == {f"/States/A/Retry{where}"}


CATCH_REFUSED: list[tuple[Json, str]] = [
    ({"ErrorEquals": ALL}, ""),
    ({"Next": "B"}, ""),
    ({"ErrorEquals": [], "Next": "B"}, "/ErrorEquals"),
    ({"ErrorEquals": ALL, "Next": None}, "/Next"),
    ({"ErrorEquals": ALL, "Next": "B", "ResultPath": "error"}, "/ResultPath"),
    ({"ErrorEquals": ALL, "Next": "B", "ResultPath": "$.a[*]"}, "/ResultPath"),
    ({"ErrorEquals": ALL, "Next": "B", "ResultPath": "$$.a"}, "/ResultPath"),
    ({"ErrorEquals": ALL, "Next": "B", "Output": {}}, "/Output"),
    ({"ErrorEquals": ALL, "Next": "B", "Assign": {"states": 1}}, "/Assign/states"),
    ({"ErrorEquals": ALL, "Next": "B", "Comment": {}}, "/Comment"),
]


@pytest.mark.parametrize(("catcher", "where"), CATCH_REFUSED, ids=lambda part: str(part)[:70])
def test_a_wrong_catcher_is_refused_where_it_is_wrong(catcher: Json, where: str) -> None:
    findings = states_language.validate(one(task(Catch=[catcher])))

    assert {finding.pointer for finding in findings} == {f"/States/A/Catch/0{where}"}


JSONATA_CATCH_REFUSED: list[tuple[Json, str]] = [
    ({"ErrorEquals": ALL, "Next": "B", "ResultPath": "$"}, "/ResultPath"),
    ({"ErrorEquals": ALL, "Next": "B", "Output": "{% [ %}"}, "/Output"),
    ({"ErrorEquals": ALL, "Next": "B", "Assign": {"a b": 1}}, "/Assign/a b"),
]


@pytest.mark.parametrize(("catcher", "where"), JSONATA_CATCH_REFUSED, ids=lambda part: str(part)[:70])
def test_a_wrong_jsonata_catcher_is_refused_where_it_is_wrong(catcher: Json, where: str) -> None:
    findings = states_language.validate(one(jsonata(task(Catch=[catcher]))))

    assert {finding.pointer for finding in findings} == {f"/States/A/Catch/0{where}"}


ACCEPTED: list[Json] = [
    task(Retry=[]),
    task(Catch=[]),
    task(Retry=[{"ErrorEquals": ["E"]}, {"ErrorEquals": ALL}]),
    task(Retry=[{"ErrorEquals": ALL, "MaxAttempts": 0, "BackoffRate": 1, "MaxDelaySeconds": 31_622_400}]),
    task(Retry=[{"ErrorEquals": ALL, "MaxDelaySeconds": 5, "IntervalSeconds": 5}]),
    task(Retry=[{"ErrorEquals": ["States.Http.StatusCode.503", "States.Runtime", "sfncli.CommandTerminated"]}]),
    task(Catch=[{"ErrorEquals": ALL, "Next": "B", "ResultPath": None, "Unknown": 1}]),
    jsonata(task(Catch=[{"ErrorEquals": ALL, "Next": "B", "Output": "{% $states.errorOutput %}"}])),
]


@pytest.mark.parametrize("state", ACCEPTED, ids=lambda state: str(state)[:80])
def test_error_handling_as_aws_takes_it_is_accepted(state: Json) -> None:
    assert states_language.validate(one(state)) == []


@pytest.mark.parametrize("name", ["States.All", "States.Custom", "States."])
@pytest.mark.parametrize("field", ["Retry", "Catch"])
def test_an_error_name_that_only_looks_reserved_is_a_warning(name: str, field: str) -> None:
    """AWS takes it: a task may fail with any name."""
    handler = {"ErrorEquals": ["E", name], **({"Next": "B"} if field == "Catch" else {})}

    (finding,) = states_language.validate(one(task(**{field: [handler]})))

    assert finding.pointer == f"/States/A/{field}/0/ErrorEquals/1"
    assert finding.severity == "warning"


def test_warnings_refuse_nothing() -> None:
    warnings = states_language.check(one(task(Retry=[{"ErrorEquals": ["States.Mine"]}])))

    assert [warning.severity for warning in warnings] == ["warning"]
