"""Expressions and templates of a definition, in either query language, as components of the interpreter."""

import copy
import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringContextPath,
    StringExpression,
    StringExpressionSimple,
    StringJsonPath,
    StringLiteral,
    StringSampler,
)
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.variable_store import NoSuchVariable
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.asl.utils.json_path import extract_json

from workflow_manager.local.language import jsonata
from workflow_manager.local.language.failures import failure, query_failure
from workflow_manager.local.language.intrinsics import Intrinsic

_VARIABLE: Final = re.compile(r"\$([A-Za-z_]\w*)(.*)", re.DOTALL)
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")

Build = Callable[[Environment], Any]


class VariablePath(StringSampler):
    """A path that begins at a variable: ``$day`` or ``$order.items[0]``."""

    def __init__(self, text: str, name: str, rest: str) -> None:
        super().__init__(literal_value=text)
        self._name = name
        self._rest = rest

    def _eval_body(self, env: Environment) -> None:
        try:
            value = env.variable_store.get(self._name)
        except NoSuchVariable as missing:
            raise failure(env, "States.Runtime", f"The variable '${self._name}' does not exist.") from missing
        env.stack.append(copy.deepcopy(extract_json(f"${self._rest}", value) if self._rest else value))


class Query(StringExpression):
    """A JSONata expression."""

    def __init__(self, expression: str, location: str) -> None:
        super().__init__(literal_value=expression)
        self._location = location

    def _eval_body(self, env: Environment) -> None:
        try:
            value = jsonata.evaluate(self.literal_value, _variables(env))
        except jsonata.EvaluationError as error:
            place = f"'{self.literal_value}' specified for the field '{self._location}'"
            raise query_failure(env, f"The JSONata expression {place} {error}.", location=self._location) from error
        env.stack.append(value)


def _variables(env: Environment) -> dict[str, Any]:
    store: Any = env.variable_store
    states: Any = env.states
    # Inner variables hide outer ones, and nothing hides $states.
    return {**store._outer_scope, **store._inner_scope, "states": states._states_data}  # noqa: SLF001


def is_query(value: Any) -> bool:
    """Tell whether a value is text of the form ``{% expression %}``."""
    return isinstance(value, str) and len(value) > 3 and value.startswith("{%") and value.endswith("%}")


def query(text: str, location: str) -> Query:
    """Return the component of ``{% expression %}``."""
    return Query(text[2:-2].strip(), location)


def path(text: str) -> StringExpressionSimple:
    """Return the component of a path or of a call of an intrinsic function."""
    text = text.strip()
    if text.startswith("States."):
        return Intrinsic(text, lambda argument: functools.partial(evaluated, path(argument)))
    if text.startswith("$$"):
        return StringContextPath(text)
    if (variable := _VARIABLE.fullmatch(text)) is not None:
        return VariablePath(text, variable[1], variable[2])
    # AWS takes a bare name for a field of the input.
    return StringJsonPath(text if text.startswith("$") else f"$.{text}")


def text(value: str, location: str, *, jsonata_allowed: bool) -> StringExpression:
    """Return the component of a field that is text, or JSONata where that is the language."""
    return query(value, location) if jsonata_allowed and is_query(value) else StringLiteral(value)


def evaluated(component: EvalComponent, env: Environment) -> Any:
    """Return the value of a component."""
    component.eval(env)
    return env.stack.pop()


class Template(EvalComponent):
    """JSON in which some values are computed: names ending in ``.$`` with JSONPath, ``{% … %}`` with JSONata."""

    def __init__(self, value: Any, location: str, *, is_jsonata: bool) -> None:
        self._build = _jsonata_build(value, location) if is_jsonata else _jsonpath_build(value)

    def _field_name(self) -> None:
        return None

    def _eval_body(self, env: Environment) -> None:
        env.stack.append(self._build(env))


def _constant(value: Any) -> Build:
    return lambda _env: copy.deepcopy(value)


def _sequence(builds: list[Build]) -> Build:
    return lambda env: [build(env) for build in builds]


def _mapping(builds: dict[str, Build]) -> Build:
    return lambda env: {name: build(env) for name, build in builds.items()}


def _jsonata_build(value: Any, location: str) -> Build:
    if isinstance(value, dict):
        return _mapping({name: _jsonata_build(member, f"{location}/{name}") for name, member in value.items()})
    if isinstance(value, list):
        return _sequence([_jsonata_build(member, f"{location}[{index}]") for index, member in enumerate(value)])
    return functools.partial(evaluated, query(value, location)) if is_query(value) else _constant(value)


def _jsonpath_build(value: Any) -> Build:
    if isinstance(value, list):
        return _sequence([_jsonpath_build(member) for member in value])
    if not isinstance(value, dict):
        return _constant(value)
    return _mapping({name.removesuffix(".$"): _member(name, member) for name, member in value.items()})


def _member(name: str, value: Any) -> Build:
    if not name.endswith(".$"):
        return _jsonpath_build(value)
    component = path(value)

    def build(env: Environment) -> Any:
        # What the cause of a path without a result names.
        env.next_field_name = name
        return evaluated(component, env)

    return build


class Assign(AssignDecl):
    """Sets variables, all of them computed before the first is set."""

    def __init__(self, template: Template) -> None:
        super().__init__(declaration_bindings=[])
        self._template = template

    def _eval_body(self, env: Environment) -> None:
        for name, value in evaluated(self._template, env).items():
            env.variable_store.set(variable_identifier=name, variable_value=value)


def instant(value: Any) -> datetime | None:
    """Read a timestamp as AWS writes them, with Z or an offset; None when it is none."""
    parts = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        return None
    fraction = (parts[2] or ".0")[:7]
    try:
        return datetime.fromisoformat(f"{parts[1]}{fraction}{'+00:00' if parts[3] == 'Z' else parts[3]}").astimezone(
            UTC
        )
    except (ValueError, OverflowError):
        return None


class Until(WaitFunction):
    """Waits until an instant."""

    def __init__(self, timestamp: EvalComponent) -> None:
        self._timestamp = timestamp

    def _get_wait_seconds(self, env: Environment) -> int:
        value = evaluated(self._timestamp, env)
        until = instant(value)
        if until is None:
            wanted = "a valid ISO-8601 extended offset date-time format string"
            raise failure(env, "States.Runtime", f"The Timestamp parameter does not reference {wanted}: {value}")
        # moto waits whole seconds; rounded up, so that no state continues too early.
        return max(0, -int((datetime.now(UTC) - until).total_seconds() // 1))


def assigned_variables(store: Any) -> dict[str, str]:
    """Return what the last state assigned, as the history writes it: each value as JSON text."""
    return {name: to_json_str(store.get(name), separators=(",", ":")) for name in sorted(store._declaration_tracing)}  # noqa: SLF001
