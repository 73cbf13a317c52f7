"""The JSON text that goes into a task and comes out of it.

Numbers are never read and written again: what is passed on is the text itself.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn

from app.worker.outcome import ErrorName, TaskFailed

EXECUTION_NAME: Final = "_EXECUTION_NAME"
"""Key of the input and output, and the environment variable, that hold the name of the execution."""

MAX_OUTPUT_BYTES: Final = 262_144
"""Quota of Step Functions: the output of a task, as UTF-8."""


@dataclass(frozen=True)
class Task:
    """The input of a task as it was written, and the execution it belongs to."""

    input: str
    execution_name: str


def read_task(text: str) -> Task:
    """Read the input of a task; raises ``TaskFailed`` unless it is an object that names its execution."""
    try:
        names = [member.value for member in members(text) if member.key == EXECUTION_NAME]
    except ValueError as invalid:
        raise TaskFailed(
            ErrorName.TASK_INPUT_NOT_JSON, f"task input not valid JSON: {invalid}; it was: '{text}'"
        ) from None
    if not names or not isinstance(names[-1], str) or not _fits_environment(names[-1]):
        raise TaskFailed(
            ErrorName.TASK_INPUT_MISSING_EXECUTION_NAME, f"task input missing {EXECUTION_NAME} attribute: '{text}'"
        )
    return Task(input=text, execution_name=names[-1])


def complete_output(text: str, execution_name: str) -> str:
    """Put the execution name into the JSON object ``text``; nothing, and null, count as an empty object.

    Raises ``TaskFailed`` for what is no JSON object, or larger than Step Functions takes.
    """
    stripped = text.strip()
    try:
        kept = [] if stripped in {"", "null"} else [m.text for m in members(stripped) if m.key != EXECUTION_NAME]
    except ValueError as invalid:
        raise TaskFailed(
            ErrorName.TASK_OUTPUT_NOT_JSON, f"stdout not valid JSON: {invalid}; the last line was: '{stripped}'"
        ) from None
    name = f'"{EXECUTION_NAME}":{json.dumps(execution_name, ensure_ascii=False)}'
    output = "{" + ",".join([name, *kept]) + "}"
    if len(output.encode()) > MAX_OUTPUT_BYTES:
        raise output_too_large()
    return output


def output_too_large() -> TaskFailed:
    """Make the failure of an output over the quota."""
    cause = f"task output is larger than the {MAX_OUTPUT_BYTES:,} bytes that Step Functions takes"
    return TaskFailed(ErrorName.TASK_OUTPUT_NOT_JSON, cause)


def is_object(text: str) -> bool:
    """Tell whether ``text`` is one JSON object."""
    try:
        return isinstance(_parse(text), dict)
    except ValueError:
        return False


class Member(NamedTuple):
    """One member of a JSON object: read, and as it is written."""

    key: str
    value: object
    text: str
    value_text: str


def members(text: str) -> Iterator[Member]:
    """Walk the members of a JSON object with the text of each; raises ``ValueError`` for anything else."""
    if not isinstance(_parse(text), dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # the type of what was read, not of an argument
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        start = at
        key, at = _DECODER.raw_decode(text, at)
        value_start = _skip(text, text.index(":", at) + 1)
        value, at = _DECODER.raw_decode(text, value_start)
        yield Member(key, value, text[start:at], text[value_start:at])
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at


def _parse(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not a JSON value")


# Nothing needs the value of a number, and Python refuses to read integers of more than 4,300 digits.
_DECODER: Final = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)

_WHITESPACE: Final = re.compile(r"[ \t\n\r]*")


def _skip(text: str, at: int) -> int:
    match = _WHITESPACE.match(text, at)
    return match.end() if match else at


def _fits_environment(value: str) -> bool:
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
