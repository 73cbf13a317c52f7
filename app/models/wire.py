"""What all models of the API share: JSON names, frozenness, the format of times."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel


@lru_cache(maxsize=1024)  # most times are written several times: in one answer, and in every answer about a workflow
def format_time(moment: datetime) -> str:
    """Write a time as RFC 3339 in UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_milliseconds(moment: datetime) -> datetime:
    """Cut a time to the precision that is shown, so that what is stored equals what is read."""
    beyond = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - beyond) if beyond else moment


def now() -> datetime:
    """Return the present in UTC, in the precision that is kept and shown."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def _truncate(value: object) -> object:
    return to_milliseconds(value) if isinstance(value, datetime) else value


Timestamp = Annotated[
    datetime,
    BeforeValidator(_truncate),
    PlainSerializer(format_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


class Response(BaseModel):
    """Base of what the service answers: frozen, camelCase on the wire, absent instead of null."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Request(BaseModel):
    """Base of what clients send: an unknown field is refused, so that a typo is not silently ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", strict=True)
