"""JSONata for the interpreter, which has the states of the query language but nothing to evaluate it."""

from collections.abc import Callable
from typing import Any, TypeAlias

from jsonata import Jsonata
from jsonata.jexception import JException
from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore
from moto.stepfunctions.parser.asl.jsonata.jsonata import JSONataException
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

Evaluation: TypeAlias = Callable[[StringJSONata, Environment], None]


def evaluate(expression: str) -> Any:
    """Evaluate an expression that carries its variables inside."""
    try:
        return Jsonata(expression).evaluate(None)
    except JException as invalid:
        raise JSONataException(str(invalid.error), str(invalid)) from invalid


def declare(bindings: dict[str, Any]) -> str:
    """Write variables as the declarations an expression begins with; strings are quoted as JSON."""
    return "".join(f"{name}:={to_json_str(value, separators=(',', ':'))};" for name, value in bindings.items())


def assigned_variables(store: VariableStore) -> dict[str, str]:
    """Return what a state assigned as JSON; the interpreter puts quotes around a text and escapes nothing."""
    names = store._declaration_tracing  # noqa: SLF001 - stands in for a method of it
    return {name: to_json_str(store.get(name), separators=(",", ":")) for name in names}


def failing_as_query_error(evaluation: Evaluation) -> Evaluation:
    """Make a failed evaluation the error that a Catch can name, States.QueryEvaluationError."""

    def evaluate_state_field(field: StringJSONata, env: Environment) -> None:
        try:
            evaluation(field, env)
        except JSONataException as invalid:
            cause = f"The JSONata expression '{field.expression}' failed: {invalid.details}"
            raise _query_error(env, cause) from invalid

    return evaluate_state_field


def _query_error(env: Environment, cause: str) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details = EvaluationFailedEventDetails(error=name.error_name, cause=cause)
    failure = FailureEventException(FailureEvent(env, name, HistoryEventType.EvaluationFailed, _event(details)))
    located = failure.get_evaluation_failed_event_details()
    env.event_manager.add_event(env.event_history_context, HistoryEventType.EvaluationFailed, _event(located))
    return failure


def _event(details: EvaluationFailedEventDetails | None) -> Any:
    return {"evaluationFailedEventDetails": details}
