"""The syntax of intrinsic functions: ``States.Format('{} of {}', $.index, States.ArrayLength($.items))``."""

import re
from typing import Final, NamedTuple

from workflow_manager.states_language.findings import Findings, Pointer, quoted
from workflow_manager.states_language.rules.paths import PathError, path_problem, read_path, reference_problem

MAX_NESTING: Final = 10
"""Functions inside of one another (AWS: up to 10 nested intrinsic functions)."""


class _Arity(NamedTuple):
    least: int
    most: int | None

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return str(self.least) if self.least == self.most else f"{self.least} or {self.most}"


FUNCTIONS: Final = {
    "States.Format": _Arity(1, None),
    "States.StringToJson": _Arity(1, 1),
    "States.JsonToString": _Arity(1, 1),
    "States.Array": _Arity(0, None),
    "States.ArrayPartition": _Arity(2, 2),
    "States.ArrayContains": _Arity(2, 2),
    "States.ArrayRange": _Arity(3, 3),
    "States.ArrayGetItem": _Arity(2, 2),
    "States.ArrayLength": _Arity(1, 1),
    "States.ArrayUnique": _Arity(1, 1),
    "States.Base64Encode": _Arity(1, 1),
    "States.Base64Decode": _Arity(1, 1),
    "States.Hash": _Arity(2, 2),
    "States.JsonMerge": _Arity(3, 3),
    "States.MathRandom": _Arity(2, 3),
    "States.MathAdd": _Arity(2, 2),
    "States.StringSplit": _Arity(2, 2),
    "States.UUID": _Arity(0, 0),
}

_STRING_FUNCTIONS: Final = frozenset(
    {"Format", "JsonToString", "ArrayGetItem", "Base64Encode", "Base64Decode", "Hash", "UUID"}
)
"""Functions that can return a string, as ErrorPath and CausePath need."""

_CALL: Final = re.compile(r"(States\.[A-Za-z0-9_.]*+)\s*+\(")
_LITERAL: Final = re.compile(
    r"'[^'\\]*+(?:\\.[^'\\]*+)*+'|-?(?:0|[1-9]\d*+)(?:\.\d++)?+(?:[eE][+-]?\d++)?+(?![\w.])|(?:true|false|null)\b",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPED: Final = frozenset("'{}\\")
_SPACE: Final = re.compile(r"\s*+")


def intrinsic_problem(text: str) -> str | None:
    """Say why a text is not a call of an intrinsic function, or return None."""
    try:
        end = _read_call(text, 0, nesting=1)
    except PathError as problem:
        return str(problem)
    rest = text[end:].strip()
    return f"has {quoted(rest)} after the call" if rest else None


def _read_call(text: str, position: int, *, nesting: int) -> int:
    call = _CALL.match(text, position)
    if call is None:
        raise PathError("is not a call such as States.Format('{}', $.name)")
    arity = FUNCTIONS.get(call[1])
    if arity is None:
        raise PathError(f"calls {call[1]}, which is no intrinsic function")
    if nesting > MAX_NESTING:
        raise PathError(f"nests intrinsic functions deeper than {MAX_NESTING}")
    end, starts = _read_arguments(text, call.end(), nesting=nesting)
    if len(starts) < arity.least or (arity.most is not None and len(starts) > arity.most):
        raise PathError(f"gives {call[1]} {len(starts)} arguments; it takes {arity}")
    if call[1] == "States.Format":
        _check_format(text, starts)
    return end


def _read_arguments(text: str, position: int, *, nesting: int) -> tuple[int, list[int]]:
    """Read to the closing parenthesis; return the position after it and where each argument starts."""
    starts: list[int] = []
    position = _skip_space(text, position)
    if text.startswith(")", position):
        return position + 1, starts
    while True:
        starts.append(position)
        position = _skip_space(text, _read_argument(text, position, nesting=nesting))
        separator = text[position : position + 1]
        if separator == ")":
            return position + 1, starts
        if separator != ",":
            raise PathError("has an argument that is not followed by a comma or a closing parenthesis")
        position = _skip_space(text, position + 1)


def _read_argument(text: str, position: int, *, nesting: int) -> int:
    if text.startswith("$", position):
        return read_path(text, position)
    if text.startswith("States.", position):
        return _read_call(text, position, nesting=nesting + 1)
    literal = _LITERAL.match(text, position)
    if literal is not None and not _ESCAPED.issuperset(_ESCAPE.findall(literal[0])):
        raise PathError("has a backslash in a string that escapes nothing; \\', \\{, \\} and \\\\ are known")
    if literal is None:
        raise PathError("has an argument that is neither a path, a 'string', a number, true, false, null nor a call")
    return literal.end()


def _check_format(text: str, starts: list[int]) -> None:
    template = _LITERAL.match(text, starts[0])
    if template is None:
        return
    if not template[0].startswith("'"):
        raise PathError("gives States.Format a template that is not a string")
    places = re.sub(r"\\.", "", template[0], flags=re.DOTALL).count("{}")
    if places != len(starts) - 1:
        raise PathError(f"gives States.Format {len(starts) - 1} values for {places} times {{}}")


def _skip_space(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position


def value_problem(text: str) -> str | None:
    """Say why a text is neither a path nor a call, which a ``.$`` field must be, or return None."""
    if text.startswith("$"):
        return path_problem(text)
    if text.startswith("States."):
        return intrinsic_problem(text)
    return "is neither a path ($.field) nor an intrinsic function (States.Format(...))"


def text_path(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a reference path, or a call that returns a string."""
    if not isinstance(value, str):
        found.add(pointer, f"This must be a path such as $.field, not {quoted(value)}.")
        return
    problem = intrinsic_problem(value) if value.startswith("States.") else reference_problem(value)
    if problem is None and value.startswith("States."):
        name = value[len("States.") :].partition("(")[0].strip()
        problem = None if name in _STRING_FUNCTIONS else "does not return a string"
    if problem:
        found.add(pointer, f"{quoted(value)} {problem}.")
