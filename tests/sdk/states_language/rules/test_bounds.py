"""The bounds and required members of every field, as AWS documents them; each with the page that says so.

The pages are those of the Step Functions Developer Guide (docs.aws.amazon.com/step-functions/latest/dg/PAGE.html).

Covers `workflow_manager.states_language.rules`.
"""

from typing import Any, NamedTuple

import pytest

from tests.sdk.states_language.machine_builders import (
    Json,
    choosing,
    dropped,
    jsonata,
    machine,
    mapping,
    one,
    passing,
    task,
)
from workflow_manager import states_language

WAIT: Json = {"Type": "Wait", "End": True}
ROLE = "arn:aws:iam::123456789012:role/other"
S3 = "arn:aws:states:::s3:getObject"


class Bound(NamedTuple):
    """A field: the page of the guide, how to put a value into a state, and what is taken and refused."""

    page: str
    field: str
    make: Any
    taken: tuple[object, ...]
    refused: tuple[object, ...]


def retrying(field: str) -> Any:
    return lambda value: task(Retry=[{"ErrorEquals": ["E"], field: value}])


def reading(field: str) -> Any:
    return lambda value: mapping(ItemReader={"Resource": S3, "ReaderConfig": {field: value}})


def batching(field: str) -> Any:
    return lambda value: mapping(ItemBatcher={field: value})


def processing(**config: object) -> Json:
    return mapping(ItemProcessor=machine({"X": {"Type": "Succeed"}}, ProcessorConfig=config))


def computing(value: object) -> Json:
    return passing(Parameters={"x.$": value})


