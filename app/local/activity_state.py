"""Two steps of the interpreter's activity state, where it must leave the decision to the task."""

import copy

from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_activitiy import StateTaskActivity
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str


def evaluate_without_clock(state: StateTaskActivity, env: Environment) -> None:
    """Evaluate the state and wait as long as its task does.

    The interpreter keeps a clock of its own, which could time out a task whose worker was just told that its
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
