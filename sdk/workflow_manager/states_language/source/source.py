"""Reading a definition from a file's text, so that each finding can be shown with its line."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from workflow_manager import errors
from workflow_manager.states_language.source import json_source, yaml_source
from workflow_manager.states_language.source.reading import Part


@dataclass(frozen=True, slots=True)
class Source:
    """A definition as read from a text."""

    machine: object
    """The parsed JSON; None when the text cannot be read, which ``findings`` then explain."""
    findings: tuple[errors.Finding, ...]
    """What is wrong with the text itself: syntax, repeated keys, values that JSON does not have."""
    readable: bool
    """Whether there is a machine to validate."""
    root: Part

    def line(self, pointer: str) -> int:
        """Return the line, counted from 1, of what a pointer leads to, or of the closest thing around it."""
        return self.root.line_of(pointer)


def load(
    text: str,
    *,
    format: Literal["json", "yaml"],  # noqa: A002 -- the word its users know
    substitutions: Mapping[str, str] = MappingProxyType({}),
) -> Source:
    """Read a JSON or YAML text.

    JSON is read strictly. YAML is read by the core schema of version 1.2: ``yes``, ``no`` and times stay text, and so
    do ``1_000`` and every number with a leading zero. ``substitutions`` are the values of placeholders, by name. Never
    raises.
    """
    reader = json_source.read if format == "json" else yaml_source.read
    result = reader(text, substitutions)
    return Source(result.value, tuple(result.findings), result.readable, result.root)
