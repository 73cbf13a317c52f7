"""A malformed answer is no answer: what AWS cannot have said counts as silence, and is asked for again.

A proxy that answers with a page of its own, or an answer that was cut, comes with status 200 often enough. Taken for
AWS's word, it would lose what it seems to confirm.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

import pydantic_core
from aiobotocore.parsers import PROTOCOL_PARSERS, AioResponseParser
from botocore.exceptions import ClientError
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.parsers import ResponseParser, ResponseParserError

from workflow_manager.aws.parsing import JSON_PROTOCOL, JSONParser, ParserFactory

NO_ANSWER_CODE: Final = "RequestTimeout"
"""The SDK repeats what got this code, with the same token, like any call without an answer."""

MALFORMED: Final = "Malformed"
"""Mark in the metadata of what stands for a malformed answer."""

PROOF: Final = "ConsumedCapacity"
"""What DynamoDB sends with every answer when it is asked to: without it ``{}`` could be the answer to most calls, and
would tell of an item that is not there, or of a write that never happened."""

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "BatchGetItemOutput": ("Responses", "UnprocessedKeys", PROOF),
    "BatchWriteItemOutput": ("UnprocessedItems", PROOF),
    "CreateTableOutput": ("TableDescription",),
    "DeleteItemOutput": (PROOF,),
    "DeleteMessageBatchResult": (),
    "DescribeContinuousBackupsOutput": ("ContinuousBackupsDescription",),
    "DescribeTableOutput": ("Table",),
    "DescribeTimeToLiveOutput": ("TimeToLiveDescription",),
    "GetCallerIdentityResponse": ("Account",),
    "GetItemOutput": (PROOF,),
    "Message": ("Body", "MessageId", "ReceiptHandle"),
    "PutItemOutput": (PROOF,),
    "QueryOutput": ("Items", PROOF),
    "ScanOutput": ("Items", PROOF),
    "TransactWriteItemsOutput": (PROOF,),
    "UpdateItemOutput": (PROOF,),
    "UpdateTableOutput": ("TableDescription",),
}
"""What AWS always sends although its models do not say so, by shape; the models of DynamoDB require nothing. Those of
SQS require the empty lists that it leaves out."""

KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "list": list,
    "map": dict,
    "structure": dict,
    "boolean": bool,
    "integer": int,
    "long": int,
}

UNREADABLE: Final = (
    AttributeError,
    IndexError,
    KeyError,
    RecursionError,
    ResponseParserError,
    TypeError,
    ValueError,
)
"""What parsers raise at an answer of another form than they expect."""


class StrictParserFactory(ParserFactory):
    """Gives clients parsers that take nothing for an answer but what AWS can have said."""

    def __init__(self) -> None:
        super().__init__()
        self._strict: dict[str, ResponseParser] = {}

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """Return a parser; there is one for each protocol, since it keeps what it learnt of the model."""
        if protocol_name not in self._strict:
            self._strict[protocol_name] = _strict_parser(protocol_name)
        return self._strict[protocol_name]


def ask_for_proof(params: dict[str, Any], model: OperationModel, **_: object) -> None:
    """Have DynamoDB send what only DynamoDB can; to be called with the parameters of each call."""
    if model.output_shape is not None and PROOF in REQUIRED.get(model.output_shape.name, ()):
        params.setdefault("ReturnConsumedCapacity", "TOTAL")


def refuse_malformed(parsed: Mapping[str, Any], model: OperationModel, **_: object) -> None:
    """Raise what stands for a malformed answer; to be called after each call, once it is not repeated any more."""
    if parsed.get("ResponseMetadata", {}).get(MALFORMED):
        raise ClientError(parsed, model.name)  # type: ignore[arg-type]  # a mapping is all that it needs


def _strict_parser(protocol_name: str) -> ResponseParser:
    if protocol_name == JSON_PROTOCOL:
        return StrictJSONParser()
    known: Any = PROTOCOL_PARSERS[protocol_name]  # a class, not an instance as the stubs have it
    parser: ResponseParser = type(f"Strict{known.__name__}", (_Strict, known), {})()
    return parser


class _Strict(AioResponseParser):
    """Puts an error that the SDK repeats in place of what is malformed."""

    async def parse(self, response: Mapping[str, Any], shape: Shape | None) -> Any:
        try:
            parsed = await super().parse(response, shape)  # type: ignore[arg-type]  # not in the stubs
            if response["status_code"] < 300 and isinstance(shape, StructureShape):
                _require(shape, parsed)
        except UNREADABLE as wrong:
            return _malformed(response, wrong)
        return parsed


class StrictJSONParser(_Strict, JSONParser):
    """Reads JSON, and nothing that only looks like it."""

    async def parse(self, response: Mapping[str, Any], shape: Shape | None) -> Any:
        """Read an answer; one that is cut, or none of AWS's, becomes an error."""
        checksum = response["headers"].get("x-amz-crc32")
        if checksum is not None and str(zlib.crc32(response["body"])) != checksum:
            return _malformed(response, ValueError("its checksum is wrong"))
        return await super().parse(response, shape)

    def _handle_json_body(self, raw_body: bytes, shape: Shape) -> Any:
        if not raw_body and isinstance(shape, StructureShape) and not shape.members:
            return {}
        try:
            node = pydantic_core.from_json(raw_body)
        except ValueError:
            node = json.loads(raw_body)  # less strict in some corners
        if not isinstance(node, dict):
            raise TypeError(f"it is no object but {type(node).__name__}")
        if isinstance(shape, StructureShape):
            _check_kinds(shape, node)
        return self._parse_shape(shape, node)


def _check_kinds(shape: StructureShape, node: Mapping[str, Any]) -> None:
    """Make sure that members are of the type that the model names, so that a text is not read as a list of letters."""
    for name, member in shape.members.items():
        value = node.get(member.serialization.get("name", name))
        if value is not None and not isinstance(value, KINDS.get(member.type_name, object)):
            raise TypeError(f"{name} is no {member.type_name}")


def _require(shape: StructureShape, parsed: Mapping[str, Any]) -> None:
    for name in REQUIRED.get(shape.name, shape.required_members):
        if name not in parsed:
            raise KeyError(name)
    for name, member in shape.members.items():
        if isinstance(member, ListShape) and isinstance(member.member, StructureShape) and parsed.get(name):
            _require_of_rows(member.member, parsed[name])


def _require_of_rows(shape: StructureShape, rows: list[Any]) -> None:
    """Check that every row of a list has its identifying fields; deeper parts are left to their readers."""
    for name in REQUIRED.get(shape.name, shape.required_members):
        kinds = {type(row[name]) for row in rows}
        if shape.members[name].type_name == "string" and kinds != {str}:
            raise TypeError(f"{name} is no string")


def _malformed(response: Mapping[str, Any], wrong: Exception) -> dict[str, Any]:
    status, size = response["status_code"], len(response["body"] or b"")
    why = f"{type(wrong).__name__}: {wrong}"[:200]
    return {
        "Error": {
            "Code": NO_ANSWER_CODE,
            "Message": f"an answer of {size} bytes with status {status} is none of AWS's ({why})",
        },
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(response["headers"]), MALFORMED: True},
    }
