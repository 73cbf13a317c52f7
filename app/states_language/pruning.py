"""Cutting a machine to what is reachable from a state, to start it there."""

import copy
from typing import Any, Final

from app import errors
from app.states_language.findings import quoted
from app.states_language.graph import reachable
from app.states_language.model import State, find

MAX_NAMED: Final = 10
"""State names that the message about an unknown one offers."""


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
