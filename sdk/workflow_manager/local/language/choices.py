"""The rules of Choice states."""

import re
from collections.abc import Callable
from typing import Any, Final

from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_type import Comparison
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from workflow_manager.local.language import queries
from workflow_manager.local.language.failures import failure, query_failure

Test = Callable[[Environment], bool]

ABSENT: Final = object()
"""Value of a variable that leads nowhere."""

NO_MATCH: Final = "Failed to transition out of the state. The state does not point to a next state."
"""AWS's words for a Choice without a rule that matches and without Default."""


class Rule(Comparison):
    """What a rule tests."""

    def __init__(self, test: Test) -> None:
        self._test = test

    def _eval_body(self, env: Environment) -> None:
        env.stack.append(self._test(env))


class Choice(StateChoice):
    """A Choice state that fails under AWS's name when no rule matches."""

    def _eval_state(self, env: Environment) -> None:
        for rule in self.choices_decl.rules:
            rule.eval(env)
            if env.stack.pop() is True:
                env.stack.append(rule.next_stmt.name)  # type: ignore[union-attr]
                return
        if self.default_state is None:
            entered = f"(entered at the event id #{env.event_history_context.source_event_id})"
            cause = f"An error occurred while executing the state '{self.name}' {entered}. {NO_MATCH}"
            raise failure(env, "States.NoChoiceMatched", cause)
        env.stack.append(self.default_state.state_name)


def condition(value: Any) -> Rule:
    """Return the rule of a JSONata condition."""
    if not queries.is_query(value):
        return Rule(lambda _env: value is True)
    component = queries.query(value, "Choices/Condition")

    def test(env: Environment) -> bool:
        result = queries.evaluated(component, env)
        if not isinstance(result, bool):
            place = f"'{component.literal_value}' specified for the field 'Condition'"
            cause = f"The JSONata expression {place} returned an unexpected result type. Expected 'boolean'."
            raise query_failure(env, cause, location="Condition")
        return result

    return Rule(test)


def data_test(rule: dict[str, Any]) -> Rule:
    """Return the rule of a JSONPath data test, with those inside of it."""
    return Rule(_test(rule))


def _test(rule: dict[str, Any]) -> Test:
    if "And" in rule:
        parts = [_test(part) for part in rule["And"]]
        return lambda env: all(part(env) for part in parts)
    if "Or" in rule:
        parts = [_test(part) for part in rule["Or"]]
        return lambda env: any(part(env) for part in parts)
    if "Not" in rule:
        part = _test(rule["Not"])
        return lambda env: not part(env)
    return _comparison(rule)


def _comparison(rule: dict[str, Any]) -> Test:
    operators = [name for name in rule if name.removesuffix("Path") in OPERATORS]
    if len(operators) != 1 or "Variable" not in rule:
        raise ValueError(f"a rule needs a Variable and one comparison: {sorted(rule)}")
    name, variable = operators[0], queries.path(rule["Variable"])
    compare, operand = OPERATORS[name.removesuffix("Path")], rule[name]
    other = queries.path(operand) if name.endswith("Path") else None

    def test(env: Environment) -> bool:
        value = _value(variable, env)
        if value is ABSENT and name != "IsPresent":
            reason = "The choice state's condition path references an invalid value."
            raise failure(env, "States.Runtime", f"Invalid path '{variable.literal_value}': {reason}")
        return compare(value, operand if other is None else queries.evaluated(other, env))

    return test


def _value(variable: Any, env: Environment) -> Any:
    try:
        return queries.evaluated(variable, env)
    except NoSuchJsonPathError:
        return ABSENT


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(reads: Callable[[Any], Any], compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(value: Any, operand: Any) -> bool:
        one, other = reads(value), reads(operand)
        return one is not None and other is not None and compare(one, other)

    return test


def _matches(value: Any, pattern: Any) -> bool:
    if not isinstance(value, str) or not isinstance(pattern, str):
        return False
    # The parts between the wildcards, in order; a regular expression could take forever.
    parts = [re.sub(r"\\([*\\])", r"\1", part) for part in re.split(r"(?<!\\)(?:(?<=\\\\))?\*", pattern)]
    if len(parts) == 1:
        return value == parts[0]
    first, *middle, last = parts
    if not value.startswith(first) or not value[len(first) :].endswith(last):
        return False
    position, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "Boolean": lambda value: value if isinstance(value, bool) else None,
    "Numeric": lambda value: value if _is_number(value) else None,
    "String": lambda value: value if isinstance(value, str) else None,
    "Timestamp": queries.instant,
}

_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "Equals": lambda one, other: bool(one == other),
    "GreaterThan": lambda one, other: bool(one > other),
    "GreaterThanEquals": lambda one, other: bool(one >= other),
    "LessThan": lambda one, other: bool(one < other),
    "LessThanEquals": lambda one, other: bool(one <= other),
}

OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    **{
        f"{kind}{name}": _ordered(reads, test)
        for kind, reads in _READERS.items()
        for name, test in _COMPARISONS.items()
    },
    "StringMatches": _matches,
    "IsPresent": lambda value, expected: (value is not ABSENT) == expected,
    "IsNull": lambda value, expected: (value is None) == expected,
    "IsBoolean": lambda value, expected: isinstance(value, bool) == expected,
    "IsNumeric": lambda value, expected: _is_number(value) == expected,
    "IsString": lambda value, expected: isinstance(value, str) == expected,
    "IsTimestamp": lambda value, expected: (queries.instant(value) is not None) == expected,
}
"""Every comparison by its name without ``Path``."""
