"""A typed, light view of a state machine: its scopes and states, where they are, and what encloses them.

The view reads the parsed JSON in place, keeps unknown fields, and skips what is malformed, which ``validate`` tells of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflow_manager.states_language.findings import ROOT, Pointer

JSONPATH: Final = "JSONPath"
JSONATA: Final = "JSONata"
LANGUAGES: Final = (JSONPATH, JSONATA)

KINDS: Final = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
"""The eight state types."""

BODY_FIELDS: Final = ("ItemProcessor", "Iterator")
"""The two names of a Map's body; ``Iterator`` is the old one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What holds states: the machine itself, a branch of a Parallel, or the body of a Map.

    Transitions never leave a scope.
    """

    body: dict[str, Any]
    place: Pointer
    language: str
    """The query language of states that name none. They do not inherit that of the Map or Parallel around them."""
    parent: "State | None" = None
    branch: int | None = None
    """Index of the branch, inside a Parallel."""
    express: bool = False
    """Whether the states run in the EXPRESS child executions of a distributed Map."""

    @property
    def pointer(self) -> str:
        """The place as text."""
        return str(self.place)

    @property
    def start_at(self) -> str | None:
        """The name of the first state, if one is given."""
        name = self.body.get("StartAt")
        return name if isinstance(name, str) else None

    def states(self) -> Iterator["State"]:
        """Yield the states of this scope, without those nested inside them."""
        states = self.body.get("States")
        if not isinstance(states, dict):
            return
        place = self.place / "States"
        for name, body in states.items():
            if isinstance(body, dict):
                yield State(name, body, place / name, self)


@dataclass(frozen=True, slots=True)
class State:
    """One state: its name, its JSON, and where it is."""

    name: str
    body: dict[str, Any]
    place: Pointer
    scope: Scope

    @property
    def pointer(self) -> str:
        """The place as text."""
        return str(self.place)

    @property
    def kind(self) -> str:
        """Return the ``Type``, or an empty string when there is none."""
        kind = self.body.get("Type")
        return kind if isinstance(kind, str) else ""

    @property
    def language(self) -> str:
        """The query language the state is written in."""
        own = self.body.get("QueryLanguage")
        return str(own) if own in LANGUAGES else self.scope.language

    @property
    def parent(self) -> "State | None":
        """The Parallel or Map that the state is inside of."""
        return self.scope.parent

    @property
    def branch(self) -> int | None:
        """Index of the branch that the state is in, when its parent is a Parallel."""
        return self.scope.branch

    @property
    def distributed(self) -> bool:
        """Whether the state is a Map that runs its body in child executions."""
        return self.kind == "Map" and any(is_distributed(self.body.get(field)) for field in BODY_FIELDS)

    def scopes(self) -> Iterator[Scope]:
        """Yield the branches of a Parallel or the body of a Map."""
        if self.kind == "Parallel":
            branches = self.body.get("Branches")
            for index, body in enumerate(branches if isinstance(branches, list) else ()):
                if isinstance(body, dict):
                    yield self._scope(body, self.place / "Branches" / index, branch=index)
        elif self.kind == "Map":
            for field in BODY_FIELDS:
                body = self.body.get(field)
                if isinstance(body, dict):
                    yield self._scope(body, self.place / field)

    def _scope(self, body: dict[str, Any], place: Pointer, branch: int | None = None) -> Scope:
        own = body.get("QueryLanguage")
        language = str(own) if own in LANGUAGES else self.scope.language
        express = is_express(body) if is_distributed(body) else self.scope.express
        return Scope(body, place, language, parent=self, branch=branch, express=express)


def machine_scope(machine: dict[str, Any]) -> Scope:
    """Return the outermost scope of a machine."""
    return Scope(machine, ROOT, JSONATA if machine.get("QueryLanguage") == JSONATA else JSONPATH)


def scopes(machine: dict[str, Any]) -> Iterator[Scope]:
    """Yield all scopes of a machine, outer ones before those inside them."""
    waiting = [machine_scope(machine)]
    while waiting:
        scope = waiting.pop()
        yield scope
        waiting.extend(reversed([inner for state in scope.states() for inner in state.scopes()]))


def walk(machine: dict[str, Any]) -> Iterator[State]:
    """Yield all states of a machine, those of an outer scope before those inside it."""
    for scope in scopes(machine):
        yield from scope.states()


def find(machine: dict[str, Any], name: str) -> State | None:
    """Return the state of a name, wherever it is; names are unique within a valid machine."""
    return next((state for state in walk(machine) if state.name == name), None)


def is_distributed(body: object) -> bool:
    """Tell whether the body of a Map asks for child executions."""
    return _processor_config(body).get("Mode") == "DISTRIBUTED"


def is_express(body: object) -> bool:
    """Tell whether the child executions of a Map are EXPRESS ones."""
    return _processor_config(body).get("ExecutionType") == "EXPRESS"


def _processor_config(body: object) -> Mapping[str, Any]:
    config = body.get("ProcessorConfig") if isinstance(body, dict) else None
    return config if isinstance(config, dict) else {}
