"""Strict reading of JSON.

Covers `workflow_manager.strict_json`.
"""

import json

import pytest

from workflow_manager import errors, strict_json

ACCEPTED = [
    "{}",
    "[]",
    "null",
    "1",
    '"a"',
    '{"a": [1, 1.5, -0.0, 1e308, true, null, "\\u00e9"]}',
    '"\\ud83d\\ude00"',
    "12345678901234567890123",
    "[" * strict_json.MAX_DEPTH + "]" * strict_json.MAX_DEPTH,
    '"' + "[" * 1000 + '"',
]

REFUSED = [
    "",
    "{",
    "{} {}",
    "nul",
    "{'a': 1}",
    '{"a": NaN}',
    "[Infinity]",
    "-Infinity",
    "1e999",
    "[-1e400]",
    '{"a": 1, "a": 1}',
    '{"b": {"a": 1, "a": 2}}',
    '"\\ud800"',
    '{"\\udfff": 1}',
    "[" * (strict_json.MAX_DEPTH + 1) + "]" * (strict_json.MAX_DEPTH + 1),
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    "9" * 5000,
    '"\x00"',
    "\ufeff{}",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_json_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert strict_json.loads(text) == json.loads(text)
    assert strict_json.loads(text.encode()) == json.loads(text)


@pytest.mark.parametrize("text", REFUSED)
def test_doubtful_json_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="not valid JSON"):
        strict_json.loads(text)


@pytest.mark.parametrize("data", [b"\xff", b'"\xed\xa0\x80"', b"\xef\xbb\xbf{}", b"\x00"])
def test_bytes_that_are_not_plain_utf8_json_are_refused(data: bytes) -> None:
    with pytest.raises(errors.InvalidRequest, match="not valid JSON"):
        strict_json.loads(data)


def test_text_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(errors.InvalidRequest, match="surrogate"):
        strict_json.loads('"\ud800"')
