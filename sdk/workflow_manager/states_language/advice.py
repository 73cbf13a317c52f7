"""Advice about a state machine that AWS accepts, and that ends badly once it runs for long or fails.

Every rule gives at most a few findings for a machine, however many states it is about, so that a large machine is not
buried in them. Nothing is said where a placeholder (``${NAME}``) stands in place of what decides.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from workflow_manager import errors
from workflow_manager.states_language import event_counts, resources
from workflow_manager.states_language.absent import drop_absent
from workflow_manager.states_language.document import check_document
from workflow_manager.states_language.event_counts import MAX_EVENTS
from workflow_manager.states_language.findings import Findings, quoted
from workflow_manager.states_language.model import Scope, State, scopes

MAX_NAMED: Final = 5
"""States that one finding names; the others are counted."""

SHORT_SECONDS: Final = 600
"""Within a shorter timeout no heartbeat is needed: a dead worker is noticed soon enough."""

_WAITING_SUFFIXES: Final = (".sync", ".sync:2", ".waitForTaskToken")


def advise(machine: object) -> list[errors.Finding]:
    """Return warnings about what runs, but not well, each with an RFC 6901 pointer; none for what is not valid JSON.

    - a loop without a Wait, and after how many turns the history is full (25,000 events)
    - an inline Map over a list of unknown length, and how many items fit into the history
    - tasks that wait for a worker or a job without TimeoutSeconds
    - activities without HeartbeatSeconds
    - a Catch that leads to a Fail state, which leaves a redrive nothing to repeat
    """
    found = Findings()
    if isinstance(machine, dict) and check_document(machine, Findings()):
        judged = copy.deepcopy(machine)
        drop_absent(judged)
        everything = list(scopes(judged))
        for scope in everything:
            _check_loops(scope, found)
        states = [state for scope in everything for state in scope.states()]
        for state in states:
            _check_inline_map(state, found)
        _check_limits(states, machine=judged, found=found)
        for scope in everything:
            _check_caught_failures(scope, found)
    return list(found)


def _check_loops(scope: Scope, found: Findings) -> None:
    """Warn of loops that never pause: they fill the history as fast as their states run."""
    if scope.express:  # such histories have no limit
        return
    for loop in event_counts.loops(scope, passes=lambda body: body.get("Type") != "Wait"):
        states = "a state" if loop.length == 1 else f"{loop.length} states"
        found.warn(
            scope.place / "States" / loop.state,
            f"State {quoted(loop.state)} is in a loop of {states} without a Wait: a turn takes {loop.events} events or "
            f"more, and after {MAX_EVENTS // loop.events:,} turns or fewer the run fails at {MAX_EVENTS:,} events. Add "
            "a Wait, or start an execution of its own for a share of the turns.",
        )


def _check_inline_map(state: State, found: Findings) -> None:
    if state.kind != "Map" or state.distributed or state.scope.express or _has_known_items(state.body):
        return
    inner = next(state.scopes(), None)
    if inner is None:
        return
    per_item = event_counts.ITEM_EVENTS + event_counts.shortest_run(inner)
    found.warn(
        state.place,
        f"The Map {quoted(state.name)} runs inline over a list of unknown length: an item takes {per_item} events or "
        f"more, so a run fails beyond {MAX_EVENTS // per_item:,} items. If the list can be long, set ProcessorConfig "
        'to {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}.',
    )


def _has_known_items(body: Mapping[str, Any]) -> bool:
    """Tell whether the list stands in the definition."""
    return isinstance(body.get("Items"), list)


def _check_limits(states: Iterable[State], *, machine: Mapping[str, Any], found: Findings) -> None:
    """Warn of tasks that can wait for a year, and of activities whose dead worker is noticed late.

    A timeout of the machine ends all of them.
    """
    ends_anyway = "TimeoutSeconds" in machine
    lacking: dict[str, list[State]] = {}
    for state in states:
        fields = []
        if not ends_anyway and _waits(state) and not _has(state, "TimeoutSeconds"):
            fields.append("TimeoutSeconds")
        is_short = _is_short(machine) or _is_short(state.body)
        if _is_activity(state) and not _has(state, "HeartbeatSeconds") and not is_short:
            fields.append("HeartbeatSeconds")
        if fields:
            lacking.setdefault(" and ".join(fields), []).append(state)
    for fields_lacking, them in lacking.items():
        found.warn(them[0].place, f"{_named(them)} without {fields_lacking}: {_CONSEQUENCES[fields_lacking]}")


_CONSEQUENCES: Final = {
    "TimeoutSeconds": "if the work hangs, the run waits for up to a year. Give each task, or the machine, a "
    "TimeoutSeconds.",
    "HeartbeatSeconds": "if a worker dies, the run waits until the timeout. Workers of workflow-manager send "
    'heartbeats; add "HeartbeatSeconds": 60.',
    "TimeoutSeconds and HeartbeatSeconds": "if a worker dies, the run waits for up to a year. Workers of "
    'workflow-manager send heartbeats; add "HeartbeatSeconds": 60, and a TimeoutSeconds against work that hangs.',
}


def _named(states: list[State]) -> str:
    listed = _listed([state.name for state in states])
    return f"Task {listed} is" if len(states) == 1 else f"{len(states)} tasks ({listed}) are"


def _listed(names: list[str]) -> str:
    named = ", ".join(quoted(name) for name in names[:MAX_NAMED])
    return f"{named} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else named


def _waits(state: State) -> bool:
    """Tell whether a task can wait for ever: functions and calls of AWS end by themselves."""
    text = state.body.get("Resource")
    return _is_activity(state) or (
        state.kind == "Task"
        and not state.scope.express
        and isinstance(text, str)
        and text.startswith("arn:")
        and text.endswith(_WAITING_SUFFIXES)
    )


def _is_activity(state: State) -> bool:
    text = state.body.get("Resource")
    resource = resources.parse(text) if state.kind == "Task" and isinstance(text, str) else None
    return resource is not None and (resource.form is resources.Form.ACTIVITY or resources.is_activity(resource.text))


def _has(state: State, field: str) -> bool:
    return field in state.body or f"{field}Path" in state.body


def _is_short(body: Mapping[str, Any]) -> bool:
    seconds = body.get("TimeoutSeconds")
    return isinstance(seconds, int) and seconds <= SHORT_SECONDS


def _check_caught_failures(scope: Scope, found: Findings) -> None:
    """Warn of Fail states that a Catch leads to at once."""
    states = {state.name: state for state in scope.states()}
    catching: dict[str, list[str]] = {}
    for state in states.values():
        for target in dict.fromkeys(_caught(state.body)):
            if target in states and states[target].kind == "Fail":
                catching.setdefault(target, []).append(state.name)
    for target, names in catching.items():
        found.warn(
            states[target].place,
            f"The Catch of {_listed(names)} leads to this Fail state. A redrive repeats the state that ended the run, "
            "so it fails here again at once. Without the Catch, a redrive repeats the state that failed.",
        )


def _caught(body: Mapping[str, Any]) -> Iterator[str]:
    catchers = body.get("Catch")
    for catcher in catchers if isinstance(catchers, list) else ():
        if isinstance(catcher, dict) and isinstance(catcher.get("Next"), str):
            yield catcher["Next"]
