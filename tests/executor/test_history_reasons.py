"""The words for failures of tries, jobs and runs."""

import json

import pytest

from app.executor import reasons


@pytest.mark.parametrize(
    ("error", "cause", "expected"),
    [
        ("E", "c", "E: c"),
        ("E", None, "E"),
        (None, "c", "c"),
        (None, None, None),
        ("", " \n ", None),
        ("E", "first\n\nlast\n", "E: first\nlast"),
        ("E", "50%\r100%\rdone", "E: 50%\n100%\ndone"),
        (7, ["c"], None),
    ],
)
def test_a_failure_reason_is_error_and_cause(error: object, cause: object, expected: str | None) -> None:
    assert reasons.failure_reason(error, cause) == expected


def test_only_the_last_lines_of_a_cause_are_kept() -> None:
    cause = "\n".join(f"line {number}" for number in range(100))
    assert reasons.failure_reason("E", cause) == "E: line 95\nline 96\nline 97\nline 98\nline 99"


def test_a_long_line_keeps_its_end() -> None:
    text = reasons.last_lines("x" * 40_000 + "end")
    assert len(text) == reasons.REASON_CHARACTERS
    assert text.startswith("…x")
    assert text.endswith("end")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"errorMessage": "no bucket", "errorType": "ValueError", "stackTrace": ["a", "b"]}, "no bucket"),
        ({"error": "my.Error", "cause": "the command said so"}, "the command said so"),
        ({"JobName": "load", "ErrorMessage": "out of memory"}, "out of memory"),
        ({"JobId": "1", "StatusReason": "Essential container exited"}, "Essential container exited"),
        ({"StoppedReason": "Task failed to start"}, "Task failed to start"),
        ({"Status": "FAILED", "Cause": json.dumps({"errorMessage": "deep"})}, "deep"),
        ({"message": "  "}, '{"message": "  "}'),
        ({"Output": 1}, '{"Output": 1}'),
        (["errorMessage"], '["errorMessage"]'),
    ],
)
def test_the_sentence_of_a_json_cause_is_shown(document: object, expected: str) -> None:
    assert reasons.readable_cause(json.dumps(document)) == expected


@pytest.mark.parametrize("cause", ["{not json", "{" * 50_000, '{"a":' * 20_000])
def test_a_cause_that_only_looks_like_json_is_shown_as_it_is(cause: str) -> None:
    assert reasons.readable_cause(cause) == cause


@pytest.mark.parametrize(
    ("execution", "expected"),
    [
        ({"status": "FAILED", "error": "E", "cause": "c"}, "E: c"),
        ({"status": "FAILED"}, None),
        ({"status": "TIMED_OUT"}, "Workflow timed out"),
        ({"status": "ABORTED", "error": "E", "cause": "asked by nora"}, "asked by nora"),
        ({"status": "ABORTED", "error": "E"}, "E"),
        ({"status": "ABORTED"}, None),
        ({"status": "SUCCEEDED", "output": "{}"}, None),
        ({"status": "RUNNING"}, None),
        ({"status": "PENDING_REDRIVE", "error": "E"}, None),
        ({}, None),
    ],
)
def test_the_reason_of_a_run_follows_its_status(execution: dict[str, str], expected: str | None) -> None:
    assert reasons.status_reason(execution) == expected
