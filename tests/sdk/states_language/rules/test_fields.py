"""The fields of the state types: which belong where, and which values they take.

Covers `workflow_manager.states_language.rules.fields`.
"""

import pytest

from tests.sdk.states_language.machine_builders import Json, choosing, dropped, jsonata, mapping, one, passing, task
from workflow_manager import states_language
from workflow_manager.states_language.model import KINDS
from workflow_manager.states_language.rules.fields import EXCLUSIVE, FIELDS, REQUIRED

PARALLEL = {"Type": "Parallel", "Branches": [{"StartAt": "X", "States": {"X": {"Type": "Succeed"}}}], "End": True}
WAIT = {"Type": "Wait", "End": True}
RULE = {"Variable": "$", "IsNull": True, "Next": "B"}

REFUSED: list[tuple[Json, str]] = [
    # Fields of other state types.
    ({"Type": "Succeed", "Resource": "x"}, "/Resource"),
    ({"Type": "Fail", "InputPath": "$"}, "/InputPath"),
    ({"Type": "Fail", "OutputPath": "$"}, "/OutputPath"),
    ({"Type": "Fail", "Assign": {}}, "/Assign"),
    ({"Type": "Succeed", "Assign": {}}, "/Assign"),
    (passing(ResultSelector={}), "/ResultSelector"),
    (passing(Retry=[{"ErrorEquals": ["States.ALL"]}]), "/Retry"),
    (passing(TimeoutSeconds=5), "/TimeoutSeconds"),
    (passing(Seconds=5), "/Seconds"),
    (task(Result=1), "/Result"),
    (task(Branches=[{}]), "/Branches"),
    (task(Choices=[RULE]), "/Choices"),
    (task(ItemsPath="$"), "/ItemsPath"),
    (task(Error="x"), "/Error"),
    ({**choosing(RULE), "ResultPath": "$"}, "/ResultPath"),
    ({**choosing(RULE), "Parameters": {}}, "/Parameters"),
    ({**WAIT, "Seconds": 1, "ResultPath": "$"}, "/ResultPath"),
    ({**WAIT, "Seconds": 1, "Catch": [{}]}, "/Catch"),
    ({**PARALLEL, "Iterator": {}}, "/Iterator"),
    (mapping(Credentials={}), "/Credentials"),
    (passing(Default="B"), "/Default"),
    # Fields of the other query language.
    (passing(Output={}), "/Output"),
    (task(Arguments={}), "/Arguments"),
    (mapping(Items=["x"]), "/Items"),
    (jsonata(passing(InputPath="$")), "/InputPath"),
    (jsonata(passing(OutputPath="$")), "/OutputPath"),
    (jsonata(passing(ResultPath="$")), "/ResultPath"),
    (jsonata(passing(Parameters={})), "/Parameters"),
    (jsonata(passing(Result=1)), "/Result"),
    (jsonata(task(ResultSelector={})), "/ResultSelector"),
    (jsonata(task(TimeoutSecondsPath="$.x")), "/TimeoutSecondsPath"),
    (jsonata({**WAIT, "SecondsPath": "$.x"}), "/SecondsPath"),
    (jsonata(mapping(ItemsPath="$.x")), "/ItemsPath"),
    (jsonata(mapping(MaxConcurrencyPath="$.x")), "/MaxConcurrencyPath"),
    (jsonata({"Type": "Fail", "ErrorPath": "$.x"}), "/ErrorPath"),
    # Values.
    (passing(Comment=["x"]), "/Comment"),
    (passing(QueryLanguage="jsonata"), "/QueryLanguage"),
    (passing(InputPath=5), "/InputPath"),
    (passing(InputPath="name"), "/InputPath"),
    (passing(InputPath="States.UUID()"), "/InputPath"),
    (task(TimeoutSeconds=-1), "/TimeoutSeconds"),
    (task(TimeoutSeconds=100_000_000), "/TimeoutSeconds"),
    (task(TimeoutSeconds=[]), "/TimeoutSeconds"),
    (task(HeartbeatSeconds=-1), "/HeartbeatSeconds"),
    (task(HeartbeatSeconds=60, TimeoutSeconds=60), "/HeartbeatSeconds"),
    (task(HeartbeatSeconds=61, TimeoutSeconds=60), "/HeartbeatSeconds"),
    (task(TimeoutSeconds=5, TimeoutSecondsPath="$.t"), ""),
    (task(HeartbeatSeconds=5, HeartbeatSecondsPath="$.h"), ""),
    (task(TimeoutSecondsPath="$.t[*]"), "/TimeoutSecondsPath"),
    (task(Credentials="role"), "/Credentials"),
    (task(Credentials=[]), "/Credentials"),
    (task(Credentials={"RoleArn.$": "role"}), "/Credentials/RoleArn.$"),
    (jsonata(task(Credentials=True)), "/Credentials"),
    (task(ResultSelector=[]), "/ResultSelector"),
    (task(ResultSelector="$.x"), "/ResultSelector"),
    (task(Parameters={"x.$": "y"}), "/Parameters/x.$"),
    (WAIT, ""),
    ({**WAIT, "Seconds": 1, "Timestamp": "2030-01-01T00:00:00Z"}, ""),
    ({**WAIT, "SecondsPath": "$.s", "TimestampPath": "$.t"}, ""),
    ({**WAIT, "Seconds": -1}, "/Seconds"),
    ({**WAIT, "Seconds": 100_000_000}, "/Seconds"),
    ({**WAIT, "Seconds": "5"}, "/Seconds"),
    ({**WAIT, "Timestamp": "2030-01-01"}, "/Timestamp"),
    ({**WAIT, "Timestamp": "2030-01-01t00:00:00Z"}, "/Timestamp"),
    ({**WAIT, "Timestamp": "2030-01-01T00:00:00z"}, "/Timestamp"),
    ({**WAIT, "Timestamp": "2030-01-01T00:00:00"}, "/Timestamp"),
    ({**WAIT, "Timestamp": "2030-02-30T00:00:00Z"}, "/Timestamp"),
    ({**WAIT, "Timestamp": "2030-01-01T25:00:00Z"}, "/Timestamp"),
    ({**WAIT, "Timestamp": "2030-01-01T00:00:00+25:00"}, "/Timestamp"),
    ({**WAIT, "Timestamp": 5}, "/Timestamp"),
    ({"Type": "Fail", "Error": 5}, "/Error"),
    ({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}, ""),
    ({"Type": "Fail", "Cause": "C", "CausePath": "$.c"}, ""),
    ({"Type": "Fail", "CausePath": "States.ArrayLength($.x)"}, "/CausePath"),
    ({"Type": "Fail", "CausePath": "cause"}, "/CausePath"),
    ({"Type": "Fail", "ErrorPath": []}, "/ErrorPath"),
    # Resources.
    (dropped(task(), "Resource"), ""),
    (task(Resource=""), "/Resource"),
    (task(Resource=None), "/Resource"),
    (task(Resource={"Ref": "Worker"}), "/Resource"),
    (task(Resource="two words"), "/Resource"),
    (task(Resource=" worker"), "/Resource"),
    (task(Resource="worker\n"), "/Resource"),
    (task(Resource="größe"), "/Resource"),
    (task(Resource="${Worker}"), "/Resource"),
    (task(Resource="a/b"), "/Resource"),
    (task(Resource="x" * 129), "/Resource"),
    (task(Resource="lambda:"), "/Resource"),
    (task(Resource="glue:"), "/Resource"),
    (task(Resource="lambda: name"), "/Resource"),
    (task(Resource="Lambda:name"), "/Resource"),
    (task(Resource="sns:name"), "/Resource"),
    (task(Resource="arn:"), "/Resource"),
    (task(Resource="arn:aws:lambda"), "/Resource"),
    (task(Resource="arn:azure:lambda:us-west-2:123456789012:function:f"), "/Resource"),
    (task(Resource="arn:aws:lambda:us-west-2:123456789012:function:a b"), "/Resource"),
    (task(Resource="glue:job", Parameters="x"), "/Parameters"),
    (jsonata(task(Resource="glue:job", Arguments="{% $states.input %}")), "/Arguments"),
]


