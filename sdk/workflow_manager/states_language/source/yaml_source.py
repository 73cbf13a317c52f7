"""Reading YAML text as JSON written differently, with the line of every part."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Final

import yaml

from workflow_manager.states_language.document import MAX_BYTES, MAX_DEPTH, TOO_DEEP
from workflow_manager.states_language.findings import ROOT, Pointer, quoted
from workflow_manager.states_language.source.reading import Part, Reading, repeated, unreadable
from workflow_manager.states_language.substitutions import substitute

MAX_VALUES: Final = 200_000
"""Values in a document after its aliases are followed; a definition of 1 MB has far fewer."""

MAX_ALIASED_BYTES: Final = 4 * MAX_BYTES
"""What aliases may add to the text itself: values stand in memory once, and are written out for every place."""

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_TAG}merge"


class _Loader(yaml.SafeLoader):
    """Resolves plain words by the core schema of YAML 1.2, not by YAML 1.1: ``yes``, ``on`` and times are text.

    Numbers with a leading zero stay text, too: one version reads them as octal, the other as decimal, and what people
    write so are account numbers.
    """


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF"))
_Loader.add_implicit_resolver(f"{_TAG}null", re.compile(r"(?:null|Null|NULL|~|)\Z"), ["n", "N", "~", ""])
_Loader.add_implicit_resolver(
    f"{_TAG}int",
    re.compile(r"(?:[-+]?(?:0|[1-9]\d*+)|0o[0-7]++|0x[0-9a-fA-F]++)\Z", re.ASCII),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(
        r"(?:[-+]?(?:\.\d++|(?:0|[1-9]\d*+)(?:\.\d*+)?)(?:[eE][-+]?\d++)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z",
        re.ASCII,
    ),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver(_MERGE, re.compile(r"<<\Z"), ["<"])


_RESOLVER: Final = _Loader("")


class _RefusedError(Exception):
    """The document cannot be followed to its end."""


def read(text: str, substitutions: Mapping[str, str]) -> Reading:
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
    return _Builder(substitutions, budget=_size(text) + MAX_ALIASED_BYTES).build(node)


class _Builder:
    """Turns nodes into values, following aliases, and keeps the line of each."""

    def __init__(self, substitutions: Mapping[str, str], *, budget: int) -> None:
        self._reading = Reading()
        self._count = 0
        self._budget = budget
        self._substitutions = substitutions

    def build(self, node: yaml.Node) -> Reading:
        self._reading.root = Part(node.start_mark.line + 1)
        try:
            self._reading.value = self._value(node, ROOT, self._reading.root, 1)
        except _RefusedError as refused:
            self._reading.fail(ROOT, str(refused))
        if not self._reading.readable:
            self._reading.value = None
        return self._reading

    def _value(self, node: yaml.Node, pointer: Pointer, part: Part, depth: int) -> object:
        self._guard(depth)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, pointer, part, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return self._sequence(node, pointer, part, depth)
        return self._scalar(node, pointer)

    def _member(
        self, node: yaml.Node, pointer: Pointer, part: Part, depth: int, *, key: str | int, line: int
    ) -> object:
        part.put(key, line)
        inner = part if isinstance(node, yaml.ScalarNode) else part.enter(key, line)
        return self._value(node, pointer / key, inner, depth)

    def _guard(self, depth: int) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise _RefusedError("The aliases multiply into too many values; write the document without them.")
        if depth > MAX_DEPTH + 1:
            raise _RefusedError(TOO_DEEP)

    def _spend(self, text: str) -> None:
        self._budget -= _size(text)
        if self._budget < 0:
            raise _RefusedError("The aliases multiply into too much text; write the document without them.")

    def _sequence(self, node: yaml.SequenceNode, pointer: Pointer, part: Part, depth: int) -> list[object]:
        return [
            self._member(item, pointer, part, depth + 1, key=index, line=item.start_mark.line + 1)
            for index, item in enumerate(node.value)
        ]

    def _mapping(self, node: yaml.MappingNode, pointer: Pointer, part: Part, depth: int) -> dict[str, object]:
        values = self._merged(node, pointer, part, depth)
        own: set[str] = set()
        for key, item in node.value:
            if key.tag == _MERGE:
                continue
            name = substitute(_key(key), self._substitutions)
            self._spend(name)
            if name in own:
                self._reading.note(pointer / name, repeated(name))
            own.add(name)
            values[name] = self._member(item, pointer, part, depth + 1, key=name, line=key.start_mark.line + 1)
        return values

    def _merged(self, node: yaml.MappingNode, pointer: Pointer, part: Part, depth: int) -> dict[str, object]:
        """Return what merge keys (``<<``) bring in; of several, the first wins."""
        values: dict[str, object] = {}
        merges = [item for key, item in node.value if key.tag == _MERGE]
        sources = [source for item in merges for source in (item.value if item.id == "sequence" else [item])]
        for source in reversed(sources):
            if not isinstance(source, yaml.MappingNode):
                raise _RefusedError(f"Line {source.start_mark.line + 1}: a merge key (<<) needs a mapping.")
            self._guard(depth)
            values.update(self._mapping(source, pointer, part, depth + 1))
        return values

    def _scalar(self, node: yaml.Node, pointer: Pointer) -> object:
        if not isinstance(node, yaml.ScalarNode):
            self._reading.fail(pointer, f"The tag {quoted(node.tag)} has no meaning here; write the value out.")
            return None
        text = substitute(node.value, self._substitutions)
        self._spend(text)
        tag = node.tag
        if text is not node.value and node.style is None:
            tag = str(_RESOLVER.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]
        kind = tag.removeprefix(_TAG)
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


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _key(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    raise _RefusedError(f"Line {node.start_mark.line + 1}: a key must be text, not a list or a mapping.")


def _nothing(_text: str) -> None:
    """Read a null."""


def _whole(text: str) -> int:
    return int(text, base=0) if text.startswith(("0x", "0o")) else int(text)


def _finite(text: str) -> float:
    number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_CONSTRUCTORS: Final[Mapping[str, Callable[[str], object]]] = {
    "null": _nothing,
    "bool": {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}.__getitem__,
    "int": _whole,
    "float": _finite,
}
