"""JSONata for the interpreter, which has the states of the query language but nothing to evaluate it."""

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import regex
from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.regex_engine import RegexFlags
from jsonata.utils import Utils

from workflow_manager.local.language import intrinsics

EVALUATION_SECONDS: Final = 5.0
"""How long one expression may be evaluated; an endless recursion or a hopeless regular expression never ends."""

MAX_RANGE: Final = 1_000_000
"""Elements that ``$range``, ``[1..n]`` and ``$pad`` make at most, for the sake of memory and of time: what a function
does with them is not interrupted."""


THREW: Final = "threw an error during evaluation."


class EvaluationError(Exception):
    """An expression could not be evaluated; the message says what it did, with the expression as subject."""


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """Evaluate an expression with these variables (names without ``$``) and return JSON.

    Raises ``EvaluationError``, also when there is no result, when it is no JSON and when it takes too long.
    """
    deadline = time.monotonic() + EVALUATION_SECONDS
    try:
        compiled = _Evaluator(expression, _engine(deadline))
        compiled.set_output_convert_nulls(False)
        _limit(compiled, deadline)
        for name, function in FUNCTIONS.items():
            compiled.register_lambda(name, function)
        for name, value in variables.items():
            compiled.assign(name, _from_json(value))
        return _to_json(compiled.evaluate(None))
    except EvaluationError:
        raise
    except JException as error:
        raise EvaluationError(f"{THREW} {error.error}: {error}") from error
    except RecursionError as error:
        raise EvaluationError(f"{THREW} it calls functions too deeply") from error
    except TimeoutError as error:
        raise EvaluationError(f"was given up after {EVALUATION_SECONDS:.0f} seconds") from error
    except Exception as error:
        # The evaluator lets whatever Python says of odd arguments through; all of it is the expression's fault.
        raise EvaluationError(f"{THREW} {type(error).__name__}: {error}") from error


class _Evaluator(Jsonata):  # type: ignore[misc]  # the package has no types
    """The evaluator with shorter ranges: of its own ten million numbers a sum takes minutes."""

    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        numbers = super().evaluate_range_expression(lhs, rhs)
        if numbers is not None and rhs - lhs >= MAX_RANGE:
            raise EvaluationError(f"{THREW} the range would have {rhs - lhs + 1} numbers; {MAX_RANGE} are allowed")
        return numbers


def _limit(compiled: Jsonata, deadline: float) -> None:
    def check(*_: Any) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError

    compiled.environment.set_evaluate_entry_callback(check)


class _Pattern:
    """A regular expression that is given up at a time; Python's own would hold up every thread of the process."""

    def __init__(self, pattern: regex.Pattern[str], deadline: float) -> None:
        self._pattern = pattern
        self._deadline = deadline

    def search(self, text: str) -> Any:
        return self._pattern.search(text, **self._limits())

    def finditer(self, text: str) -> Iterator[Any]:
        matches: Iterator[Any] = self._pattern.finditer(text, **self._limits())
        return matches

    def sub(self, replacement: Any, text: str, count: int = 0) -> str:
        return str(self._pattern.sub(replacement, text, count, **self._limits()))

    def split(self, text: str, maxsplit: int = 0) -> list[Any]:
        return list(self._pattern.split(text, maxsplit, **self._limits()))

    def _limits(self) -> dict[str, Any]:
        seconds_left = self._deadline - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError
        return {"timeout": seconds_left, "concurrent": True}


def _engine(deadline: float) -> Callable[[str, RegexFlags], _Pattern]:
    def compile_pattern(pattern: str, flags: RegexFlags) -> _Pattern:
        options = (regex.IGNORECASE if flags.case_insensitive else 0) | (regex.MULTILINE if flags.multiline else 0)
        return _Pattern(regex.compile(pattern, options), deadline)

    return compile_pattern


def _from_json(value: Any) -> Any:
    """Return a copy in which null is not what the evaluator takes for nothing at all."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, dict):
        return {name: _from_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_from_json(member) for member in value]
    return value


def _to_json(value: Any) -> Any:
    if value is None:
        raise EvaluationError("returned nothing (undefined)")
    return _plain(value)


def _plain(value: Any) -> Any:
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | range):
        return [_plain(member) for member in value]
    raise EvaluationError("returned an unsupported result type")


def _number(value: float) -> float | int:
    if value - value != 0:
        raise EvaluationError(f"{THREW} the number is not finite")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


# What AWS adds to the functions of JSONata, and what it takes away.


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        try:
            return function(*map(_plain, arguments))
        except intrinsics.Refused as refused:
            raise EvaluationError(f"{THREW} {refused}") from refused

    return call


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvaluationError(f"{THREW} {json.dumps(value)} is not a number")
    return round(value)


def _partition(items: Any, size: Any) -> list[Any]:
    return intrinsics.FUNCTIONS["ArrayPartition"](items if isinstance(items, list) else [items], size)  # type: ignore[no-any-return]


def _range(first: Any, last: Any, step: Any) -> list[int]:
    start, stop, stride = _whole(first), _whole(last), _whole(step)
    if stride == 0:
        raise EvaluationError(f"{THREW} the step of $range is 0")
    numbers = range(start, stop + (1 if stride > 0 else -1), stride)
    if len(numbers) > MAX_RANGE:
        raise EvaluationError(f"{THREW} $range would make {len(numbers)} numbers")
    return list(numbers)


def _random(seed: Any = None) -> float:
    return random.Random(seed).random()  # noqa: S311 - what AWS offers is no secret either


def _parse(text: Any) -> Any:
    return _from_json(intrinsics.FUNCTIONS["StringToJson"](text))


def _pad(text: Any, width: Any, character: Any = " ") -> str:
    missing = max(0, abs(_whole(width)) - len(text))
    if missing > MAX_RANGE:
        raise EvaluationError(f"{THREW} $pad would add {missing} characters")
    padding = (str(character or " ") * missing)[:missing]
    return str(text) + padding if _whole(width) >= 0 else padding + str(text)


def _eval(*_: Any) -> None:
    raise EvaluationError(f"{THREW} $eval is not supported; use $parse")


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "partition": _refusing(_partition),
    "range": _refusing(_range),
    "hash": _refusing(intrinsics.digest),
    "random": _refusing(_random),
    "uuid": lambda: str(uuid.uuid4()),
    "parse": _refusing(_parse),
    "pad": _refusing(_pad),
    "eval": _eval,
}
"""What is not as JSONata has it, by its name after ``$``."""
