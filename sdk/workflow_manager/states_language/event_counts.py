"""How many events of a history states take at least, and the loops that states make.

The counts are those of a run in which nothing is retried: a history of Step Functions has 25,000 events at most.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflow_manager.states_language.graph import ends, targets
from workflow_manager.states_language.model import Scope, State

MAX_EVENTS: Final = 25_000
"""Events of a history, after which AWS ends the run (service-quotas)."""

ITEM_EVENTS: Final = 2
"""MapIterationStarted and MapIterationSucceeded."""

_STATE_EVENTS: Final = 2
"""Entered and exited."""

_TASK_EVENTS: Final = 5
"""Entered, scheduled, started, succeeded and exited."""

_SUBMITTED_EVENTS: Final = 1
"""TaskSubmitted, where a task waits for a job or a token."""

_CONTAINER_EVENTS: Final = 4
"""A Parallel or a Map: entered, started, succeeded and exited."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Loop:
    """States that lead back to the first of them."""

    state: str
    """The one that the definition has first."""
    length: int
    """How many states the shortest turn through it has."""
    events: int
    """How many events that turn takes."""


def shortest_run(scope: Scope) -> int:
    """Return the fewest events with which a scope can run from its start to an end; 0 when it never ends."""
    weights = _weights(scope)
    start = scope.start_at
    states = {state.name: state.body for state in scope.states()}
    if start not in states:
        return 0
    ended = (cost for cost, _, name in _nearest(states, weights, str(start), weights[str(start)]) if ends(states[name]))
    return next(ended, 0)


def loops(scope: Scope, *, passes: Callable[[Body], bool]) -> Iterator[Loop]:
    """Yield one loop for each group of states that lead to one another through states that pass, in their order."""
    states = {state.name: state.body for state in scope.states() if passes(state.body)}
    groups = [group for group in _strongly_connected(states) if _is_loop(group, states)]
    if not groups:
        return
    weights = _weights(scope)
    place = {name: number for number, name in enumerate(states)}
    for group in sorted(groups, key=lambda group: min(place[name] for name in group)):
        first = min(group, key=place.__getitem__)
        inside = {name: states[name] for name in group}
        yield _shortest_turn(first, inside, weights)


def _shortest_turn(first: str, states: Mapping[str, Body], weights: Mapping[str, int]) -> Loop:
    for cost, length, name in _nearest(states, weights, first, weights[first]):
        if first in targets(states[name]):
            return Loop(first, length, max(cost, 1))
    return Loop(first, 1, max(weights[first], 1))


def _nearest(
    states: Mapping[str, Body], weights: Mapping[str, int], start: str, cost: int
) -> Iterator[tuple[int, int, str]]:
    """Yield the states that can be reached, those with the fewest events first: the events, the states, the name."""
    waiting = [(cost, 1, start)]
    seen: set[str] = set()
    while waiting:
        cost, length, name = heapq.heappop(waiting)
        if name in seen:
            continue
        seen.add(name)
        yield cost, length, name
        for target in targets(states[name]):
            if target in states and target not in seen:
                heapq.heappush(waiting, (cost + weights[target], length + 1, target))


def _weights(scope: Scope) -> dict[str, int]:
    return {state.name: _events(state) for state in scope.states()}


def _events(state: State) -> int:
    """Return the fewest events that a state takes; a Map may have no items."""
    match state.kind:
        case "Task":
            resource = state.body.get("Resource")
            waits = isinstance(resource, str) and resource.endswith((".sync", ".sync:2", ".waitForTaskToken"))
            return _TASK_EVENTS + (_SUBMITTED_EVENTS if waits else 0)
        case "Parallel":
            return _CONTAINER_EVENTS + sum(shortest_run(branch) for branch in state.scopes())
        case "Map":
            return _CONTAINER_EVENTS
        case "Fail":
            return 1
        case _:
            return _STATE_EVENTS


def _is_loop(group: list[str], states: Mapping[str, Body]) -> bool:
    return len(group) > 1 or group[0] in targets(states[group[0]])


def _strongly_connected(states: Mapping[str, Body]) -> list[list[str]]:
    """Return the groups of states that lead to one another (Tarjan; no recursion, for thousands of states)."""
    numbers: dict[str, int] = {}
    lows: dict[str, int] = {}
    open_states: list[str] = []
    is_open: set[str] = set()
    groups: list[list[str]] = []
    for root in states:
        if root in numbers:
            continue
        ways = [(root, _known_targets(root, states))]
        while ways:
            name, ahead = ways[-1]
            if name not in numbers:
                numbers[name] = lows[name] = len(numbers)
                open_states.append(name)
                is_open.add(name)
            for target in ahead:
                if target not in numbers:
                    ways.append((target, _known_targets(target, states)))
                    break
                if target in is_open:
                    lows[name] = min(lows[name], numbers[target])
            else:
                ways.pop()
                if ways:
                    outer = ways[-1][0]
                    lows[outer] = min(lows[outer], lows[name])
                if lows[name] == numbers[name]:
                    groups.append(_popped(open_states, until=name))
                    is_open.difference_update(groups[-1])
    return groups


def _popped(stack: list[str], *, until: str) -> list[str]:
    popped = [stack.pop()]
    while popped[-1] != until:
        popped.append(stack.pop())
    return popped


def _known_targets(name: str, states: Mapping[str, Body]) -> Iterator[str]:
    return (target for target in targets(states[name]) if target in states)
