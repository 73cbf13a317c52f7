"""What AWS checks before it looks at a request: known action, JSON, required fields, types and lengths."""

import functools
import json
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import OperationNotFoundError, ServiceModel
from botocore.validate import ParamValidator
from moto.core.exceptions import AWSError


class SerializationException(AWSError):
    """The body is not a JSON object."""

    TYPE = "SerializationException"


class UnknownOperationException(AWSError):
    """There is no such action."""

    TYPE = "UnknownOperationException"


class ValidationException(AWSError):
    """A field is missing or not as it should be."""

    TYPE = "ValidationException"


def check(action: str, body: bytes) -> None:
    """Raise the error of AWS for a request to Step Functions that it would not even begin to handle."""
    try:
        shape: Any = _model().operation_model(action).input_shape
    except OperationNotFoundError:
        raise UnknownOperationException(f"Step Functions has no action {action}") from None
    fields = _fields(body)
    report = ParamValidator().validate(fields, shape)
    problems = report.generate_report() if report.has_errors() else "; ".join(_too_large(shape, fields))
    if problems:
        raise ValidationException(problems)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise SerializationException("The request body is not a JSON object")
    return {name: value for name, value in fields.items() if value is not None}


def _too_large(shape: Any, fields: dict[str, Any]) -> Iterator[str]:
    # botocore's validator knows only lower bounds.
    for name, member in shape.members.items():
        value, most = fields.get(name), member.metadata.get("max")
        size = len(value) if isinstance(value, str) else value
        if most is not None and isinstance(size, int) and size > most:
            yield f"Value at '{name}' failed to satisfy constraint: Member must be at most {most}, is {size}"


@functools.cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("stepfunctions")
