"""Checks of single values: text, numbers and their ranges, one of a few words, times, lists of objects."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final, TypeGuard

from workflow_manager.states_language.findings import Check, Findings, Pointer, listed, quoted

MAX_SECONDS: Final = 99_999_999
"""The longest timeout, wait or interval AWS accepts."""

_TIMESTAMP: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d++)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def any_value(_value: object, _pointer: Pointer, _found: Findings) -> None:
    """Accept every JSON value."""


def text(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a string."""
    if not isinstance(value, str):
        found.add(pointer, f"This must be a string, not {quoted(value)}.")


def boolean(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        found.add(pointer, f"This must be true or false, not {quoted(value)}.")


def number(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a number."""
    if not is_number(value):
        found.add(pointer, f"This must be a number, not {quoted(value)}.")


def timestamp(value: object, pointer: Pointer, found: Findings) -> None:
    """Accept a time as the States Language writes it: RFC 3339 with upper-case ``T`` and ``Z``."""
    if not is_timestamp(value):
        found.add(pointer, f"{quoted(value)} is not a time; write one like 2030-01-31T08:00:00Z.")


def one_of(*words: str) -> Check:
    """Make a check that accepts these words only."""

    wanted = listed([quoted(word) for word in words], "or")

    def check(value: object, pointer: Pointer, found: Findings) -> None:
        if value not in words:
            found.add(pointer, f"{quoted(value)} is not known here; use {wanted}.")

    return check


def whole(minimum: int, maximum: int | None = None) -> Check:
    """Make a check that accepts whole numbers of a range."""
    wanted = f"a whole number from {minimum} to {maximum}" if maximum else f"a whole number, at least {minimum}"

    def check(value: object, pointer: Pointer, found: Findings) -> None:
        if not _is_whole(value) or value < minimum or (maximum is not None and value > maximum):
            found.add(pointer, f"This must be {wanted}, not {quoted(value)}.")

    return check


def at_least(minimum: float, maximum: float | None = None) -> Check:
    """Make a check that accepts numbers of a range."""
    wanted = f"a number from {minimum} to {maximum}" if maximum else f"a number, at least {minimum}"

    def check(value: object, pointer: Pointer, found: Findings) -> None:
        if not is_number(value) or value < minimum or (maximum is not None and value > maximum):
            found.add(pointer, f"This must be {wanted}, not {quoted(value)}.")

    return check


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a JSON value is a number; Python counts booleans as such."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[float]:
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def is_timestamp(value: object) -> bool:
    """Tell whether a value is a time of a day that exists."""
    match = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return False
    # A leap second is a time (RFC 3339, 5.6), though Python has none.
    day, clock = match[1], re.sub(r":60$", ":59", match[2])
    try:
        datetime.fromisoformat(f"{day}T{clock}+00:00")
    except ValueError:
        return False
    return True


def is_object(value: object, pointer: Pointer, found: Findings) -> TypeGuard[dict[str, object]]:
    """Tell whether a value is an object, and note when it is not."""
    if isinstance(value, dict):
        return True
    found.add(pointer, f"This must be an object, not {quoted(value)}.")
    return False


def objects(value: object, pointer: Pointer, found: Findings) -> Iterator[tuple[dict[str, object], Pointer]]:
    """Yield the objects of a list with their pointers, and note everything else."""
    if not isinstance(value, list):
        found.add(pointer, f"This must be an array of objects, not {quoted(value)}.")
        return
    for index, item in enumerate(value):
        place = pointer / index
        if is_object(item, place, found):
            yield item, place
