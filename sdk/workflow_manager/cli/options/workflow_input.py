"""Reading the input of a workflow: JSON text, ``@file``, ``-``, and ``a.b=1``."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow_manager import errors, strict_json

STANDARD_INPUT = "-"
_DOT = re.compile(r"(?<!\\)\.")
_ELEMENT = re.compile(r"[0-9]{1,6}", re.ASCII)


def read_input(argument: str, *, changes: Sequence[str] = ()) -> str:
    """Read a workflow input: JSON text, ``@file``, or ``-`` for standard input. It must be a JSON object.

    ``changes``, such as ``a.b=1``, are applied in order; without any, the text is returned as it is.
    """
    names_file = argument == STANDARD_INPUT or argument.startswith("@")
    text = read_text(argument.removeprefix("@")) if names_file else argument
    value = parse_json(text, what="The input")
    if not isinstance(value, dict):
        raise errors.InvalidRequest("The input must be a JSON object, such as {} or @file or - for standard input.")
    if not changes:
        return text
    for change in changes:
        _set(value, change)
    return json.dumps(value, ensure_ascii=False)


def _set(document: dict[str, Any], change: str) -> None:
    """Set one value, creating missing objects; a number selects a list element."""
    path, separator, text = change.partition("=")
    keys = [key.replace("\\.", ".") for key in _DOT.split(path)]
    if not separator or "" in keys:
        raise errors.InvalidRequest(f"--set takes A.B=VALUE, not {change!r}.")
    holder: Any = document
    for key, after in zip(keys, [*keys[1:], None], strict=True):
        place = _place(holder, key, change=change)
        if after is None:
            holder[place] = _value(text)
        elif isinstance(holder, dict):
            holder = holder.setdefault(key, {})
        else:
            holder = holder[place]


def _place(holder: object, key: str, *, change: str) -> str | int:
    """Return the key or the index for ``key``; the index after the last element extends the list."""
    if isinstance(holder, dict):
        return key
    if not isinstance(holder, list):
        raise errors.InvalidRequest(f"Cannot set {change!r}: the parent of {key!r} is neither an object nor a list.")
    number = int(key) if _ELEMENT.fullmatch(key) else -1
    if not 0 <= number <= len(holder):
        raise errors.InvalidRequest(
            f"Cannot set {change!r}: {key!r} is not an index of a list with {len(holder)} elements."
        )
    if number == len(holder):
        holder.append({})
    return number


def _value(text: str) -> Any:
    """Parse a value as JSON; anything else is text."""
    try:
        return strict_json.loads(text)
    except errors.InvalidRequest:
        return text


def read_text(path: str) -> str:
    """Read a file, or standard input for ``-``, as UTF-8."""
    try:
        content = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
        return content.decode("utf-8-sig")  # editors on Windows mark the beginning
    except OSError as error:
        raise errors.InvalidRequest(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise errors.InvalidRequest(f"Cannot read {path}: it is not UTF-8 text.") from error


def parse_json(text: str, *, what: str) -> Any:
    """Parse strict JSON; the error names ``what``."""
    try:
        return strict_json.loads(text)
    except errors.InvalidRequest as error:
        raise errors.InvalidRequest(f"{what} is {error.message}.") from error
