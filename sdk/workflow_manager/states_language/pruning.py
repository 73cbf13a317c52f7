"""Starting a machine at one of its states: cutting it to what is reachable, and restoring what the state relied on."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from workflow_manager import errors
from workflow_manager.states_language.findings import quoted
from workflow_manager.states_language.graph import reachable
from workflow_manager.states_language.model import JSONATA, State, find, machine_scope, walk

MAX_NAMED: Final = 10
"""State names that the message about an unknown one offers."""

RESTORED: Final = "_RESUMED"
"""The field of an execution's input with what a restoring state gives back: ``input`` and ``variables``."""

_RESTORING_STATE: Final = "Restore variables"

_CONTEXT: Final = re.compile(r"\$\$|\$states\.context")
_OTHER_FIELDS: Final = r"(Id|Name|RedriveCount|RedriveTime|RoleArn|StartTime)\b"
_EXECUTION_INPUT: Final = re.compile(
    rf"(\$\$|\$states\.context)(?!\w|\s*+\.\s*+\w|\s*+\[)|\bExecution\b(?!\s*+\.\s*+{_OTHER_FIELDS}|\[['\"]{_OTHER_FIELDS})"
)
"""Where an expression on the context object can read the input of the execution: by name, or by taking all of it."""


def prune(machine: dict[str, Any], *, start_at: str) -> dict[str, Any]:
    """Return the machine that starts at one of its outermost states, without the states that are then never entered.

    The argument stays as it is. Raises ``UnknownState`` when there is no such outermost state.
    """
    states = machine.get("States")
    if not isinstance(states, dict) or start_at not in states:
        raise errors.UnknownState(_explain(machine, start_at))
    kept = reachable(states, start_at)
    pruned = {**machine, "StartAt": start_at, "States": {name: body for name, body in states.items() if name in kept}}
    return copy.deepcopy(pruned)


def restoring(machine: dict[str, Any], variables: Sequence[str]) -> dict[str, Any]:
    """Return the machine that assigns variables before its first state; the argument stays as it is.

    The values are in the input of the execution, under ``RESTORED``, beside the input of the first state. So one
    machine serves every run that restores variables of these names.
    """
    name = restoring_state(machine)
    restore = _restore_in_jsonata if machine_scope(machine).language == JSONATA else _restore_in_jsonpath
    body = {"Type": "Pass", **restore(variables), "Next": machine["StartAt"]}
    return {**machine, "StartAt": name, "States": {name: body, **machine["States"]}}


def restoring_state(machine: dict[str, Any]) -> str:
    """Return the name of the state that ``restoring`` adds; no state of the machine has it."""
    name, taken = _RESTORING_STATE, {state.name for state in walk(machine)}
    while name in taken:
        name += "_"
    return name


def reads_execution_input(machine: Mapping[str, Any]) -> bool:
    """Tell whether an expression of the machine may read ``Execution.Input`` of the context object."""
    return any(_CONTEXT.search(text) and _EXECUTION_INPUT.search(text) for text in _texts(machine))


def _restore_in_jsonpath(variables: Sequence[str]) -> dict[str, Any]:
    source = f"$$.Execution.Input['{RESTORED}']['variables']"
    assign = {"Assign": {f"{name}.$": f"{source}['{name}']" for name in variables}} if variables else {}
    return {**assign, "OutputPath": f"$['{RESTORED}']['input']"}


def _restore_in_jsonata(variables: Sequence[str]) -> dict[str, Any]:
    source = f"$states.context.Execution.Input.{RESTORED}.variables"
    assign = {"Assign": {name: f"{{% {source}.`{name}` %}}" for name in variables}} if variables else {}
    return {**assign, "Output": f"{{% $states.input.{RESTORED}.input %}}"}


def _texts(machine: Mapping[str, Any]) -> Iterator[str]:
    waiting: list[object] = [machine]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _explain(machine: dict[str, Any], name: str) -> str:
    inner = find(machine, name)
    if inner is not None:
        outer = _outermost(inner)
        return (
            f"State {quoted(name)} is inside the {outer.kind} state {quoted(outer.name)}, and a run starts at an "
            f"outermost state only; start at {quoted(outer.name)}."
        )
    states = machine.get("States")
    known = [quoted(state) for state in states] if isinstance(states, dict) else []
    more = ", ..." if len(known) > MAX_NAMED else ""
    return f"There is no state {quoted(name)}; start at one of {', '.join(known[:MAX_NAMED])}{more}."


def _outermost(state: State) -> State:
    while state.parent is not None:
        state = state.parent
    return state