BOUNDS = [
    Bound("state-task", "Task.TimeoutSeconds", lambda v: task(TimeoutSeconds=v), (1, 99_999_999), (-1, 1.5, 100_000_000, "5")),
    Bound("state-task", "Task.HeartbeatSeconds", lambda v: task(HeartbeatSeconds=v), (1, 99_999_998), (-1, 0.5, 100_000_000)),
    Bound("state-task", "Task.HeartbeatSeconds below TimeoutSeconds", lambda v: task(TimeoutSeconds=60, HeartbeatSeconds=v), (59,), (60, 61)),
    Bound("state-task", "Task.Resource", lambda v: task(Resource=v), (S3, "w"), ("arn:aws", 5, "a b")),
    Bound("concepts-access-cross-acct-resources", "Task.Credentials", lambda v: task(Credentials=v),
          ({"RoleArn": ROLE}, {"RoleArn.$": "$.role"}, {"RoleArn.$": "States.Format('{}', $.r)"}, {"RoleArn": ROLE, "More": 1}),
          ({}, [], ROLE, {"Role": ROLE}, {"RoleArn": "me"}, {"RoleArn": 5}, {"RoleArn": S3}, {"RoleArn.$": "role"})),
    Bound("concepts-access-cross-acct-resources", "Task.Credentials in JSONata", lambda v: jsonata(task(Credentials=v)),
          ({"RoleArn": "{% $role %}"}, {"RoleArn": ROLE}, "{% $credentials %}"), ({}, {"RoleArn.$": "$.r"}, {"RoleArn": "me"})),
    Bound("state-wait", "Wait.Seconds", lambda v: {**WAIT, "Seconds": v}, (0, 99_999_999), (-1, 0.5, 100_000_000)),
    Bound("state-wait", "Wait.Timestamp", lambda v: {**WAIT, "Timestamp": v}, ("2030-01-31T08:00:00Z",), ("2030-01-31", "2030-02-31T08:00:00Z", 5)),
    Bound("state-choice", "Choice.Choices", lambda v: {"Type": "Choice", "Choices": v, "Default": "B"},
          ([{"Variable": "$.a", "IsNull": True, "Next": "B"}],), ([], {}, [5], [{"Variable": "$.a", "IsNull": True}])),
    Bound("state-choice", "Choice.And", lambda v: choosing({"And": v, "Next": "B"}), ([{"Variable": "$.a", "IsNull": True}],), ([], {}, [{}])),
    Bound("state-parallel", "Parallel.Branches", lambda v: {"Type": "Parallel", "Branches": v, "End": True},
          ([machine({"X": {"Type": "Succeed"}})],), ([], {}, [{}], [{"StartAt": "X"}])),
    Bound("state-map-inline", "Map.ItemProcessor", lambda v: mapping(ItemProcessor=v), (machine({"X": {"Type": "Succeed"}}),), ({}, [], {"StartAt": "X"})),
    Bound("state-map-inline", "Map.MaxConcurrency", lambda v: mapping(MaxConcurrency=v), (0, 1, 10_000), (-1, 1.5, "5")),
    Bound("state-map-distributed", "Map.ProcessorConfig", lambda v: processing(**v),
          ({"Mode": "INLINE"}, {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}),
          ({"Mode": "DISTRIBUTED"}, {"Mode": "distributed"}, {"Mode": "DISTRIBUTED", "ExecutionType": "FAST"})),
    Bound("state-map-distributed", "Map.ToleratedFailurePercentage", lambda v: mapping(ToleratedFailurePercentage=v), (0, 0.5, 100), (-1, 100.1, "5")),
    Bound("state-map-distributed", "Map.ToleratedFailureCount", lambda v: mapping(ToleratedFailureCount=v), (0, 1_000_000), (-1, 0.5, "5")),
    Bound("state-map-distributed", "Map.Label", lambda v: mapping(Label=v), ("a", "x" * 40), ("x" * 41, "a b", "a:b", 5)),
    Bound("input-output-itemreader", "ItemReader.Resource", lambda v: mapping(ItemReader={"Resource": v}), (S3,), ("s3", 5)),
    Bound("input-output-itemreader", "ReaderConfig.MaxItems", reading("MaxItems"), (1, 100_000_000), (0, -1, 1.5, 100_000_001)),
    Bound("input-output-itemreader", "ReaderConfig.CSVDelimiter", reading("CSVDelimiter"), ("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"), (",", "comma")),
    Bound("input-output-itemreader", "ReaderConfig.CSVHeaderLocation", reading("CSVHeaderLocation"), ("FIRST_ROW",), ("LAST_ROW", "GIVEN")),
    Bound("input-output-itemreader", "ReaderConfig.CSVHeaders", reading("CSVHeaders"), (["a", "b"],), ("a", [1])),
    Bound("input-output-itemreader", "ReaderConfig", lambda v: mapping(ItemReader={"Resource": S3, "ReaderConfig": v}),
          ({}, {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, {"ManifestType": "S3_INVENTORY"}, {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"}),
          ({"ManifestType": "S3_INVENTORY", "InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, {"Transformation": "LOAD_AND_FLATTEN"})),
    Bound("input-output-itembatcher", "ItemBatcher", lambda v: mapping(ItemBatcher=v),
          ({"MaxItemsPerBatch": 1}, {"MaxInputBytesPerBatch": 1}, {"MaxItemsPerBatchPath": "$.n", "BatchInput": {}}), ({}, {"BatchInput": {}}, 5)),
    Bound("input-output-itembatcher", "ItemBatcher.MaxItemsPerBatch", batching("MaxItemsPerBatch"), (1, 10_000), (0, -1, 1.5)),
    Bound("input-output-itembatcher", "ItemBatcher.MaxInputBytesPerBatch", batching("MaxInputBytesPerBatch"), (1, 262_144), (0, 262_145)),
    Bound("input-output-resultwriter", "ResultWriter", lambda v: mapping(ResultWriter=v), ({"WriterConfig": {"OutputType": "JSON"}},), ({}, [], {"Resource": "s3"})),
    Bound("concepts-error-handling", "Retry.ErrorEquals", lambda v: task(Retry=[{"ErrorEquals": v}]), (["E"],), ([], "E", [1], ["States.ALL", "E"])),
    Bound("concepts-error-handling", "Retry.IntervalSeconds", retrying("IntervalSeconds"), (1, 99_999_999), (-1, 1.5, 100_000_000)),
    Bound("concepts-error-handling", "Retry.MaxAttempts", retrying("MaxAttempts"), (0, 99_999_999), (-1, 1.5, 100_000_000)),
    Bound("concepts-error-handling", "Retry.BackoffRate", retrying("BackoffRate"), (1, 1.5), (0.99, "2")),
    Bound("concepts-error-handling", "Retry.MaxDelaySeconds", retrying("MaxDelaySeconds"), (2, 31_622_400), (-1, 1.5, 31_622_401)),
    Bound("concepts-error-handling", "Retry.JitterStrategy", retrying("JitterStrategy"), ("FULL", "NONE"), ("full", 5)),
    Bound("concepts-error-handling", "Catch.Next", lambda v: task(Catch=[{"ErrorEquals": ["E"], **v}]), ({"Next": "B"},), ({}, {"Next": "Nowhere"})),
    Bound("intrinsic-functions", "escapes", computing,
          ("States.Format('it\\'s \\{\\} \\\\')", "States.StringSplit($.a, '\\\\n')"), ("States.Format('a\\nb')", "States.Array('\\u0041')", "States.Array('a\\')")),
    Bound("intrinsic-functions", "nesting", computing,
          ("States.Array(" * 10 + ")" * 10,), ("States.Array(" * 11 + ")" * 11,)),
    Bound("intrinsic-functions", "arguments", computing, ("States.UUID()", "States.MathRandom(1, 2)"), ("States.UUID(1)", "States.MathAdd(1)", "States.Nothing()")),
    Bound("workflow-variables", "Assign", lambda v: passing(Assign={v: 1}), ("a", "x" * 80), ("x" * 81, "1a", "states", "")),
    Bound("transforming-data", "JSONata", lambda v: jsonata(passing(Output=f"{{% {v} %}}")),
          ("$states.input.a", "$map([1], function($v) { $v })", "a ~> /b(?<c>d)/", "1 /* c */", "{'a': 1}.a"),
          ("1 +", "1 2", "a..b", "'\\q'", "$f(,)", "(1", "a b", "function($x)", "[1,,2]")),
    Bound("statemachine-structure", "TimeoutSeconds", lambda v: {"TimeoutSeconds": v}, (1, 99_999_999), (-1, 1.5, 100_000_000)),
    Bound("statemachine-structure", "Version", lambda v: {"Version": v}, ("1.0",), ("2.0", 1.0)),
    Bound("statemachine-structure", "QueryLanguage", lambda v: {"QueryLanguage": v}, ("JSONPath",), ("jsonata", 5)),
    Bound("statemachine-structure", "StartAt", lambda v: {"StartAt": v}, ("Lead",), ("Nowhere", 5)),
    Bound("statemachine-structure", "name of a state", lambda v: v, ("x" * 80, "ünïcode"), ("x" * 81, "")),
]  # fmt: skip


def judged(bound: Bound, value: object) -> list[str]:
    made = bound.make(value)
    if isinstance(made, str):
        given = machine({made: {"Type": "Succeed"}})
    elif "Type" in made:
        given = one(made)
    else:
        given = {**one(passing()), **made}
    return [finding.pointer for finding in states_language.validate(given) if finding.is_error]


TAKEN = [(bound, value) for bound in BOUNDS for value in bound.taken]
REFUSED = [(bound, value) for bound in BOUNDS for value in bound.refused]


def named(part: object) -> str:
    return part.field if isinstance(part, Bound) else repr(part)[:40]


@pytest.mark.parametrize(("bound", "value"), TAKEN, ids=named)
def test_what_aws_takes_is_taken(bound: Bound, value: object) -> None:
    assert judged(bound, value) == []


@pytest.mark.parametrize(("bound", "value"), REFUSED, ids=named)
def test_what_aws_refuses_is_refused(bound: Bound, value: object) -> None:
    assert judged(bound, value) != []


def test_a_label_is_unique_within_a_definition() -> None:
    """So says the page state-map-distributed."""
    twice = machine({"A": {**dropped(mapping(Label="l"), "End"), "Next": "C"}, "C": mapping(Label="l")})
    twice["States"]["C"]["ItemProcessor"] = machine({"D": {"Type": "Succeed"}})

    (finding,) = states_language.validate(twice)

    assert (finding.pointer, finding.is_error) == ("/States/C/Label", True)


def test_headers_that_are_given_are_there() -> None:
    config = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a"]}

    assert states_language.validate(one(mapping(ItemReader={"Resource": S3, "ReaderConfig": config}))) == []
    findings = states_language.validate(
        one(mapping(ItemReader={"Resource": S3, "ReaderConfig": dropped(config, "CSVHeaders")}))
    )
    assert [finding.pointer for finding in findings] == ["/States/A/ItemReader/ReaderConfig"]
