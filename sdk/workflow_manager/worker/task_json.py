"""The JSON text that goes into a task and comes out of it.

Numbers are never read and written again: what is passed on is the text itself.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NoReturn, Protocol

from workflow_manager.worker.task_errors import ErrorName, TaskFailed

EXECUTION_NAME: Final = "_EXECUTION_NAME"
"""Key of the input and output, and the environment variable, that hold the name of the execution."""

MAX_OUTPUT_BYTES: Final = 262_144
"""Quota of Step Functions: the output of a task, as UTF-8."""


class PolledTask(NamedTuple):
    """A task as GetActivityTask returns it: the right to work on it, and its input."""

    token: str
    input: str


@dataclass(frozen=True)
class Task:
    """The input of a task as it was written, and the execution it belongs to."""

    input: str
    execution_name: str
    """Empty when the input names none, which only functions accept."""

    token: str = field(default="", repr=False)
    """The right to work on it, for handlers that talk to AWS themselves."""


def read_task(text: str, *, token: str = "") -> Task:
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
    return Task(input=text, execution_name=names[-1], token=token)


class PayloadCodec(Protocol):
    """What the input and output of a task must be for one kind of handler."""

    def read(self, text: str, *, token: str) -> Task:
        """Read the input; raises ``TaskFailed`` for one that the handler does not take."""
        ...

    def complete(self, output: str, task: Task) -> str:
        """Return what AWS gets; raises ``TaskFailed`` for what AWS or the workflow cannot go on with."""
        ...


class CommandCodec:
    """The rules of ``sfncli``: an object that names its execution goes in, and comes out."""

    def read(self, text: str, *, token: str) -> Task:
        """Read the input of a command."""
        return read_task(text, token=token)

    def complete(self, output: str, task: Task) -> str:
        """Complete the output of a command."""
        return complete_output(output, task.execution_name)


def complete_output(text: str, execution_name: str) -> str:
    """Put the execution name into the JSON object ``text``; nothing, and null, count as an empty object.

    Raises ``TaskFailed`` for what is no JSON object, or larger than Step Functions takes.
    """
    try:
        output = with_execution_name(text, execution_name)
    except ValueError as invalid:
        cause = f"stdout not valid JSON: {invalid}; the last line was: '{text.strip()}'"
        raise TaskFailed(ErrorName.TASK_OUTPUT_NOT_JSON, cause) from None
    if len(output.encode()) > MAX_OUTPUT_BYTES:
        raise output_too_large()
    return output


def with_execution_name(text: str, execution_name: str) -> str:
    """Put the execution name in front of what is in a JSON object; raises ``ValueError`` for what is none."""
    stripped = text.strip()
    kept = [] if stripped in {"", "null"} else [m.text for m in members(stripped) if m.key != EXECUTION_NAME]
    name = f'"{EXECUTION_NAME}":{json.dumps(execution_name, ensure_ascii=False)}'
    return "{" + ",".join([name, *kept]) + "}"


def output_too_large(error: str = ErrorName.TASK_OUTPUT_NOT_JSON) -> TaskFailed:
    """Make the failure of an output over the quota."""
    return TaskFailed(error, f"task output is larger than the {MAX_OUTPUT_BYTES:,} bytes that Step Functions takes")


def is_json(text: str) -> bool:
    """Tell whether ``text`` is JSON; Python writes some numbers that are not."""
    try:
        _parse(text)
    except ValueError:
        return False
    return True


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


def _finite(literal: str) -> float:
    """Refuse ``1e999``, which the readers that come after would make infinite or refuse."""
    number = float(literal)
    if math.isinf(number):
        raise ValueError(f"{literal} is larger than any number")
    return number


# Nothing needs the value of a number, and Python refuses to read integers of more than 4,300 digits.
_DECODER: Final = json.JSONDecoder(parse_int=float, parse_float=_finite, parse_constant=_refuse_constant)

_WHITESPACE: Final = re.compile(r"[ \t\n\r]*")


def _skip(text: str, at: int) -> int:
    match = _WHITESPACE.match(text, at)
    return match.end() if match else at


def _fits_environment(value: str) -> bool:
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
