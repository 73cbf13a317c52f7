"""Where states lead: transitions of a scope, what is reachable, dead ends."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflow_manager.states_language.findings import ROOT, Findings, Pointer, quoted
from workflow_manager.states_language.model import Scope
from workflow_manager.states_language.substitutions import names_in

_ENDING_KINDS: Final = frozenset({"Succeed", "Fail"})
_FLOWING_KINDS: Final = frozenset({"Task", "Pass", "Wait", "Parallel", "Map"})


@dataclass(frozen=True, slots=True)
class Transition:
    """A field that names the next state."""

    target: object
    pointer: Pointer


def transitions(body: Mapping[str, Any], pointer: Pointer) -> Iterator[Transition]:
    """Yield where a state can lead: Next, Default, and the Next of its rules and catchers."""
    kind = _kind(body)
    if kind in _FLOWING_KINDS and "Next" in body:
        yield Transition(body["Next"], pointer / "Next")
    if kind == "Choice":
        if "Default" in body:
            yield Transition(body["Default"], pointer / "Default")
        yield from _inner(body.get("Choices"), pointer / "Choices")
    elif kind in _FLOWING_KINDS:
        yield from _inner(body.get("Catch"), pointer / "Catch")


def _inner(items: object, pointer: Pointer) -> Iterator[Transition]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and "Next" in item:
            yield Transition(item["Next"], pointer / index / "Next")


def targets(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the states that a state can lead to."""
    return (transition.target for transition in transitions(body, ROOT) if isinstance(transition.target, str))


def ends(body: Mapping[str, Any]) -> bool:
    """Tell whether the run of a scope can end with a state."""
    kind = _kind(body)
    return kind in _ENDING_KINDS or (kind in _FLOWING_KINDS and body.get("End") is True)


def _kind(body: Mapping[str, Any]) -> str:
    kind = body.get("Type")
    return kind if isinstance(kind, str) else ""


def reachable(states: Mapping[str, Any], start_at: str) -> set[str]:
    """Return the names of the states that can be entered when the run starts at one of them."""
    seen: set[str] = set()
    waiting = [start_at]
    while waiting:
        name = waiting.pop()
        body = states.get(name)
        if name not in seen and isinstance(body, dict):
            seen.add(name)
            waiting.extend(targets(body))
    return seen


def check_graph(scope: Scope, places: Mapping[str, Pointer], found: Findings) -> None:
    """Check the transitions of one scope. ``places`` are the pointers of all states of the machine, by name."""
    states = scope.body.get("States")
    if not isinstance(states, dict):
        if "StartAt" in scope.body and scope.start_at is None:
            found.add(scope.place / "StartAt", _not_a_name(scope.body["StartAt"]))
        return
    sound = all(isinstance(body, dict) for body in states.values())
    spellings: dict[str, str] = {}
    for transition in _all_transitions(scope, states):
        problem = _problem(transition.target, states, places)
        if problem is None and isinstance(transition.target, str) and transition.target not in states:
            spellings = spellings or {_spelling(name): name for name in states}
            problem = _unknown(transition.target, spellings.get(_spelling(transition.target)))
        if problem:
            found.add(transition.pointer, problem)
            sound = False
    if scope.start_at in states and not any(_is_undecided(body) for body in states.values()):
        entered = reachable(states, str(scope.start_at))
        _check_reached(scope, states, entered, found)
        if sound:
            _check_end(scope, states, entered, found)


def _is_undecided(body: object) -> bool:
    """Tell whether a placeholder stands where it decides to which states a state leads."""
    if not isinstance(body, dict):
        return isinstance(body, str) and bool(names_in(body))
    choices, catch = body.get("Choices"), body.get("Catch")
    deciding = [
        body.get("Type"),
        choices,
        catch,
        *(choices if isinstance(choices, list) else ()),
        *(catch if isinstance(catch, list) else ()),
        *targets(body),
    ]
    return any(names_in(each) for each in deciding if isinstance(each, str))


def _all_transitions(scope: Scope, states: Mapping[str, Any]) -> Iterator[Transition]:
    if "StartAt" in scope.body:
        yield Transition(scope.body["StartAt"], scope.place / "StartAt")
    for name, body in states.items():
        if isinstance(body, dict):
            yield from transitions(body, scope.place / "States" / name)


def _problem(target: object, states: Mapping[str, Any], places: Mapping[str, Pointer]) -> str | None:
    if not isinstance(target, str):
        return _not_a_name(target)
    if target in states or target not in places:
        return None
    where = places[target]
    return f"State {quoted(target)} is at {where}; a transition cannot enter or leave a branch or a Map's body."


def _spelling(name: str) -> str:
    return name.casefold().strip()


def _unknown(target: str, similar: str | None) -> str:
    hint = f"did you mean {quoted(similar)}?" if similar is not None else "correct the name or add the state."
    return f"There is no state {quoted(target)}; {hint}"


def _not_a_name(value: object) -> str:
    return f"This must be the name of a state, not {quoted(value)}."


def _check_reached(scope: Scope, states: Mapping[str, Any], entered: set[str], found: Findings) -> None:
    for name in states:
        if name not in entered:
            found.add(
                scope.place / "States" / name,
                f"State {quoted(name)} is never entered from StartAt; lead a transition to it, or remove it.",
            )


def _check_end(scope: Scope, states: Mapping[str, Any], entered: Iterable[str], found: Findings) -> None:
    bodies = [states[name] for name in entered]
    # A state that leads nowhere, or has no known type, is noted where it is and may well be the end that is missing.
    if all(not ends(body) and any(targets(body)) for body in bodies):
        found.add(scope.place / "States", "No state ends the run; give one End: true, or add a Succeed or Fail state.")
