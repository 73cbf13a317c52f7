"""Intrinsic functions of JSONPath states: ``States.Format('{} of {}', $.index, States.ArrayLength($.items))``."""

import base64
import binascii
import hashlib
import json
import random
import re
import uuid
from collections.abc import Callable
from typing import Any, Final, Self

from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringExpressionSimple
from moto.stepfunctions.parser.asl.eval.environment import Environment

from workflow_manager.local.language.failures import failure
from workflow_manager.states_language.rules.paths import read_path

MAX_TEXT: Final = 10_000
"""Characters that Base64 and Hash take."""

MAX_RANGE: Final = 1_000
"""Elements of an ArrayRange."""

_CALL: Final = re.compile(r"States\.(\w+)\s*\(\s*")
_STRING: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_PLAIN: Final = re.compile(r"[-+.\w]+")
_GAP: Final = re.compile(r"\s*")
_PLACE: Final = re.compile(r"\\(.)|(\{\})", re.DOTALL)
_HASHES: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}

Evaluate = Callable[[Environment], Any]
Resolve = Callable[[str], Evaluate]


class Refused(ValueError):
    """A function was given what it does not take."""


class Intrinsic(StringExpressionSimple):
    """A call of an intrinsic function, ready to be evaluated."""

    def __init__(self, text: str, resolve: Resolve) -> None:
        super().__init__(text)
        self._evaluate, end = _read_call(text, 0, resolve)
        if text[end:].strip():
            raise ValueError(f"'{text}' goes on after the call")

    def _eval_body(self, env: Environment) -> None:
        try:
            value = self._evaluate(env)
        except Refused as refused:
            cause = f"The function '{self.literal_value}' had the following error: {refused}"
            raise failure(env, "States.IntrinsicFailure", cause) from refused
        env.stack.append(value)


def _read_call(text: str, position: int, resolve: Resolve) -> tuple[Evaluate, int]:
    call = _CALL.match(text, position)
    if call is None or call[1] not in FUNCTIONS:
        raise ValueError(f"'{text[position:]}' is no call of an intrinsic function")
    function, arguments, position = FUNCTIONS[call[1]], [], call.end()
    while not text.startswith(")", position):
        argument, position = _read_argument(text, position, resolve)
        arguments.append(argument)
        position = _skip_gap(text, position)
        if text.startswith(",", position):
            position = _skip_gap(text, position + 1)
        elif not text.startswith(")", position):
            raise ValueError(f"'{text}' has an argument that is followed by neither a comma nor a parenthesis")

    def evaluate(env: Environment) -> Any:
        values = [argument(env) for argument in arguments]
        try:
            return function(*values)
        except TypeError as mismatch:
            raise Refused(str(mismatch).removeprefix("_")) from mismatch

    return evaluate, position + 1


def _skip_gap(text: str, position: int) -> int:
    gap = _GAP.match(text, position)
    return gap.end() if gap else position


def _read_argument(text: str, position: int, resolve: Resolve) -> tuple[Evaluate, int]:
    if text.startswith("$", position):
        end = read_path(text, position)
        return resolve(text[position:end]), end
    if text.startswith("States.", position):
        return _read_call(text, position, resolve)
    if (string := _STRING.match(text, position)) is not None:
        return _constant(_Template(string[1])), string.end()
    plain = _PLAIN.match(text, position)
    if plain is None:
        raise ValueError(f"'{text}' has an argument that is neither a path, a 'string', a number nor a call")
    return _constant(json.loads(plain[0])), plain.end()


def _constant(value: Any) -> Evaluate:
    return lambda _env: value


class _Template(str):
    """A string literal; remembers how it was written, because ``\\{}`` is no place for a value."""

    __slots__ = ("written",)

    def __new__(cls, written: str) -> Self:
        made = super().__new__(cls, re.sub(r"\\(.)", r"\1", written, flags=re.DOTALL))
        made.written = written  # type: ignore[attr-defined]
        return made


# The functions. Rounding is half up, as in Java, where AWS documents rounding.


