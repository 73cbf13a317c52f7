"""JSONata strings: ``{% expression %}``.

The frame is checked, that quotes and brackets are closed, and the grammar. What an expression means is left to AWS.
"""

import re
from functools import lru_cache
from typing import Final

from workflow_manager.states_language.findings import Check, Findings, Pointer, quoted, values_in

OPEN: Final = "{%"
CLOSE: Final = "%}"

_TOKEN: Final = re.compile(
    r"""(?P<comment>/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/)|(?P<text>"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+'|`[^`]*+`)|(?P<other>[][(){}"'`/])""",
    re.DOTALL,
)
_ANY: Final = re.compile("")
_PAIRS: Final = {")": "(", "]": "[", "}": "{"}


UNKNOWN_ESCAPE: Final = "A backslash escapes nothing that is known, or a regular expression is empty"
"""What error S0301 of the parser stands for, which it puts otherwise."""

MAX_PARSED_LENGTH: Final = 4_096
"""Characters of an expression that is parsed. The parser takes the square of the steps of a path."""

MAX_PARSED_STEPS: Final = 200
"""Dots in such an expression."""

MAX_PARSED: Final = 100_000
"""Characters of all expressions that are parsed for one machine."""


def is_expression(value: object) -> bool:
    """Tell whether a value is a JSONata string."""
    return isinstance(value, str) and len(value) >= 4 and value.startswith(OPEN) and value.endswith(CLOSE)


def text_problem(text: str) -> str | None:
    """Say why a text, which may be plain, is a broken JSONata string, or return None."""
    if not is_expression(text):
        framed = text.startswith(OPEN) or text.endswith(CLOSE)
        return "must start with {% and end with %}, without spaces around, to be evaluated" if framed else None
    expression = text[len(OPEN) : -len(CLOSE)]
    if not expression.strip():
        return "holds no expression"
    return _expression_problem(expression)


def _expression_problem(expression: str) -> str | None:
    opened: list[str] = []
    for token in _TOKEN.finditer(expression):
        character = token["other"]
        if character is None:
            continue
        # A slash divides or starts a regular expression, which only a parser can tell; what follows is left to AWS.
        if character == "/":
            return None
        if character in "\"'`":
            return f"has a {character} that is not closed"
        if character in "([{":
            opened.append(character)
        elif not opened or opened.pop() != _PAIRS[character]:
            return f"has a {character} that closes nothing"
    return f"has a {opened[-1]} that is not closed" if opened else None


def expression(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a JSONata string only."""
    if not is_expression(value):
        found.add(pointer, f"This must be a JSONata string such as {{% $states.input.field %}}, not {quoted(value)}.")
    else:
        _check_text(str(value), pointer, found)


def template(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept any JSON; the JSONata strings in it must be sound."""
    for item, place in values_in(value, pointer):
        if isinstance(item, str):
            _check_text(item, place, found)


def object_template(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept an object whose JSONata strings are sound, or one JSONata string."""
    if isinstance(value, dict) or is_expression(value):
        template(value, pointer, found)
    else:
        found.add(pointer, f"This must be an object or a JSONata string ({{% ... %}}), not {quoted(value)}.")


def or_expression(check: Check) -> Check:
    """Make a check that accepts a JSONata string as well."""

    def check_either(value: object, pointer: Pointer, found: Findings) -> None:
        if is_expression(value):
            _check_text(str(value), pointer, found)
        else:
            check(value, pointer, found)

    return check_either


def _check_text(text: str, pointer: Pointer, found: Findings) -> None:
    problem = text_problem(text)
    if problem is None and is_expression(text):
        problem = _grammar_problem(text[len(OPEN) : -len(CLOSE)], pointer, found)
    if problem:
        found.add(pointer, f"{quoted(text)} {problem}.")


def _grammar_problem(expression: str, pointer: Pointer, found: Findings) -> str | None:
    if len(expression) > MAX_PARSED_LENGTH or expression.count(".") > MAX_PARSED_STEPS:
        found.warn(pointer, f"The expression has {len(expression):,} characters; its grammar is left to AWS.")
        return None
    found.parsed += len(expression)
    return syntax_problem(expression) if found.parsed <= MAX_PARSED else None


@lru_cache(maxsize=256)
def syntax_problem(expression: str) -> str | None:
    """Say why an expression is none of JSONata, or return None; what the parser itself fails at is left to AWS."""
    # Importing it takes 0.3 s, which machines without JSONata need not wait for.
    from jsonata.jexception import JException  # noqa: PLC0415
    from jsonata.parser import Parser  # noqa: PLC0415

    try:
        # The end of a comment is only seen when something follows; patterns are Java's, which Python may not know.
        Parser().parse(f"{expression} ", lambda _pattern, _flags: _ANY)
    except JException as refusal:
        said = UNKNOWN_ESCAPE if refusal.error == "S0301" else str(refusal).strip().rstrip(".")
        return f"is not JSONata: {said}"
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None
    return None


def text(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a string, plain or JSONata."""
    if isinstance(value, str):
        _check_text(value, pointer, found)
    else:
        found.add(pointer, f"This must be a string, not {quoted(value)}.")
