"""What people type or point to: ``NAME:VERSION``, ``key=value``, JSON text, ``@file``, ``-``."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from app import errors, models, strict_json

STANDARD_INPUT = "-"
_VERSIONED = re.compile(r"(?P<name>.+):(?P<version>-1|[0-9]{1,18})", re.ASCII | re.DOTALL)

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


def read_input(argument: str) -> str:
    """Read a workflow input: JSON text, ``@file``, or ``-`` for standard input. It must be a JSON object."""
    names_file = argument == STANDARD_INPUT or argument.startswith("@")
    text = read_text(argument.removeprefix("@")) if names_file else argument
    if not isinstance(parse_json(text, what="The input"), dict):
        raise errors.InvalidRequest("The input must be a JSON object, such as {} or @file or - for standard input.")
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
