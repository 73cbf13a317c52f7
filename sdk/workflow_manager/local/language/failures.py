"""Failures of a state, as the interpreter carries them: an error that a Catch can name, and AWS's words as cause."""

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment

NO_TASK = HistoryEventType.ExecutionFailed
"""Type of a failure that is no task's: its event appears only if nothing catches it."""


RUN_FAILED = HistoryEventType.MapRunFailed
"""Type of a failure of all child runs of a distributed Map."""


def failure(
    env: Environment, error: str, cause: str, *, event_type: HistoryEventType = NO_TASK
) -> FailureEventException:
    """Return what to raise so that the state fails with this error."""
    details: Any = {
        f"{event_type.value[0].lower()}{event_type.value[1:]}EventDetails": {"error": error, "cause": cause}
    }
    return FailureEventException(FailureEvent(env, CustomErrorName(error), event_type, details))


def query_failure(env: Environment, cause: str, *, location: str | None = None) -> FailureEventException:
    """Return what to raise when an expression cannot be evaluated, after reporting it in the history."""
    raised = failure(env, "States.QueryEvaluationError", cause, event_type=HistoryEventType.EvaluationFailed)
    event: Any = raised.failure_event.event_details
    if location is not None:
        event["evaluationFailedEventDetails"]["location"] = location
    reported: Any = {"evaluationFailedEventDetails": raised.get_evaluation_failed_event_details()}
    env.event_manager.add_event(env.event_history_context, HistoryEventType.EvaluationFailed, reported)
    return raised


def accept_any_name(name: ErrorName, error_name: str | None) -> None:
    """Stand in for the constructor of error names, which refuses those under ``States.`` that it does not know.

    A Parallel or Map state hands on the error of its branch under this type, so that none of AWS's own could be caught.
    """
    ErrorName.__init__(name, error_name=error_name)
