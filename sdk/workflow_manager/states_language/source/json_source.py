"""Reading JSON text strictly, with the line of every part."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workflow_manager.states_language.document import MAX_DEPTH, TOO_DEEP
from workflow_manager.states_language.findings import ROOT, Pointer
from workflow_manager.states_language.source.reading import Part, Reading, repeated, unreadable
from workflow_manager.states_language.substitutions import substitute_json

_MARK: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s{}\[\],:"]++')
_NUMBER_START: Final = frozenset("-0123456789NI")


def read(text: str, substitutions: Mapping[str, str]) -> Reading:
    """Parse a JSON text; NaN, infinite numbers and repeated keys are findings."""
    text = substitute_json(text, substitutions)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as broken:
        return unreadable(broken.lineno, f"Not JSON: {broken.msg} at line {broken.lineno}, column {broken.colno}.")
    except RecursionError:
        return unreadable(1, TOO_DEEP)
    except ValueError as refused:
        return unreadable(1, f"Not JSON that can be read: {refused}.")
    reading = Reading(value)
    _locate(text, reading)
    if not reading.readable:
        reading.value = None
    return reading


@dataclass(slots=True)
class _Container:
    """An object or array that is being read."""

    pointer: Pointer
    part: Part
    keys: set[str] | None
    """The keys so far; None in an array."""
    key: str | int | None = 0
    """The place of the next value; None where a key comes first."""


def _locate(text: str, reading: Reading) -> None:
    """Walk the tokens of a text that is known to be JSON, and note lines, repeated keys and infinite numbers."""
    stack: list[_Container] = []
    line, position = 1, 0
    for match in _MARK.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        mark = match[0]
        top = stack[-1] if stack else None
        if len(stack) > MAX_DEPTH:
            reading.fail(ROOT, TOO_DEEP)
            return
        if mark in "}]":
            stack.pop()
        elif mark == ",":
            _next_place(top)
        elif mark != ":":
            _read_mark(mark, line, stack, top, reading)


def _next_place(top: _Container | None) -> None:
    if top is not None:
        top.key = top.key + 1 if isinstance(top.key, int) else None


def _read_mark(mark: str, line: int, stack: list[_Container], top: _Container | None, reading: Reading) -> None:
    if top is not None and top.keys is not None and top.key is None:
        _read_key(json.loads(mark), line, top, top.keys, reading)
        return
    if mark in "{[":
        stack.append(_enter(top, line, reading, keys=set() if mark == "{" else None))
        return
    if top is not None and isinstance(top.key, int):
        top.part.put(top.key, line)
    if mark[0] in _NUMBER_START and not math.isfinite(float(mark)):
        pointer = ROOT if top is None or top.key is None else top.pointer / top.key
        reading.fail(pointer, f"{mark[:40]} is not a number that JSON can hold.")


def _enter(top: _Container | None, line: int, reading: Reading, *, keys: set[str] | None) -> _Container:
    key = 0 if keys is None else None
    if top is None or top.key is None:
        reading.root = Part(line)
        return _Container(ROOT, reading.root, keys, key)
    return _Container(top.pointer / top.key, top.part.enter(top.key, line), keys, key)


def _read_key(key: str, line: int, top: _Container, keys: set[str], reading: Reading) -> None:
    if key in keys:
        reading.note(top.pointer / key, repeated(key))
    keys.add(key)
    top.key = key
    top.part.put(key, line)
