"""What a task was scheduled on, as a state resource."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app import models

_NAME_PARAMETERS = {"glue": "JobName", "lambda": "FunctionName"}
"""The parameter of a service integration that names the thing it runs."""

_NAMESPACE_SEPARATOR = "--"


def arn_resource(arn: str, *, seen_at: datetime) -> models.StateResource:
    """Describe an activity or a Lambda function; its name carries the namespace as ``NAMESPACE--name``."""
    resource = arn.split(":", 5)[-1]  # "activity:NAME", "function:NAME" or "function:NAME:VERSION"
    return _resource(resource.partition(":")[2] or resource, uri=arn, seen_at=seen_at)


def service_resource(details: Mapping[str, Any], *, seen_at: datetime) -> models.StateResource | None:
    """Describe a service integration, by the details of its TaskScheduled event."""
    service, action = details.get("resourceType"), details.get("resource")
    if not isinstance(service, str) or not isinstance(action, str):
        return None
    uri = f"arn:{_partition(details.get('region'))}:states:::{service}:{action}"
    return _resource(
        _named_thing(service, details.get("parameters")) or f"{service}:{action}", uri=uri, seen_at=seen_at
    )


def _resource(full_name: str, *, uri: str, seen_at: datetime) -> models.StateResource:
    namespace, separator, name = full_name.partition(_NAMESPACE_SEPARATOR)
    if not separator:
        namespace, name = "", full_name
    return models.StateResource(
        name=name, namespace=namespace, uri=uri, type=models.resource_type(uri), last_updated=seen_at
    )


def _partition(region: object) -> str:
    if isinstance(region, str) and region.startswith("cn-"):
        return "aws-cn"
    if isinstance(region, str) and region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"


def _named_thing(service: str, parameters: object) -> str | None:
    field = _NAME_PARAMETERS.get(service)
    if field is None or not isinstance(parameters, str):
        return None
    try:
        document = json.loads(parameters)
    except (ValueError, RecursionError):
        return None
    name = document.get(field) if isinstance(document, dict) else None
    if not isinstance(name, str):
        return None
    return name.split(":", 6)[-1] if name.startswith("arn:") else name
