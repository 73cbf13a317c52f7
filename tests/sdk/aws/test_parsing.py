"""Answers of AWS are read as botocore reads them, by whatever way is faster.

Covers `workflow_manager.aws.parsing`.
"""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from aiobotocore.parsers import AioJSONParser
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st

from app.settings import Settings
from workflow_manager import aws
from workflow_manager.aws import parsing

MODELS = {
    name: botocore.session.get_session().get_service_model(name)
    for name in ("stepfunctions", "dynamodb", "sqs", "logs")
}
CALLED = {
    "BatchGetItem",
    "DeleteItem",
    "DescribeTable",
    "GetItem",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
    "DeleteMessageBatch",
    "ReceiveMessage",
}
"""What the service asks of DynamoDB and SQS; what it does not is left to the slow tests."""

SFN_OUTPUTS = list(MODELS["stepfunctions"].operation_names)
OUTPUTS = [
    pytest.param(service, name, marks=() if service == "stepfunctions" or name in CALLED else pytest.mark.slow)
    for service, model in MODELS.items()
    for name in model.operation_names
]
ERRORS = [shape.name for shape in MODELS["stepfunctions"].error_shapes]

TEXTS = st.text(max_size=8)
TIMES = (
    st.floats(-1e8, 5e9)
    | st.integers(-(10**8), 5 * 10**9)
    | st.just("2026-01-01T12:00:00Z")
    | st.just("1767225600.5")
    | st.just("Thu, 01 Jan 2026 00:00:00 GMT")
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "blob": st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode()),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False),
    "float": st.floats(allow_nan=False),
    "integer": st.integers(),
    "long": st.integers(),
    "string": TEXTS,
    "timestamp": TIMES,
}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MAX_DEPTH = 6


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Make JSON values that AWS could send for a shape, with fields that are null, missing or unknown to us."""
    if isinstance(shape, StructureShape):
        return structures(shape, depth)
    if isinstance(shape, ListShape):
        items = values(shape.member, depth + 1)
        return st.lists(items, max_size=2 if depth < MAX_DEPTH else 0)
    if isinstance(shape, MapShape):
        members = values(shape.value, depth + 1)
        return st.dictionaries(values(shape.key), members, max_size=2 if depth < MAX_DEPTH else 0)
    return SCALARS[shape.type_name]


def structures(shape: StructureShape, depth: int) -> st.SearchStrategy[Any]:
    """Make objects; a union has exactly one member."""
    if depth >= MAX_DEPTH:
        return st.just({})
    members = {
        member.serialization.get("name", name): later(member, depth + 1) for name, member in shape.members.items()
    }
    if shape.is_tagged_union:
        return st.one_of([st.fixed_dictionaries({name: member}) for name, member in members.items()])
    # Few at a time: an event of a history has one of forty kinds of details.
    chosen = st.lists(st.sampled_from(sorted(members)), max_size=5, unique=True) if members else st.just([])
    known = chosen.flatmap(lambda names: st.fixed_dictionaries({name: st.none() | members[name] for name in names}))
    unknown = st.dictionaries(st.sampled_from(["__type", "newField"]), st.text(max_size=3), max_size=1)
    return st.builds(lambda ours, theirs: {**theirs, **ours}, known, unknown)


def later(shape: Shape, depth: int) -> st.SearchStrategy[Any]:
    """Make values of a shape that may hold itself."""
    return st.deferred(lambda: values(shape, depth))


def answer(body: bytes, status: int = 200) -> dict[str, Any]:
    """Return an answer as the endpoint gives it to a parser."""
    return {"status_code": status, "headers": {"x-amzn-requestid": "r-1"}, "body": body, "context": {}}


def comparable(value: Any) -> Any:
    """Return a value with the type of every part spelled out, and times in UTC."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return type(value), repr(value)


async def outcome(parser: AioJSONParser, response: dict[str, Any], shape: Shape | None) -> Any:
    """Return what a parser makes of an answer, or the type of what it raises."""
    try:
        return comparable(await parser.parse(response, shape))  # type: ignore[arg-type]  # errors have no shape at first
    except Exception as error:  # noqa: BLE001  whatever botocore raises, we are to raise too
        return type(error)


@pytest.mark.parametrize(("service", "operation"), OUTPUTS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
async def test_an_answer_is_read_as_botocore_reads_it(service: str, operation: str, data: st.DataObject) -> None:
    shape = MODELS[service].operation_model(operation).output_shape
    response = answer(json.dumps(data.draw(values(shape) if shape else st.just({}))).encode())

    assert await outcome(PARSER, response, shape) == await outcome(AioJSONParser(), response, shape)


@pytest.mark.parametrize("name", ERRORS)
@settings(max_examples=10, deadline=None)
@given(data=st.data(), status=st.sampled_from([400, 403, 500, 503]))
async def test_an_error_and_its_fields_are_read_as_botocore_reads_them(
    name: str, data: st.DataObject, status: int
) -> None:
    shape = MODELS["stepfunctions"].shape_for(name)
    fields = data.draw(values(shape))
    response = answer(json.dumps({**fields, "__type": f"com.amazonaws.states#{name}"}).encode(), status)

    for of in (None, shape):
        assert await outcome(PARSER, response, of) == await outcome(AioJSONParser(), response, of)


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=20) | TEXTS.map(str.encode) | ANY_JSON.map(json.dumps).map(str.encode),
    status=st.sampled_from([200, 400, 500]),
    operation=st.sampled_from(SFN_OUTPUTS),
)
async def test_rubbish_is_read_as_botocore_reads_it(body: bytes, status: int, operation: str) -> None:
    shape = MODELS["stepfunctions"].operation_model(operation).output_shape
    response = answer(body, status)

    assert await outcome(PARSER, response, shape) == await outcome(AioJSONParser(), response, shape)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'{"status": "\\ud800"}',
        b'{"status": "a", "status": "b"}',
        b'{"redriveCount": -0, "startDate": NaN}',
        b'{"redriveCount": 1e400, "startDate": Infinity}',
        b'{"redriveCount": 123456789012345678901234567890, "startDate": 1e15}',
        b'{"startDate": 253402300800}',
        b'{"startDate": true}',
        b'{"startDate": "yesterday"}',
        b'{"inputDetails": "not an object"}',
        b"\xef\xbb\xbf{}",
        b'{"name": "\xff"}',
        b"[" * 5000,
        b"<html><body><b>Http/1.1 Service Unavailable</b></body></html>",
    ],
)
@pytest.mark.parametrize("status", [200, 400, 503])
async def test_the_corners_of_json_are_read_as_botocore_reads_them(body: bytes, status: int) -> None:
    shape = MODELS["stepfunctions"].operation_model("DescribeExecution").output_shape
    response = answer(body, status)

    assert await outcome(PARSER, response, shape) == await outcome(AioJSONParser(), response, shape)


@given(seconds=st.floats(0, 4e9))
def test_a_time_is_in_utc(seconds: float) -> None:
    assert parsing.read_time(seconds) == datetime.fromtimestamp(seconds, UTC)
    assert parsing.read_time(seconds).tzinfo is UTC


async def test_the_clients_read_json_with_this_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    connection = aws.connect(Settings.load(aws_region="us-west-2").aws)

    async with connection.step_functions() as client:
        factory = client._client._endpoint._response_parser_factory  # type: ignore[attr-defined]

    assert isinstance(factory.create_parser("json"), parsing.JSONParser)
    assert not isinstance(factory.create_parser("query"), parsing.JSONParser)


PARSER = parsing.JSONParser()
"""One for all tests, as one is for all answers."""
