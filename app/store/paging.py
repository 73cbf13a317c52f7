"""Opaque page tokens: where in the order of a listing the next page begins."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeVar

from workflow_manager import errors

MILLISECOND: Final = timedelta(milliseconds=1)

T = TypeVar("T", str, int)


class Position(NamedTuple):
    """Place of one workflow in the order of listings: its time of creation, then its id."""

    created_at: datetime
    workflow_id: str


def encode(position: Position) -> str:
    """Write a position as a token that is safe in a URL."""
    milliseconds = round(position.created_at.timestamp() * 1000)
    text = json.dumps([milliseconds, position.workflow_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def between(last_read: Position, *, shown: Sequence[Position], oldest_first: bool) -> Position:
    """Return where a page begins after one that was read up to a place that its reader may not know.

    It is the last place shown, if that is of the same millisecond; otherwise the millisecond alone, which begins with
    what was read and not shown.
    """
    if shown and shown[-1].created_at == last_read.created_at:
        return shown[-1]
    return Position(last_read.created_at if oldest_first else last_read.created_at + MILLISECOND, "")


def encode_key(key: str | int) -> str:
    """Write where a page of definitions ends as a token that is safe in a URL."""
    return base64.urlsafe_b64encode(json.dumps([key]).encode()).decode().rstrip("=")


def decode_key(token: str, kind: type[T]) -> T:
    """Read a token of ``encode_key`` back. Raises ``InvalidPageToken``."""
    try:
        (key,) = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError) as invalid:
        raise errors.InvalidPageToken from invalid
    if type(key) is not kind:
        raise errors.InvalidPageToken
    return key


def decode(token: str) -> Position:
    """Read a token back. Raises ``InvalidPageToken`` for anything that ``encode`` did not write."""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        milliseconds, workflow_id = json.loads(text)
        position = Position(datetime.fromtimestamp(milliseconds / 1000, tz=UTC), workflow_id)
        well_formed = isinstance(workflow_id, str) and workflow_id.encode() is not None and encode(position) == token
    except (binascii.Error, ValueError, TypeError, OverflowError, OSError, RecursionError) as invalid:
        raise errors.InvalidPageToken from invalid
    if not well_formed:
        raise errors.InvalidPageToken
    return position
