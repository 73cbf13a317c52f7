"""Collecting what is wrong with a machine: pointers (RFC 6901), sentences, and how a value is quoted in them."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from workflow_manager import errors

MAX_SHOWN_LENGTH = 80
"""A quoted value longer than this is cut, so that one finding stays one sentence."""

MAX_TOKEN_LENGTH: Final = 128
"""Characters of a key in a pointer; the names of states and of their fields are shorter."""

MAX_POINTER_LENGTH: Final = 1_000
"""Characters of a pointer. Ten Parallels in one another need fewer."""

MAX_FINDINGS: Final = 1_000
"""More are no help, and would make the response much larger than the request."""

MAX_WARNINGS: Final = 200
"""Warnings among the findings; they must leave room for errors."""

MAX_TEXT_LENGTH: Final = 262_144
"""Characters of all pointers and messages together."""

_HEAD: Final = 3 / 4
"""The share of what is shortened that is its beginning."""


class Pointer:
    """The place of a value in a document: the place of what holds it, and its key there.

    Every value has one and few are ever shown, so the text (RFC 6901) is written on demand only.
    """

    __slots__ = ("_key", "_parent")

    def __init__(self, parent: "Pointer | None" = None, key: str | int = "") -> None:
        self._parent = parent
        self._key = key

    def __truediv__(self, key: str | int) -> "Pointer":
        """Return the pointer of a member or an element."""
        return Pointer(self, key)

    def __str__(self) -> str:
        """Write it; long keys are shortened, and so is the whole."""
        return shortened("".join(f"/{token(key)}" for key in self._keys()), MAX_POINTER_LENGTH)

    def find(self, document: Any) -> object:
        """Return the value at this place of a document, or None when there is nothing."""
        try:
            for key in self._keys():
                document = document[key]
        except (KeyError, IndexError, TypeError):
            return None
        return document

    def _keys(self) -> list[str | int]:
        keys: list[str | int] = []
        place = self
        while place._parent is not None:
            keys.append(place._key)
            place = place._parent
        return keys[::-1]


ROOT: Final = Pointer()


class Findings:
    """A list of findings that only grows, up to a limit; what is beyond it is counted."""

    def __init__(self) -> None:
        self._found: list[errors.Finding] = []
        self._length = 0
        self.unknown = 0
        """Fields not known that were compared with those known, which has a budget, too."""
        self.parsed = 0
        """Characters of expressions that were given to a parser, which has a budget."""
        self._counts = dict.fromkeys(errors.Severity, 0)

    def add(self, pointer: Pointer, message: str) -> None:
        """Note that something is wrong at a place."""
        self.note(pointer, message, errors.Severity.ERROR)

    def warn(self, pointer: Pointer, message: str) -> None:
        """Note what AWS accepts, and what is hardly meant."""
        self.note(pointer, message, errors.Severity.WARNING)

    @property
    def error_count(self) -> int:
        """How many errors were noted, shown or not."""
        return self._counts[errors.Severity.ERROR]

    def __iter__(self) -> Iterator[errors.Finding]:
        yield from self._found
        dropped = sum(self._counts.values()) - len(self._found)
        if dropped:
            severity = errors.Severity.ERROR if self._counts[errors.Severity.ERROR] else errors.Severity.WARNING
            yield errors.Finding("", f"There is more than is shown here: {dropped:,} further findings.", severity)

    def note(self, pointer: Pointer, message: str, severity: errors.Severity) -> None:
        """Note something of a severity."""
        self._counts[severity] += 1
        if self._has_room(severity):
            finding = errors.Finding(str(pointer), message, severity)
            self._length += len(finding.pointer) + len(message)
            self._found.append(finding)

    def _has_room(self, severity: errors.Severity) -> bool:
        """Tell whether to show one more; the first error always is."""
        count = self._counts[severity]
        if severity is errors.Severity.ERROR and count == 1:
            return True
        most = MAX_WARNINGS if severity is errors.Severity.WARNING else MAX_FINDINGS - MAX_WARNINGS - 1
        return count <= most and self._length < MAX_TEXT_LENGTH


Check = Callable[[object, Pointer, Findings], object]
"""Looks at one value, and notes at its pointer what is wrong with it."""


def values_in(value: object, pointer: Pointer) -> Iterator[tuple[object, Pointer]]:
    """Yield a value and all in it, outer ones first and in their order, holding no more than the way to one of them."""
    yield value, pointer
    ways = [(pointer, members_of(value))]
    while ways:
        place, members = ways[-1]
        for key, inner in members:
            here = place / key
            yield inner, here
            if isinstance(inner, dict | list):
                ways.append((here, members_of(inner)))
                break
        else:
            ways.pop()


def members_of(value: object) -> Iterator[tuple[Any, object]]:
    """Yield the keys and values of an object or array; nothing else has any."""
    if isinstance(value, dict):
        return iter(value.items())
    return iter(enumerate(value)) if isinstance(value, list) else iter(())


def token(key: str | int) -> str:
    """Return a key as it stands in a pointer, shortened when long."""
    if isinstance(key, int):
        return str(key)
    text = shortened(key, MAX_TOKEN_LENGTH)
    return text.replace("~", "~0").replace("/", "~1") if "~" in text or "/" in text else text


def shortened(text: str, length: int) -> str:
    """Return a text whole, or its beginning and end when it is longer."""
    if len(text) <= length:
        return text
    head = int(length * _HEAD)
    return f"{text[:head]}…{text[head + 1 - length :]}"


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
