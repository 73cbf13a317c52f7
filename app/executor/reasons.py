"""Words for failures: what people read as the reason of a failed try, job or workflow."""

import json
from collections.abc import Mapping
from typing import Any

TIMED_OUT_REASON = "Workflow timed out"

REASON_LINES = 5
"""The end of a log or stack trace names the error; more lines would swamp a list of workflows."""

REASON_CHARACTERS = 1000
"""A cause may hold 32,768 characters, often in one line; the reason is repeated on attempt, job and workflow."""

_CAUSE_KEYS = (
    "errorMessage",  # Lambda
    "ErrorMessage",  # Glue
    "cause",  # a command that reports its own error through sfncli
    "Cause",  # a nested execution
    "StatusReason",  # Batch
    "StoppedReason",  # ECS
    "message",
    "Message",
)
"""Where JSON causes keep the sentence for people, the most telling first."""

_NESTED_CAUSES = 3
"""JSON causes wrap each other once per nested execution; deeper than this is no longer worth unwrapping."""


def failure_reason(error: object, cause: object) -> str | None:
    """Join the error name and the last lines of the cause; either may be missing."""
    name = error.strip() if isinstance(error, str) else ""
    text = last_lines(readable_cause(cause)) if isinstance(cause, str) else ""
    return ": ".join(part for part in (name, text) if part) or None


def status_reason(execution: Mapping[str, Any]) -> str | None:
    """Tell why an execution ended as it did, from the answer of DescribeExecution.

    A run that goes on or succeeded has no reason. A stopped run has what its stopper said: the cause, else the error.
    """
    error, cause = execution.get("error"), execution.get("cause")
    match execution.get("status"):
        case "FAILED":
            return failure_reason(error, cause)
        case "TIMED_OUT":
            return TIMED_OUT_REASON
        case "ABORTED":
            return stop_reason(error, cause)
        case _:
            return None


def stop_reason(error: object, cause: object) -> str | None:
    """Tell why an execution was stopped: the cause its stopper gave, else the error; both are optional."""
    return failure_reason(None, cause) or failure_reason(error, None)


def readable_cause(cause: str) -> str:
    """Take the sentence out of a JSON cause; any other cause is returned as it is."""
    for _ in range(_NESTED_CAUSES):
        inner = _inner_cause(cause)
        if inner is None:
            break
        cause = inner
    return cause


def last_lines(text: str) -> str:
    """Keep the last lines that are not blank, within the limits of a reason."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    tail = "\n".join(lines[-REASON_LINES:])
    return tail if len(tail) <= REASON_CHARACTERS else "…" + tail[1 - REASON_CHARACTERS :]


def _inner_cause(cause: str) -> str | None:
    if not cause.lstrip().startswith("{"):
        return None
    try:
        document = json.loads(cause)
    except (ValueError, RecursionError):
        return None
    texts = (document.get(key) for key in _CAUSE_KEYS)
    return next((text for text in texts if isinstance(text, str) and text.strip()), None)
