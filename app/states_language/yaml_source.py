"""Reading YAML text as JSON written differently, with the line of every part."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Final

import yaml

from app.states_language.document import MAX_DEPTH, TOO_DEEP
from app.states_language.findings import child, quoted
from app.states_language.reading import Reading, repeated, unreadable

MAX_VALUES: Final = 200_000
"""Values in a document after its aliases are followed; a definition of 1 MB has far fewer."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"


class _Loader(yaml.SafeLoader):
    """Resolves plain words as JSON does, instead of YAML 1.1: ``yes``, ``on`` and times are text."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"(?:true|false)\Z"), list("tf"))
_Loader.add_implicit_resolver(f"{_TAG}null", re.compile(r"(?:null|~|)\Z"), ["n", "~", ""])
_Loader.add_implicit_resolver(f"{_TAG}int", re.compile(r"-?(?:0|[1-9]\d*)\Z", re.ASCII), list("-0123456789"))
_Loader.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z", re.ASCII),
    list("-0123456789"),
)
_Loader.add_implicit_resolver(_MERGE, re.compile(r"<<\Z"), ["<"])


class _RefusedError(Exception):
    """The document cannot be followed to its end."""


def read(text: str) -> Reading:
    """Parse a YAML text; repeated keys, tags and what has no JSON form are findings."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        line = mark.line + 1 if mark else 1
        return unreadable(line, f"Not YAML: {broken.problem or broken.context} at line {line}.")
    except yaml.YAMLError as broken:
        return unreadable(1, f"Not YAML: {' '.join(str(broken).split())}.")
    except RecursionError:
        return unreadable(1, TOO_DEEP)
    if node is None:
        return unreadable(1, "There is nothing in it.")
    return _Builder().build(node)


class _Builder:
    """Turns nodes into values, following aliases, and keeps the line of each."""

    def __init__(self) -> None:
        self._reading = Reading()
        self._count = 0

    def build(self, node: yaml.Node) -> Reading:
        self._reading.lines[""] = node.start_mark.line + 1
        try:
            self._reading.value = self._value(node, "", 1)
        except _RefusedError as refused:
            self._reading.fail("", str(refused))
        if not self._reading.readable:
            self._reading.value = None
        return self._reading

    def _value(self, node: yaml.Node, pointer: str, depth: int) -> object:
        self._guard(depth)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, pointer, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return self._sequence(node, pointer, depth)
        return self._scalar(node, pointer)

    def _guard(self, depth: int) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise _RefusedError("The aliases multiply into too many values; write the document without them.")
        if depth > MAX_DEPTH + 1:
            raise _RefusedError(TOO_DEEP)

    def _sequence(self, node: yaml.SequenceNode, pointer: str, depth: int) -> list[object]:
        values: list[object] = []
        for index, item in enumerate(node.value):
            place = f"{pointer}/{index}"
            self._reading.lines[place] = item.start_mark.line + 1
            values.append(self._value(item, place, depth + 1))
        return values

    def _mapping(self, node: yaml.MappingNode, pointer: str, depth: int) -> dict[str, object]:
        values = self._merged(node, pointer, depth)
        own: set[str] = set()
        for key, item in node.value:
            if key.tag == _MERGE:
                continue
            name = _key(key)
            place = child(pointer, name)
            if name in own:
                self._reading.note(place, repeated(name))
            own.add(name)
            self._reading.lines[place] = key.start_mark.line + 1
            values[name] = self._value(item, place, depth + 1)
        return values

    def _merged(self, node: yaml.MappingNode, pointer: str, depth: int) -> dict[str, object]:
        """Return what merge keys (``<<``) bring in; of several, the first wins."""
        values: dict[str, object] = {}
        merges = [item for key, item in node.value if key.tag == _MERGE]
        sources = [source for item in merges for source in (item.value if item.id == "sequence" else [item])]
        for source in reversed(sources):
            if not isinstance(source, yaml.MappingNode):
                raise _RefusedError(f"Line {source.start_mark.line + 1}: a merge key (<<) needs a mapping.")
            self._guard(depth)
            values.update(self._mapping(source, pointer, depth + 1))
        return values

    def _scalar(self, node: yaml.Node, pointer: str) -> object:
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG) if isinstance(node, yaml.ScalarNode) else ""
        if kind == "str":
            return text
        if kind not in _CONSTRUCTORS:
            self._reading.fail(pointer, f"The tag {quoted(node.tag)} has no meaning here; write the value out.")
            return None
        try:
            return _CONSTRUCTORS[kind](text)
        except (ValueError, KeyError):
            self._reading.fail(pointer, f"{quoted(text)} cannot be read as a JSON {kind}.")
            return None


def _key(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    raise _RefusedError(f"Line {node.start_mark.line + 1}: a key must be text, not a list or a mapping.")


def _nothing(_text: str) -> None:
    """Read a null."""


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_CONSTRUCTORS: Final[Mapping[str, Callable[[str], object]]] = {
    "null": _nothing,
    "bool": {"true": True, "false": False}.__getitem__,
    "int": int,
    "float": _finite,
}
