"""The JSON text of tasks.

Covers `workflow_manager.worker.task_json`.
"""

import json

import pytest

from workflow_manager.worker.task_errors import ErrorName, TaskFailed, clip, clip_start
from workflow_manager.worker.task_json import MAX_OUTPUT_BYTES, Task, complete_output, is_object, read_task

DEEP = "[" * 100_000 + "]" * 100_000
AS_DEEP_AS_DOCUMENTED = "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    "text",
    [
        '{"_EXECUTION_NAME":"run"}',
        ' \n{ "n" : 9007199254740993, "_EXECUTION_NAME" : "run" } ',
        '{"_EXECUTION_NAME":"other","_EXECUTION_NAME":"run"}',
        '{"\\u005fEXECUTION_NAME":"run"}',
        '{"big":' + "9" * 5000 + ',"_EXECUTION_NAME":"run"}',
        '{"deep":' + AS_DEEP_AS_DOCUMENTED + ',"_EXECUTION_NAME":"run"}',
    ],
)
def test_the_input_is_kept_as_it_was_written(text: str) -> None:
    assert read_task(text) == Task(input=text, execution_name="run")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nope",
        "[]",
        '["_EXECUTION_NAME"]',
        "null",
        "1",
        '{"a":NaN}',
        '{"a":1e999}',
        '{"a":1}x',
        '{"a":"\n"}',
        DEEP,
        "{",
    ],
)
def test_input_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(TaskFailed) as refused:
        read_task(text)
    assert refused.value.error == "sfncli.TaskInputNotJSON"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"_EXECUTION_NAME":1}',
        '{"_EXECUTION_NAME":null}',
        '{"nested":{"_EXECUTION_NAME":"run"}}',
        '{"_EXECUTION_NAME":"a\\u0000b"}',
        '{"_EXECUTION_NAME":"\\ud800"}',
    ],
)
def test_input_without_a_usable_execution_name_is_refused(text: str) -> None:
    with pytest.raises(TaskFailed) as refused:
        read_task(text)
    assert refused.value.error == "sfncli.TaskInputMissingExecutionName"


@pytest.mark.parametrize(
    ("written", "completed"),
    [
        ("", '{"_EXECUTION_NAME":"run"}'),
        ("  ", '{"_EXECUTION_NAME":"run"}'),
        ("null", '{"_EXECUTION_NAME":"run"}'),
        ("{}", '{"_EXECUTION_NAME":"run"}'),
        ("{ }", '{"_EXECUTION_NAME":"run"}'),
        ('{"a":1}', '{"_EXECUTION_NAME":"run","a":1}'),
        ('{"n":9007199254740993}', '{"_EXECUTION_NAME":"run","n":9007199254740993}'),
        ('{"n":1.10,"m":1E300,"o":-0}', '{"_EXECUTION_NAME":"run","n":1.10,"m":1E300,"o":-0}'),
        ('{ "a" : {"b" : [1, 2]} , "c" : "}" }', '{"_EXECUTION_NAME":"run","a" : {"b" : [1, 2]},"c" : "}"}'),
        ('{"_EXECUTION_NAME":"forged","a":1}', '{"_EXECUTION_NAME":"run","a":1}'),
        ('{"a":1,"_EXECUTION_NAME":{"x":1}}', '{"_EXECUTION_NAME":"run","a":1}'),
        ('{"a:b":"c,d","\\u00e9":"é"}', '{"_EXECUTION_NAME":"run","a:b":"c,d","\\u00e9":"é"}'),
        ('{"n":' + "7" * 5000 + "}", '{"_EXECUTION_NAME":"run","n":' + "7" * 5000 + "}"),
    ],
)
def test_the_output_gets_the_execution_name_and_keeps_all_other_text(written: str, completed: str) -> None:
    assert complete_output(written, "run") == completed


@pytest.mark.parametrize("name", ['with "quotes"', "back\\slash", "ümläut", "line\nbreak"])
def test_any_execution_name_is_written_as_valid_json(name: str) -> None:
    assert json.loads(complete_output('{"a":1}', name)) == {"_EXECUTION_NAME": name, "a": 1}


@pytest.mark.parametrize(
    "text", ["done", "[]", "1", '"{}"', '{"a":Infinity}', '{"a":-1e999}', "{'a':1}", '{"a":1}{"b":2}', DEEP]
)
def test_output_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(TaskFailed) as refused:
        complete_output(text, "run")
    assert refused.value.error == "sfncli.TaskOutputNotJSON"


def test_an_output_of_exactly_the_quota_is_accepted_and_one_byte_more_is_not() -> None:
    room = MAX_OUTPUT_BYTES - len(complete_output('{"a":""}', "run"))
    assert len(complete_output(f'{{"a":"{"x" * room}"}}', "run").encode()) == MAX_OUTPUT_BYTES
    with pytest.raises(TaskFailed, match="262,144"):
        complete_output(f'{{"a":"{"x" * (room + 1)}"}}', "run")


@pytest.mark.parametrize(("text", "expected"), [("{}", True), (' {"a":1} ', True), ("", False), ("[]", False)])
def test_is_object(text: str, expected: bool) -> None:
    assert is_object(text) is expected


@pytest.mark.parametrize(
    ("text", "limit", "clipped"),
    [
        ("short", 20, "short"),
        ("x" * 20, 20, "x" * 20),
        ("x" * 21, 20, "x" * 9 + "[truncated]"),
        ("ééééééééééé", 20, "éééé[truncated]"),
        ("€" * 10, 20, "€€€[truncated]"),
        ("\ud800", 20, "?"),
    ],
)
def test_a_long_text_is_cut_between_characters(text: str, limit: int, clipped: str) -> None:
    assert clip(text, limit) == clipped
    assert len(clip(text, limit).encode()) <= limit


@pytest.mark.parametrize(
    ("text", "cut", "clipped"),
    [
        ("short", False, "short"),
        ("short", True, "[truncated]short"),
        ("x" * 12 + "end", True, "[truncated]xxxxxxend"),
        ("x" * 30 + "end", False, "[truncated]xxxxxxend"),
        ("€" * 10, False, "[truncated]€€€"),
    ],
)
def test_of_a_long_log_the_end_is_kept(text: str, cut: bool, clipped: str) -> None:
    assert clip_start(text, 20, already_cut=cut) == clipped
    assert len(clip_start(text, 20, already_cut=cut).encode()) <= 20


def test_every_error_name_is_one_of_sfncli() -> None:
    assert {name.value for name in ErrorName} == {
        "sfncli.TaskInputNotJSON",
        "sfncli.TaskInputMissingExecutionName",
        "sfncli.CommandNotFound",
        "sfncli.CommandKilled",
        "sfncli.CommandExitedNonzero",
        "sfncli.TaskOutputNotJSON",
        "sfncli.CommandTerminated",
        "sfncli.Unknown",
    }
