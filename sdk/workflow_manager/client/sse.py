"""Parsing of server-sent events from chunks of bytes (WHATWG HTML, section 9.2)."""

from collections.abc import Iterator
from typing import NamedTuple


class ServerEvent(NamedTuple):
    """One event: its type, its data, and the id to resume from (None if there was none yet)."""

    kind: str
    data: bytes
    id: str | None


class EventParser:
    """Assembles events from chunks. Lines end with CR, LF or both; the bytes of a line are not decoded."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._after_return = False
        self._kind = ""
        self._data: list[bytes] = []
        self._id: str | None = None

    def feed(self, piece: bytes) -> Iterator[ServerEvent]:
        """Add a chunk; yield the events that it completes."""
        if not piece:
            return
        after_return, self._after_return = self._after_return, piece.endswith(b"\r")
        if after_return:
            piece = piece.removeprefix(b"\n")
        *ended, rest = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for end in ended:
            line = bytes(self._line) + end
            self._line.clear()
            if (event := self._take(line)) is not None:
                yield event
        self._line += rest

    def _take(self, line: bytes) -> ServerEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"event":
                self._kind = value.decode(errors="replace")
            case b"data":
                self._data.append(value)
            case b"id" if b"\0" not in value:
                self._id = value.decode(errors="replace")
        return None

    def _dispatch(self) -> ServerEvent | None:
        kind, data = self._kind or "message", self._data
        self._kind, self._data = "", []
        return ServerEvent(kind, b"\n".join(data), self._id) if data else None
