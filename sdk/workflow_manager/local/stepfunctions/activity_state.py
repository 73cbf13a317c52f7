"""Steps of the interpreter's activity state that do not do what AWS does."""

import copy
from collections.abc import Callable
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_activitiy import StateTaskActivity
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

Evaluate = Callable[[StateTaskActivity, Environment], None]

UNNAMED: Final = "The activity activity_arn does not exist."
"""What the interpreter says, which took it from a record of AWS where the ARN had been replaced."""


def naming_the_activity(evaluate: Evaluate) -> Evaluate:
    """Wrap the evaluation so that an activity which does not exist fails the execution under its ARN."""

    def evaluate_naming(state: StateTaskActivity, env: Environment) -> None:
        try:
            evaluate(state, env)
        except FailureEventException as failed:
            details: Any = failed.failure_event.event_details or {}
            for detail in details.values():
                if detail.get("cause") == UNNAMED:
                    detail["cause"] = f"The activity {state.resource.resource_arn} does not exist."
            raise

    return evaluate_naming


def evaluate_without_clock(state: StateTaskActivity, env: Environment) -> None:
    """Evaluate the state and wait as long as its task does.

    The interpreter keeps a clock of its own, which could time out a task whose worker was just informed that its
    answer counts.
    """
    patient = copy.copy(state)
    patient.timeout = TimeoutSeconds(TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS)
    # The task itself is still made by the state with the real timeout.
    patient._eval_execution = state._eval_execution  # type: ignore[method-assign]  # noqa: SLF001
    ExecutionState._evaluate_with_timeout(patient, env)  # noqa: SLF001


def input_as_json(state: StateTaskActivity, env: Environment) -> str:
    """Return the input of the task as JSON text, also when it is a string."""
    if state.parargs:
        state.parargs.eval(env=env)
    return to_json_str(env.stack.pop(), separators=(",", ":"))
