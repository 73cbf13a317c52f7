"""Which workflows a reader may see: globs of namespaces and of definitions."""

from collections.abc import Sequence
from typing import Final, NamedTuple

EVERYTHING: Final = "*"

Globs = tuple[str, ...]
"""Names in which `*` stands for any number of characters."""


class Visible(NamedTuple):
    """The workflows of which the namespace and the definition match both globs of one of the pairs."""

    pairs: tuple[tuple[Globs, Globs], ...]

    def shows(self, namespace: str, definition: str) -> bool:
        """Tell whether a workflow may be seen."""
        return any(
            matches_any(namespaces, namespace) and matches_any(definitions, definition)
            for namespaces, definitions in self.pairs
        )


def matches_any(globs: Sequence[str], name: str) -> bool:
    """Tell whether a name matches one of the globs."""
    return any(glob in {EVERYTHING, name} or matches(glob, name) for glob in globs)


def matches(glob: str, name: str) -> bool:
    """Tell whether a name matches a glob. A regular expression of many stars would take ages to say no."""
    first, *parts = glob.split("*")
    if not parts:
        return name == first
    *middle, last = parts
    end = len(name) - len(last)
    if end < len(first) or not (name.startswith(first) and name.endswith(last)):
        return False
    place = len(first)
    for part in middle:
        found = name.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
