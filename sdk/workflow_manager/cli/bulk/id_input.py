"""Workflow ids on standard input: one per line, or JSON documents with an ``id``."""

import json
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

from workflow_manager import errors

_ID: Final = re.compile(r"[\w.-]+", re.ASCII)
EXCERPT_CHARACTERS: Final = 60
STANDARD_INPUT: Final = "-"


def read_ids() -> list[str]:
    """Read ids from standard input. Raises ``InvalidRequest`` if anything else is among them."""
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError as error:
        raise _refusal("it is not UTF-8 text") from error
    return parse_ids(text)


def expand_ids(words: Sequence[str]) -> tuple[str, ...]:
    """Return the ids without duplicates; a dash stands for those on standard input."""
    ids: list[str] = []
    for word in words:
        ids += read_ids() if word == STANDARD_INPUT else [word]
    return tuple(dict.fromkeys(ids))


def parse_ids(text: str) -> list[str]:
    """Parse ids: one per line, or JSON objects with an ``id``, one per line or in a list."""
    if text.lstrip().startswith(("[", "{")):
        return [_id_of(document) for document in _documents(text)]
    words = [line.strip() for line in text.splitlines()]
    for number, word in enumerate(words, start=1):
        if word and not _ID.fullmatch(word):
            raise _refusal(f"line {number} is not an id: {word[:EXCERPT_CHARACTERS]}")
    return [word for word in words if word]


def _documents(text: str) -> list[Any]:
    try:
        whole = json.loads(text)
    except ValueError:
        return [_document(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return whole if isinstance(whole, list) else [whole]


def _document(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise _refusal(f"line {number} is not JSON") from error


def _id_of(document: Any) -> str:
    found = document.get("id") if isinstance(document, dict) else None
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise _refusal("a document has no id")
    return found


def _refusal(why: str) -> errors.InvalidRequest:
    return errors.InvalidRequest(
        f"Cannot read workflow ids from standard input: {why}. Give one id per line (-o id), or the output of -o json."
    )