@pytest.mark.parametrize(("state", "where"), REFUSED, ids=lambda part: str(part)[:60])
def test_a_wrong_field_is_refused_where_it_is(state: Json, where: str) -> None:
    findings = states_language.validate(one(state))

    assert {finding.pointer for finding in findings} == {f"/States/A{where}"}


ACCEPTED: list[Json] = [
    task(HeartbeatSeconds=59, TimeoutSeconds=60),
    task(HeartbeatSeconds=60),
    task(TimeoutSecondsPath="$$.Execution.Input.t"),
    task(TimeoutSecondsPath="$limits.timeout"),
    task(Resource="worker.v2_x-1"),
    task(Resource="x" * 128),
    task(Resource="lambda:my-function"),
    task(Resource="glue:my.job"),
    task(Resource="arn:aws:lambda:::function:f"),
    task(Resource="arn:aws-cn:states:cn-north-1:123456789012:activity:name"),
    task(Resource="arn:aws-us-gov:states:::glue:startJobRun.sync"),
    task(Resource="arn:aws:states:::aws-sdk:s3:getObject"),
    task(Resource="arn:aws:lambda:us-west-2:123456789012:function:f:$LATEST"),
    task(Parameters="just text"),
    task(Parameters=[{"x.$": "$.x"}]),
    task(Parameters=None),
    task(Resource="glue:job", Parameters={"JobName.$": "$.job"}),
    task(Retry=None, Catch=None),
    passing(Retry=None, Catch=None, Branches=None, Choices=None),
    passing(Result={"x.$": "not a path, but a literal"}),
    {**WAIT, "Seconds": 0},
    {**WAIT, "Timestamp": "2030-12-31T23:59:60.5+23:59"},
    {"Type": "Fail", "Error": "", "Cause": "{% literal %}"},
    {"Type": "Fail", "CausePath": "States.Format('{}', $.x)", "ErrorPath": "$$.State.Name"},
    jsonata({"Type": "Fail", "Error": "{% $states.input.e %}"}),
    jsonata(task(TimeoutSeconds="{% 5 %}", Credentials="{% $states.input.c %}")),
    jsonata(passing(Output=None)),
    passing(next="lower case is another field"),
]


