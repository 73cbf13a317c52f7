"""The syntax of JSONPath: paths, reference paths, the context object and variables.

A path starts with ``$`` (the input), ``$$`` (the context object) or ``$name`` (a variable). A reference path names a
single value: fields and indexes only. Filters are looked at for balanced brackets, not for meaning.
"""

import re
from typing import Final

from workflow_manager.states_language.findings import Findings, Pointer, quoted

# Several expressions are read at a position inside of longer text, so none is anchored at its end. No repetition gives
# back what it took (``*+``), so a match costs what it reads.
_ROOT: Final = re.compile(r"\$(?:\$|(?P<variable>[^\W\d]\w*+))?")
_NAME: Final = re.compile(r"[^\s.\[\](){}'\",?*@]++")
_FUNCTION: Final = re.compile(r"\.(?:min|max|avg|stddev|length|sum|keys|size|concat|append|first|last|index)\(")
_QUOTED: Final = r"(?:'[^'\\]*+(?:\\.[^'\\]*+)*+'|\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\")"
_REFERENCE_STEP: Final = re.compile(rf"\[\s*+(?:\d++|{_QUOTED})\s*+\]")
_BRACKET_STEP: Final = re.compile(
    r"\[\s*+(?:\*|-?\d++(?:\s*+,\s*+-?\d++)*+|-?\d*+\s*+:\s*+-?\d*+(?:\s*+:\s*+-?\d*+)?+|"
    rf"{_QUOTED}(?:\s*+,\s*+{_QUOTED})*+)\s*+\]"
)
_FILTER: Final = re.compile(r"\[\s*+[?(]")
_QUOTED_TEXT: Final = re.compile(_QUOTED)

MAX_VARIABLE_LENGTH: Final = 80
"""Characters in the name of a variable (Step Functions quotas)."""


class PathError(ValueError):
    """The text is not a path; the message ends a sentence that began with the text."""


def read_path(text: str, start: int = 0) -> int:
    """Read a path out of a longer text and return where it ends. Raises ``PathError``."""
    root = _ROOT.match(text, start)
    if root is None:
        raise PathError("does not start with $")
    position = root.end()
    while position < len(text) and text[position] in ".[":
        position = _read_step(text, position)
    return position


def _read_step(text: str, position: int) -> int:
    if text[position] == "[":
        return _read_bracket(text, position)
    function = _FUNCTION.match(text, position)
    if function:
        return _read_balanced(text, function.end() - 1)
    position += 2 if text.startswith("..", position) else 1
    if text.startswith("*", position):
        return position + 1
    if text.startswith("[", position):
        return _read_bracket(text, position)
    name = _NAME.match(text, position)
    if name is None:
        raise PathError("has no field name after a dot")
    return name.end()


def _read_bracket(text: str, position: int) -> int:
    step = _BRACKET_STEP.match(text, position)
    if step:
        return step.end()
    if _FILTER.match(text, position):
        return _read_balanced(text, position)
    raise PathError("has brackets around something that is neither an index, a quoted name, * nor a filter")


def _read_balanced(text: str, position: int) -> int:
    """Read from an opening bracket to the one that closes it."""
    expected: list[str] = []
    while position < len(text):
        character = text[position]
        if character in "'\"":
            end = _QUOTED_TEXT.match(text, position)
            if end is None:
                raise PathError("has a quote that is not closed")
            position = end.end()
            continue
        if character in "[(":
            expected.append("]" if character == "[" else ")")
        elif character in "])":
            if character != expected.pop():
                break
            if not expected:
                return position + 1
        position += 1
    raise PathError("has a bracket that is not closed")


def path_problem(text: str) -> str | None:
    """Say why a text is not a path, or return None."""
    text = text.rstrip(" ")  # AWS does not mind blanks there
    try:
        end = read_path(text)
    except PathError as problem:
        return str(problem)
    return None if end == len(text) else f"has {quoted(text[end:])} after the path"


def reference_problem(text: str) -> str | None:
    """Say why a text is not a reference path, or return None."""
    problem = path_problem(text)
    if problem:
        return problem
    text = text.rstrip(" ")
    root = _ROOT.match(text)
    position = root.end() if root else 0
    while position < len(text):
        # AWS takes a dot before an index for nothing: $.items.[0].
        position += 1 if text.startswith(".", position) else 0
        step = _REFERENCE_STEP.match(text, position) or (
            _NAME.match(text, position) if text[position - 1] == "." else None
        )
        if step is None:
            return "can match more or less than one value; a reference path holds only fields and indexes"
        position = step.end()
    return None


def path(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a path."""
    _check(value, pointer, found, problem=path_problem(value) if isinstance(value, str) else None)


def path_or_null(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a path, and null, which stands for nothing."""
    if value is not None:
        path(value, pointer, found)


def reference_path(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a reference path."""
    _check(value, pointer, found, problem=reference_problem(value) if isinstance(value, str) else None)


def time_path(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept the reference path of a Wait; AWS takes the name of a field for one."""
    if isinstance(value, str) and not value.startswith("$") and reference_problem(f"$.{value}") is None:
        found.warn(pointer, f"{quoted(value)} does not start with $; it is read as {quoted('$.' + value)}.")
    else:
        reference_path(value, pointer, found)


def result_path(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept what a result can be written to: a reference path into the input, or null."""
    if value is None:
        return
    problem = None
    if isinstance(value, str):
        root = _ROOT.match(value)
        problem = reference_problem(value)
        if root and root.end() > 1 and problem is None:
            problem = "is not in the input; a result can be put there only ($ or $.field)"
    _check(value, pointer, found, problem=problem)


def _check(value: object, pointer: Pointer, found: Findings, *, problem: str | None) -> None:
    if not isinstance(value, str):
        found.add(pointer, f"This must be a path such as $.field, not {quoted(value)}.")
    elif problem:
        found.add(pointer, f"{quoted(value)} {problem}.")


def variable_problem(name: str) -> str | None:
    """Say why a text cannot name a variable, or return None."""
    if len(name) > MAX_VARIABLE_LENGTH:
        return f"is longer than {MAX_VARIABLE_LENGTH} characters"
    if name == "states":
        return "is reserved"
    # AWS follows Unicode's rules for identifiers (UAX 31), as Python does.
    return None if name.isidentifier() else "is not a variable name; use letters, digits and _"
