"""What people type or point to: ``NAME:VERSION``, ``key=value``, JSON text, ``@file``, ``-``, ``a.b=1``."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from app import errors, models, strict_json

STANDARD_INPUT = "-"
_VERSIONED = re.compile(r"(?P<name>.+):(?P<version>-1|[0-9]{1,18})", re.ASCII | re.DOTALL)
_DOT = re.compile(r"(?<!\\)\.")
_ELEMENT = re.compile(r"[0-9]{1,6}", re.ASCII)

M = TypeVar("M", bound=pydantic.BaseModel)


def parse_definition(text: str) -> tuple[str, int | None]:
    """Split ``NAME[:VERSION]``; names may hold colons, so only a number counts as a version (-1 = the latest)."""
    match = _VERSIONED.fullmatch(text)
    if match is None:
        return text, None
    version = int(match["version"])
    return match["name"], None if version == -1 else version


def parse_tags(pairs: Iterable[str]) -> models.Tags:
    """Read ``key=value`` pairs; the last one of a key wins."""
    tags: models.Tags = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not (key and separator):
            raise errors.InvalidRequest(f"A tag is written key=value, not {pair!r}.")
        tags[key] = value
    return tags


def read_input(argument: str, *, changes: Sequence[str] = ()) -> str:
    """Read a workflow input: JSON text, ``@file``, or ``-`` for standard input. It must be a JSON object.

    ``changes`` are ``a.b=1`` each, made in their order; without any, the text is left as it was written.
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
    """Set one value; objects on the way are made, elements of lists are named by their numbers."""
    path, separator, text = change.partition("=")
    keys = [key.replace("\\.", ".") for key in _DOT.split(path)]
    if not separator or "" in keys:
        raise errors.InvalidRequest(f"A change of the input is written a.b=value, not {change!r}.")
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
    """Return the key or the number that names a place; one after the last element makes room for it."""
    if isinstance(holder, dict):
        return key
    if not isinstance(holder, list):
        raise errors.InvalidRequest(f"Cannot set {change!r}: {key!r} would be in what is no object and no list.")
    number = int(key) if _ELEMENT.fullmatch(key) else -1
    if not 0 <= number <= len(holder):
        raise errors.InvalidRequest(f"Cannot set {change!r}: {key!r} is no element of a list of {len(holder)}.")
    if number == len(holder):
        holder.append({})
    return number


def _value(text: str) -> Any:
    """Read a value as JSON; what is none is text."""
    try:
        return strict_json.loads(text)
    except errors.InvalidRequest:
        return text


def read_text(path: str) -> str:
    """Read a file, or standard input for ``-``, as UTF-8."""
    try:
        content = sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
        return content.decode()
    except OSError as error:
        raise errors.InvalidRequest(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise errors.InvalidRequest(f"Cannot read {path}: it is not UTF-8 text.") from error


def parse_json(text: str, *, what: str) -> Any:
    """Parse strict JSON; the error says what was not."""
    try:
        return strict_json.loads(text)
    except errors.InvalidRequest as error:
        raise errors.InvalidRequest(f"{what} is {error.message}.") from error


def make(model: type[M], **fields: Any) -> M:
    """Build a request; the error names the field in question as the API does."""
    try:
        return model(**fields)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise errors.InvalidRequest(f"{where}: {first['msg']}.") from error
