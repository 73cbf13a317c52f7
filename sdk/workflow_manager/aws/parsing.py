"""Fast reading of AWS's JSON answers: the same values as botocore's own parser gives, for a fraction of the time.

botocore walks the model of the service again for every value, looking for each member that could be there, and reads
each time through a chain of general parsers. Here the model is walked once for each operation, into functions that look
only at what an answer holds.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pydantic_core
from aiobotocore.parsers import AioJSONParser, AioResponseParserFactory
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import ResponseParser
from botocore.utils import parse_timestamp

JSON_PROTOCOL: Final = "json"
"""Protocol of Step Functions, DynamoDB and SQS: one JSON text is the whole answer."""

Read = Callable[[Any], Any]
"""Turns a value of a JSON text into what callers get."""


class ParserFactory(AioResponseParserFactory):
    """Gives clients the fast parser for JSON, and botocore's own parsers for other protocols."""

    def __init__(self) -> None:
        super().__init__()
        self._json_parser = JSONParser()

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """Return a parser; that for JSON is one for all answers, since it keeps what it learnt of the model."""
        if protocol_name == JSON_PROTOCOL:
            return self._json_parser
        return super().create_parser(protocol_name)


class JSONParser(AioJSONParser):
    """Reads what ``AioJSONParser`` reads; only the time zone of times is always UTC."""

    def __init__(self) -> None:
        super().__init__(timestamp_parser=read_time)
        # Shapes are few, one for each operation and error that was met, and live as long as their client anyway.
        self._readers: dict[Shape, Read | None] = {}

    def _parse_shape(self, shape: Shape, node: Any) -> Any:
        try:
            read = self._readers[shape]
        except KeyError:
            read = self._readers[shape] = _Compiler(super()._parse_shape).reader(shape)  # type: ignore[misc]  # not in the stubs
        return read(node) if read else node

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        try:
            return pydantic_core.from_json(body_contents)
        except ValueError:
            # It is stricter than the standard library in some corners, and knows no words for an answer without JSON.
            return super()._parse_body_as_json(body_contents)  # type: ignore[misc]  # not in the stubs


def read_time(value: Any) -> datetime:
    """Read a time as AWS writes it, in seconds since 1970; other forms are left to botocore."""
    if type(value) is float or type(value) is int:
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OSError, OverflowError, ValueError):
            pass  # botocore has other ways to count that far
    return parse_timestamp(value)


class _Compiler:
    """Makes the reader of a shape and of all that it holds: None for what is left as it is.

    ``general`` reads the kinds of shapes that are rare.
    """

    def __init__(self, general: Callable[[Shape, Any], Any]) -> None:
        self._general = general
        self._structures: dict[str, Read] = {}

    def reader(self, shape: Shape) -> Read | None:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return self._map(shape)
        if shape.type_name == "timestamp":
            return read_time
        if shape.type_name == "blob":
            return lambda value: self._general(shape, value)
        return None

    def _structure(self, shape: StructureShape) -> Read | None:
        if shape.is_document_type:
            return None
        if shape.is_tagged_union or not shape.members:
            return lambda value: self._general(shape, value)
        if shape.name in self._structures:
            return self._structures[shape.name]
        members: dict[str, tuple[str, Read | None]] = {}

        def read(value: Any) -> Any:
            if value is None:
                return None
            found = {}
            for json_name, item in value.items():
                member = members.get(json_name)
                if item is not None and member is not None:
                    name, read_item = member
                    found[name] = read_item(item) if read_item else item
            return found

        self._structures[shape.name] = read  # before its members, for shapes that hold themselves
        for name, member in shape.members.items():
            members[member.serialization.get("name", name)] = (name, self.reader(member))
        return read

    def _list(self, shape: ListShape) -> Read:
        read = self.reader(shape.member)
        return (lambda items: [read(item) for item in items]) if read else list

    def _map(self, shape: MapShape) -> Read:
        read_key, read_value = self.reader(shape.key), self.reader(shape.value)

        def read(items: Any) -> Any:
            return {
                read_key(key) if read_key else key: read_value(value) if read_value else value
                for key, value in items.items()
            }

        return read