def _format(template: Any, *values: Any) -> str:
    if not isinstance(template, str):
        raise Refused("the template is not a string")
    written, rest = getattr(template, "written", template), list(values)

    def fill(match: re.Match[str]) -> str:
        if match[2] is None:
            return match[1]
        if not rest:
            raise Refused("there are fewer values than places")
        return _as_text(rest.pop(0))

    text = _PLACE.sub(fill, written)
    if rest:
        raise Refused("there are more values than places")
    return text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(_as_text(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}={_as_text(item)}' for name, item in value.items())}}}"
    return json.dumps(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(f"{json.dumps(value)} is not an array")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(f"{json.dumps(value)} is not a string")
    return str(value)


def _short(value: Any) -> str:
    text = _text(value)
    if len(text) > MAX_TEXT:
        raise Refused(f"the string has {len(text)} characters; at most {MAX_TEXT} are allowed")
    return text


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{json.dumps(value)} is not a number")
    return value if isinstance(value, int) else int((value + 0.5) // 1)


def _same(one: Any, other: Any) -> bool:
    # In Python, true is 1; in JSON it is not.
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _partition(items: Any, size: Any) -> list[Any]:
    length = _integer(size)
    if length < 1:
        raise Refused("the chunk size is not a positive number")
    return [_list(items)[start : start + length] for start in range(0, len(_list(items)), length)]


def _range(first: Any, last: Any, step: Any) -> list[int]:
    start, stop, stride = _integer(first), _integer(last), _integer(step)
    if stride == 0:
        raise Refused("the step is 0")
    numbers = range(start, stop + (1 if stride > 0 else -1), stride)
    if len(numbers) > MAX_RANGE:
        raise Refused(f"the array has {len(numbers)} elements; at most {MAX_RANGE} are allowed")
    return list(numbers)


def _item(items: Any, index: Any) -> Any:
    position = _integer(index)
    if not 0 <= position < len(_list(items)):
        raise Refused(f"the index {position} is outside an array of {len(items)}")
    return items[position]


def _unique(items: Any) -> list[Any]:
    found: list[Any] = []
    for item in _list(items):
        if not any(_same(item, other) for other in found):
            found.append(item)
    return found


def _encode(text: Any) -> str:
    return base64.b64encode(_short(text).encode()).decode()


def _decode(text: Any) -> str:
    try:
        return base64.b64decode(_short(text), validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise Refused(f"the string is not Base64 of text: {error}") from error


def digest(data: Any, algorithm: Any) -> str:
    """Return the hash of a value as hexadecimal digits; raises ``Refused``."""
    if not isinstance(algorithm, str) or algorithm not in _HASHES:
        raise Refused(f"{json.dumps(algorithm)} is not one of {', '.join(_HASHES)}")
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return hashlib.new(_HASHES[algorithm], _short(text).encode(), usedforsecurity=False).hexdigest()


def _merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise Refused("only the shallow merge (false) is supported")
    if not isinstance(first, dict) or not isinstance(second, dict):
        raise Refused("only JSON objects can be merged")
    return first | second


def _parse(text: Any) -> Any:
    try:
        return json.loads(_text(text))
    except (ValueError, RecursionError) as error:
        raise Refused(f"the string is not JSON: {error}") from error


def _random(start: Any, end: Any, seed: Any = None) -> int:
    first, last = _integer(start), _integer(end)
    if first >= last:
        raise Refused("the end is not greater than the start")
    numbers = random.Random(None if seed is None else _integer(seed))  # noqa: S311 - what AWS offers is no secret either
    return numbers.randrange(first, last)


def _split(text: Any, delimiters: Any) -> list[str]:
    pattern = f"[{re.escape(_text(delimiters))}]" if delimiters else r"(?!)"
    return [part for part in re.split(pattern, _text(text)) if part]


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "Format": _format,
    "StringToJson": _parse,
    "JsonToString": lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    "Array": lambda *values: list(values),
    "ArrayPartition": _partition,
    "ArrayContains": lambda items, value: any(_same(item, value) for item in _list(items)),
    "ArrayRange": _range,
    "ArrayGetItem": _item,
    "ArrayLength": lambda items: len(_list(items)),
    "ArrayUnique": _unique,
    "Base64Encode": _encode,
    "Base64Decode": _decode,
    "Hash": digest,
    "JsonMerge": _merge,
    "MathRandom": _random,
    "MathAdd": lambda one, other: _integer(one) + _integer(other),
    "StringSplit": _split,
    "UUID": lambda: str(uuid.uuid4()),
}
"""Every function of AWS's list, by its name after ``States.``."""
