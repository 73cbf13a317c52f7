"""What a job runs on, as a state resource."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from workflow_manager import models
from workflow_manager.models import StateResourceType
from workflow_manager.states_language import resources

_NAME_PARAMETERS = {"glue": "JobName", "lambda": "FunctionName"}
"""The parameter of a service integration that names the thing it runs."""

_NAMESPACE_SEPARATOR = "--"

_INTEGRATION: Final = re.compile(r"arn:[^:]*:states:::")

_TYPES: Final = {
    resources.Form.ACTIVITY: StateResourceType.ACTIVITY,
    resources.Form.LAMBDA: StateResourceType.LAMBDA_FUNCTION,
    resources.Form.GLUE: StateResourceType.TASK,
}
"""Short form of a resource to the type of what it stands for."""


def defined_resource(state: Mapping[str, Any], *, namespace: str, seen_at: datetime) -> models.JobResource:
    """Describe what a state runs on by its definition: all that is known before a task of it is scheduled."""
    text = state.get("Resource")
    written = resources.parse(text) if isinstance(text, str) else None
    if written is None:
        return models.JobResource(namespace=namespace, type=StateResourceType.ACTIVITY, last_updated=seen_at)
    if written.form is resources.Form.ARN:
        return _defined_by_arn(written.text, state, namespace=namespace, seen_at=seen_at)
    return models.JobResource(name=written.name, namespace=namespace, type=_TYPES[written.form], last_updated=seen_at)


def arn_resource(arn: str, *, namespace: str, seen_at: datetime) -> models.JobResource:
    """Describe an activity or a Lambda function; its name carries the namespace as ``NAMESPACE--name``."""
    resource = arn.split(":", 5)[-1]  # "activity:NAME", "function:NAME" or "function:NAME:VERSION"
    return _resource(resource.partition(":")[2] or resource, uri=arn, namespace=namespace, seen_at=seen_at)


def service_resource(details: Mapping[str, Any], *, namespace: str, seen_at: datetime) -> models.JobResource | None:
    """Describe a service integration, by the details of its TaskScheduled event."""
    service, action = details.get("resourceType"), details.get("resource")
    if not isinstance(service, str) or not isinstance(action, str):
        return None
    uri = f"arn:{_partition(details.get('region'))}:states:::{service}:{action}"
    name = _named_thing(service, _document(details.get("parameters"))) or f"{service}:{action}"
    return _resource(name, uri=uri, namespace=namespace, seen_at=seen_at)


def _defined_by_arn(arn: str, state: Mapping[str, Any], *, namespace: str, seen_at: datetime) -> models.JobResource:
    _, _, _, _, _, rest = arn.split(":", 5)
    if not _INTEGRATION.match(arn):
        return arn_resource(arn, namespace=namespace, seen_at=seen_at)
    arguments = state.get("Arguments", state.get("Parameters"))
    name = _named_thing(rest.partition(":")[0], arguments) or rest
    return _resource(name, uri=arn, namespace=namespace, seen_at=seen_at)


def _resource(full_name: str, *, uri: str, namespace: str, seen_at: datetime) -> models.JobResource:
    own_namespace, separator, name = full_name.partition(_NAMESPACE_SEPARATOR)
    if not separator:
        own_namespace, name = namespace, full_name
    return models.JobResource(
        name=name, namespace=own_namespace, uri=uri, type=models.resource_type(uri), last_updated=seen_at
    )


def _partition(region: object) -> str:
    if isinstance(region, str) and region.startswith("cn-"):
        return "aws-cn"
    if isinstance(region, str) and region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"


def _named_thing(service: str, parameters: object) -> str | None:
    field = _NAME_PARAMETERS.get(service)
    name = parameters.get(field) if field is not None and isinstance(parameters, Mapping) else None
    if not isinstance(name, str) or name.startswith("{%"):
        return None
    return name.split(":", 6)[-1] if name.startswith("arn:") else name


def _document(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
