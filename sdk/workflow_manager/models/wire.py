"""What all models of the API share: JSON names, frozenness, the format of times."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from types import UnionType
from typing import Annotated, Final, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


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


RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def rfc3339(value: object) -> object:
    """Refuse what pydantic would take for a time besides RFC 3339, such as seconds since 1970."""
    if not isinstance(value, datetime) and not (isinstance(value, str) and RFC3339.fullmatch(value)):
        raise ValueError("write the time as RFC 3339, for example 2026-01-31T12:00:00Z")
    return value


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
    """Base of what clients send: an unknown field is refused, so that a typo is not silently ignored.

    An optional field that is null is absent, and so is one that takes a text and is empty: generated clients send
    fields that their callers left out in either way.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_absent(cls, given: object) -> object:
        if not isinstance(given, dict) or not (None in given.values() or "" in given.values()):
            return given
        optional = _optional_fields(cls)
        return {key: value for key, value in given.items() if key not in optional or value not in optional[key]}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe that optional fields may be null, or empty."""
        schema = handler(core)
        members = handler.resolve_ref_schema(schema).get("properties", {})
        for key, absent in _optional_fields(cls).items():
            if key in members:
                members[key] = _or_absent(members[key], empty="" in absent)
        return schema


Absent = tuple[None] | tuple[None, str]


@cache
def _optional_fields(model: type[BaseModel]) -> Mapping[str, Absent]:
    """Return what counts as absent in each optional field, by both names of the field."""
    absent: dict[str, Absent] = {}
    for name, field in model.model_fields.items():
        if not field.is_required():
            absent[name] = absent[field.alias or name] = (None, "") if _takes_text(field.annotation) else (None,)
    return absent


def _takes_text(annotation: object) -> bool:
    if isinstance(annotation, type):
        return issubclass(annotation, str)
    return get_origin(annotation) in {Union, UnionType} and any(map(_takes_text, get_args(annotation)))


def _or_absent(schema: JsonSchemaValue, *, empty: bool) -> JsonSchemaValue:
    """Let a member be null, and an empty text where texts must not be empty otherwise."""
    about: JsonSchemaValue = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    value = {key: each for key, each in schema.items() if key not in about}
    choices = value.get("anyOf", [value])
    if {"type": "null"} not in choices:
        choices = [*choices, {"type": "null"}]
    if empty and not any(_allows_empty(choice) for choice in choices):
        choices = [*choices, {"type": "string", "maxLength": 0}]
    return {"anyOf": choices, **about}


def _allows_empty(schema: JsonSchemaValue) -> bool:
    return schema.get("type") == "string" and not schema.keys() & {"minLength", "pattern", "enum"}
