"""Reading a definition from a file's text, so that each finding can be shown with its line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app import errors
from app.states_language import json_source, yaml_source


@dataclass(frozen=True, slots=True)
class Source:
    """A definition as read from a text."""

    machine: object
    """The parsed JSON; None when the text cannot be read, which ``findings`` then explain."""
    findings: tuple[errors.Finding, ...]
    """What is wrong with the text itself: syntax, repeated keys, values that JSON does not have."""
    readable: bool
    """Whether there is a machine to validate."""
    lines: Mapping[str, int]

    def line(self, pointer: str) -> int:
        """Return the line, counted from 1, of what a pointer leads to, or of the closest thing around it."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


def load(text: str, *, format: Literal["json", "yaml"]) -> Source:  # noqa: A002 -- the word its users know
    """Read a JSON or YAML text.

    JSON is read strictly. YAML is read as JSON written differently: only ``true`` and ``false`` are booleans, times
    stay text, and so does every number that JSON does not write (``010``, ``1_000``, ``.5``). Never raises.
    """
    reader = json_source.read if format == "json" else yaml_source.read
    result = reader(text)
    return Source(result.value, tuple(result.findings), result.readable, result.lines)
