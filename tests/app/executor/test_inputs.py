"""The input of a run.

Covers `app.executor.inputs`.
"""

import json

import pytest

from app.executor import inputs
from workflow_manager import errors

NORMALIZED = [
    ("", "{}"),
    ("  \n", "{}"),
    ("{}", "{}"),
    ('{"a": 1.10}', '{"a": 1.10}'),
    ('  {"a":1}\n', '{"a":1}'),
    ({}, "{}"),
    ({"a": {"b": [1, None, "é"]}}, '{"a":{"b":[1,null,"é"]}}'),
]


@pytest.mark.parametrize(("given", "text"), NORMALIZED)
def test_an_input_becomes_the_text_of_an_object(given: str | dict[str, object], text: str) -> None:
    assert inputs.normalize(given) == text


@pytest.mark.parametrize("given", ["[]", "1", '"a"', "null", "{", "{}{}", '{"a":NaN}', '{"a":1,"a":2}', '{"a":1e999}'])
def test_what_is_no_object_is_refused(given: str) -> None:
    with pytest.raises(errors.InvalidInput):
        inputs.normalize(given)


NAMED = [
    ("{}", '{"_EXECUTION_NAME":"id"}'),
    ("{ }", '{"_EXECUTION_NAME":"id"}'),
    ('{"a": 1.10, "b": 12345678901234567890}', '{"a": 1.10, "b": 12345678901234567890,"_EXECUTION_NAME":"id"}'),
    ('{"a": {}  }  ', '{"a": {},"_EXECUTION_NAME":"id"}'),
    ('{"_EXECUTION_NAME":"old","a":1}', '{"_EXECUTION_NAME":"id","a":1}'),
    ("[1,2]", "[1,2]"),
]


@pytest.mark.parametrize(("text", "named"), NAMED)
def test_the_execution_gets_the_input_to_the_letter_and_its_name(text: str, named: str) -> None:
    assert inputs.for_execution(text, "id") == named
    json.loads(named)


def test_an_input_is_measured_with_the_name_in_it() -> None:
    room = inputs.MAX_INPUT_BYTES - len('{"a":"","_EXECUTION_NAME":"id"}')

    assert len(inputs.for_execution(json.dumps({"a": "x" * (room - 1)}), "id")) == inputs.MAX_INPUT_BYTES
    with pytest.raises(errors.InvalidInput, match="262144"):
        inputs.for_execution(json.dumps({"a": "x" * room}), "id")


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"a":1,"_EXECUTION_NAME":"x"}', '{"a":1}'), ('{"a": 1.10}', '{"a": 1.10}'), ("[]", "[]"), ("null", "null")],
)
def test_the_name_of_an_earlier_run_is_taken_out(text: str, expected: str) -> None:
    assert inputs.without_name(text) == expected
