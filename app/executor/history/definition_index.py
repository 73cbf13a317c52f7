"""Where the states of a definition are: facts that a history leaves out."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple


class Location(NamedTuple):
    """Which Parallel or Map state holds a state, and in which branch."""

    container: str | None
    branch: int | None


class DefinitionIndex:
    """Looks up states by name at any depth; the definition is read on first use only.

    Names are unique across a state machine. A malformed definition answers less, it is never an error.
    """

    def __init__(self, state_machine: Mapping[str, Any] | None) -> None:
        self._state_machine = state_machine

    def location(self, state: str) -> Location | None:
        """Tell where a state is, if the definition is known and has it."""
        found = self._states.get(state)
        return found[0] if found else None

    def fields(self, state: str) -> Mapping[str, Any]:
        """Give the fields of a state; none when it is not known."""
        found = self._states.get(state)
        return found[1] if found else {}

    def failure_of(self, state: str) -> tuple[object, object]:
        """Give the fixed Error and Cause of a Fail state, which no event repeats; None where they are expressions."""
        fields = self.fields(state)
        error, cause = (None if _is_expression(fields.get(name)) else fields.get(name) for name in ("Error", "Cause"))
        return error, cause

    @cached_property
    def _states(self) -> dict[str, tuple[Location, Mapping[str, Any]]]:
        return {name: (location, state) for name, location, state in _walk(self._state_machine)}


def _is_expression(value: object) -> bool:
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def _walk(state_machine: object) -> Iterator[tuple[str, Location, Mapping[str, Any]]]:
    to_do: list[tuple[Location, object]] = [(Location(None, None), state_machine)]
    while to_do:
        location, machine = to_do.pop()
        states = machine.get("States") if isinstance(machine, Mapping) else None
        for name, state in states.items() if isinstance(states, Mapping) else ():
            if isinstance(state, Mapping):
                yield name, location, state
                to_do.extend(_inner_machines(name, state))


def _inner_machines(name: str, state: Mapping[str, Any]) -> Iterator[tuple[Location, object]]:
    branches = state.get("Branches")
    for branch, machine in enumerate(branches if isinstance(branches, list | tuple) else ()):
        yield Location(name, branch), machine
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield Location(name, None), state[field]
