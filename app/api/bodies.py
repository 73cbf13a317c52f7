"""Large answers: sent in pieces, as fast as their readers take them, and kept once however many read the same."""

from collections.abc import Iterable, Iterator
from typing import Final
from weakref import WeakValueDictionary

from fastapi import Response
from pydantic import BaseModel
from starlette.types import Message, Send

PAGE_BYTES: Final = 8 * 1024 * 1024
"""Largest page of a listing, unless its first entry alone is larger."""

SHARED_BYTES: Final = 256 * 1024
"""Smaller answers are not worth looking for an equal one."""

PIECE_BYTES: Final = 64 * 1024
"""More is not handed to a connection at once: what its reader has not taken is a copy of its own."""


class Body:
    """The bytes of an answer."""

    def __init__(self, content: bytes) -> None:
        self.content = content


class Bodies:
    """The large answers that are being sent."""

    def __init__(self) -> None:
        self._bodies: WeakValueDictionary[int, Body] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._bodies)

    def response(self, content: bytes, *, headers: dict[str, str] | None = None) -> Response:
        """Return a JSON response; equal responses that are being sent share their bytes."""
        if len(content) < SHARED_BYTES:
            return Response(content, headers=headers, media_type="application/json")
        return _SharedResponse(self.share(content), headers=headers)

    def share(self, content: bytes) -> Body:
        """Return large bytes as they are kept already, if they are; small ones are worth no search."""
        if len(content) < SHARED_BYTES:
            return Body(content)
        body = self._bodies.get(hash(content))
        if body is None or body.content != content:
            body = self._bodies[hash(content)] = Body(content)
        return body


class _SharedResponse(Response):
    media_type = "application/json"

    def __init__(self, body: Body, headers: dict[str, str] | None) -> None:
        super().__init__(body.content, headers=headers)
        self._shared = body


def dump(model: BaseModel) -> bytes:
    """Write a model as every answer does."""
    return model.model_dump_json(by_alias=True, exclude_none=True).encode()


async def send_in_pieces(message: Message, send: Send) -> None:
    """Send a part of a body; each piece waits until the reader has taken what went before."""
    body: bytes = message.get("body", b"")
    if len(body) <= PIECE_BYTES:
        await send(message)
        return
    more = message.get("more_body", False)
    for piece, last in _pieces(body):
        await send({"type": message["type"], "body": piece, "more_body": more or not last})


def _pieces(body: bytes) -> Iterator[tuple[bytes, bool]]:
    for start in range(0, len(body), PIECE_BYTES):
        end = start + PIECE_BYTES
        yield bytes(body[start:end]), end >= len(body)


def page(entries: Iterable[bytes], *, most: int = PAGE_BYTES) -> tuple[bytes, int]:
    """Return as many entries as a page has room for as a JSON list, at least one, and how many they are."""
    kept: list[bytes] = []
    size = 0
    for entry in entries:
        size += len(entry) + 1
        if kept and size > most:
            break
        kept.append(entry)
    return b"[" + b",".join(kept) + b"]", len(kept)
