"""What a machine must be before its states are looked at: JSON, not too deep, not too large."""

import json
import math
from collections.abc import Iterator

from workflow_manager.states_language.findings import ROOT, Findings, Pointer, members_of, values_in

MAX_DEPTH = 100
"""Levels of arrays and objects. A Parallel takes four, so this is room for more than twenty in one another."""

TOO_DEEP = f"Nested deeper than {MAX_DEPTH} levels; move inner states into a workflow of their own."

MAX_BYTES = 1_048_576
"""AWS refuses a larger definition (CreateStateMachine, definition)."""

EXPRESSION_WEIGHT = 30
"""How many times longer than other text a JSONata expression takes to judge."""

MAX_NUMBER_BITS = 1024
"""The largest double is just below two to this power."""


def check_document(machine: object, found: Findings) -> bool:
    """Note what keeps a value from being JSON of acceptable depth and size; tell whether it can be looked into."""
    sound = _check_values(machine, found)
    if sound:
        _check_size(machine, found)
    return sound


def is_heavy(machine: object, *, characters: int) -> bool:
    """Return whether a value has roughly more than ``characters`` as JSON, without reading more than that.

    Those of JSONata expressions, which are parsed, count many times.
    """
    left = characters
    for value, _ in values_in(machine, ROOT):
        left -= 2
        if isinstance(value, str):
            left -= len(value) * (EXPRESSION_WEIGHT if value.startswith("{%") else 1)
        if isinstance(value, dict):
            left -= sum(len(key) + 3 for key in value)
        if left < 0:
            return True
    return False


def _check_values(machine: object, found: Findings) -> bool:
    sound = True
    start: Iterator[tuple[str | int | None, object]] = iter([(None, machine)])
    depths: list[tuple[int, Pointer, Iterator[tuple[str | int | None, object]]]] = [(1, ROOT, start)]
    while depths:
        depth, place, members = depths[-1]
        for key, value in members:
            problem = None if value is None else _problem(value, depth)
            if problem is None and not isinstance(value, dict | list):
                continue
            here = place if key is None else place / key
            if problem:
                found.add(here, problem)
                sound = False
            else:
                depths.append((depth + 1, here, members_of(value)))
                break
        else:
            depths.pop()
    return sound


def _problem(value: object, depth: int) -> str | None:
    if isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            return TOO_DEEP
        odd = isinstance(value, dict) and any(not isinstance(key, str) or not _encodes(key) for key in value)
        return "A field has a name that is not JSON text; use an ordinary string." if odd else None
    if isinstance(value, str):
        return None if _encodes(value) else "The text holds half of a surrogate pair; use whole characters."
    if isinstance(value, int | float):
        return _number_problem(value)
    kind = type(value).__name__
    return f"A {kind} is not a JSON value; use an object, an array, a string, a number, a boolean or null."


def _number_problem(value: float) -> str | None:
    if isinstance(value, int):
        return None if value.bit_length() <= MAX_NUMBER_BITS else "The number is too large; AWS reads doubles."
    return None if math.isfinite(value) else f"{value} is not a JSON number; use a finite one."


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_size(machine: object, found: Findings) -> None:
    size = len(json.dumps(machine, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_BYTES:
        found.add(
            ROOT, f"The definition has {size:,} bytes and AWS accepts {MAX_BYTES:,}; split it into several workflows."
        )
