"""Collecting what is wrong with a machine: pointers (RFC 6901), sentences, and how a value is quoted in them."""

import json
from collections.abc import Callable, Iterator, Sequence

from app import errors

MAX_SHOWN_LENGTH = 80
"""A quoted value longer than this is cut, so that one finding stays one sentence."""


class Findings:
    """A list of findings that only grows."""

    def __init__(self) -> None:
        self._found: list[errors.Finding] = []

    def add(self, pointer: str, message: str) -> None:
        """Note that something is wrong at a place."""
        self._found.append(errors.Finding(pointer, message))

    def __iter__(self) -> Iterator[errors.Finding]:
        return iter(self._found)


Check = Callable[[object, str, Findings], object]
"""Looks at one value, and notes at its pointer what is wrong with it."""


def child(pointer: str, key: str | int) -> str:
    """Return the pointer of a member or an element."""
    token = str(key)
    if "~" in token or "/" in token:
        token = token.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{token}"


def quoted(value: object) -> str:
    """Show a value in a message: JSON, on one line, cut when long."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = json.dumps(value[:MAX_SHOWN_LENGTH] if isinstance(value, str) else value)
    return text if len(text) <= MAX_SHOWN_LENGTH else f"{text[: MAX_SHOWN_LENGTH - 3]}..."


def listed(names: Sequence[str], word: str = "and") -> str:
    """Write names as a list: ``A, B and C``."""
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