@pytest.mark.parametrize("state", ACCEPTED, ids=lambda state: str(state)[:80])
def test_a_field_as_aws_takes_it_is_accepted(state: Json) -> None:
    assert states_language.validate(one(state)) == []


def test_a_misplaced_field_says_whose_it_is() -> None:
    (finding,) = states_language.validate(one(passing(HeartbeatSeconds=5)))

    assert finding.message == "HeartbeatSeconds is a field of Task states, not of Pass states; remove it."


def test_a_field_of_the_other_language_says_so() -> None:
    (finding,) = states_language.validate(one(task(Arguments={})))

    assert finding.message == "Arguments belongs to JSONata, and this state is in JSONPath; remove it."


def test_a_jsonata_machine_has_no_jsonpath_states() -> None:
    given = one(passing(QueryLanguage="JSONPath"), QueryLanguage="JSONata")

    assert [finding.pointer for finding in states_language.validate(given)] == ["/States/A/QueryLanguage"]


def test_a_long_value_is_cut_in_the_message() -> None:
    (finding,) = states_language.validate(one(task(Resource="x y" * 1000)))

    assert len(finding.message) < 300


def test_the_tables_name_fields_that_exist() -> None:
    exclusive = {field for groups in EXCLUSIVE.values() for group in groups for field in group}
    required = {field for fields in REQUIRED.values() for field in fields}

    assert (exclusive | required) <= FIELDS.keys()
    assert (EXCLUSIVE.keys() | REQUIRED.keys()) <= set(KINDS)
