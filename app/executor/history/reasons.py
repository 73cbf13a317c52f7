"""Words for failures: what people read as the reason of a failed try, job or workflow.

The first line of a reason is ``Error: the sentence that tells``; the rest of the cause follows, cut from its middle.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from app.failures import causes

TIMED_OUT_REASON: Final = "Workflow timed out"

REASON_CHARACTERS: Final = 1000
"""A cause may hold 32,768 characters; the reason is repeated on attempt, job and workflow."""

HEADLINE_CHARACTERS: Final = 500
"""The first line, where more follows."""

_CUT: Final = " … "


class ReportedFailure(NamedTuple):
    """Why something failed or was aborted; all three are None when unknown."""

    reason: str | None = None
    """What people read."""
    error: str | None = None
    """The name of the error, as Step Functions has it."""
    cause: str | None = None
    """The whole cause, as Step Functions has it."""

    @classmethod
    def of(cls, error: object, cause: object) -> "ReportedFailure":
        """Read the error and the cause of an event or an answer."""
        name, text = (value if isinstance(value, str) and value.strip() else None for value in (error, cause))
        return cls(failure_reason(name, text), name, text)

    def without_cause(self) -> "ReportedFailure":
        """Return what is small."""
        return self._replace(cause=None)


NO_FAILURE: Final = ReportedFailure()
"""No failure, or no known reason."""


def failure_reason(error: object, cause: object) -> str | None:
    """Write the reason of a failure; the error, the cause or both may be missing."""
    name = " ".join(error.split()) if isinstance(error, str) else ""
    text = causes.plain(cause.strip()) if isinstance(cause, str) else ""
    said = causes.sentence(text)
    head, more = causes.headline(name, said), causes.rest(text, said)
    if not more:
        return cut(head, length=REASON_CHARACTERS) or None
    head = cut(head, length=HEADLINE_CHARACTERS)
    return f"{head}\n{cut(more, length=REASON_CHARACTERS - len(head) - 1)}"


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
    texts = (value.strip() for value in (cause, error) if isinstance(value, str))
    return next((cut(text, length=REASON_CHARACTERS) for text in texts if text), None)


def cut(text: str, *, length: int) -> str:
    """Shorten a text in its middle: the beginning says what it is about, the end how it ended."""
    if len(text) <= length:
        return text
    kept = length - len(_CUT)
    return text[: kept // 2] + _CUT + text[kept // 2 - kept :]
