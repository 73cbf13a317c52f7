"""The failures of tasks: their names, and the limits of what AWS takes."""

from enum import StrEnum
from typing import Final

MAX_ERROR_BYTES: Final = 256
MAX_CAUSE_BYTES: Final = 32_768
"""Limits of SendTaskFailure; AWS counts characters, and bytes are never fewer."""

TRUNCATED: Final = "[truncated]"


class ErrorName(StrEnum):
    """Error names that a worker reports, the same as those of ``sfncli``; Retry and Catch rules match on them."""

    TASK_INPUT_NOT_JSON = "sfncli.TaskInputNotJSON"
    TASK_INPUT_MISSING_EXECUTION_NAME = "sfncli.TaskInputMissingExecutionName"
    COMMAND_NOT_FOUND = "sfncli.CommandNotFound"
    COMMAND_KILLED = "sfncli.CommandKilled"
    COMMAND_EXITED_NONZERO = "sfncli.CommandExitedNonzero"
    COMMAND_TERMINATED = "sfncli.CommandTerminated"
    TASK_OUTPUT_NOT_JSON = "sfncli.TaskOutputNotJSON"
    UNKNOWN = "sfncli.Unknown"


class FunctionErrorName(StrEnum):
    """Error names that a worker reports for Python functions, beside those of the functions themselves."""

    INVALID_INPUT = "Worker.InvalidInput"
    INVALID_OUTPUT = "Worker.InvalidOutput"


class TaskFailed(Exception):
    """The task ends as failed, with an error name that the state machine can match on."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


def clip(text: str, max_bytes: int) -> str:
    """Cut ``text`` to ``max_bytes`` of UTF-8 between two characters, and say so at its end."""
    encoded = _encode(text)
    if len(encoded) <= max_bytes:
        return encoded.decode()
    return encoded[: max_bytes - len(TRUNCATED)].decode(errors="ignore") + TRUNCATED


def clip_start(text: str, max_bytes: int, *, already_cut: bool = False) -> str:
    """Keep the end of ``text`` within ``max_bytes`` of UTF-8, and say at its start that something is missing."""
    encoded = _encode(text)
    if len(encoded) <= max_bytes - (len(TRUNCATED) if already_cut else 0):
        return (TRUNCATED if already_cut else "") + encoded.decode()
    return TRUNCATED + encoded[len(encoded) - max_bytes + len(TRUNCATED) :].decode(errors="ignore")


def _encode(text: str) -> bytes:
    # JSON can name half of a surrogate pair, which UTF-8 cannot write.
    return text.encode(errors="replace")
