"""Decoding of responses."""

from typing import Final, Literal, TypeVar

import httpx
import pydantic

from workflow_manager import errors, models
from workflow_manager.client.error_mapping import foreign_response, origin

T = TypeVar("T")


class ListedDefinition(models.WorkflowDefinition):
    """A definition in a list of workflows, whose summaries have no state machine."""

    state_machine: models.StateMachine = pydantic.Field(default_factory=dict)


class ListedWorkflow(models.Workflow):
    """A workflow in a list, whose summaries may have no input."""

    workflow_definition: ListedDefinition
    input: str = ""


class Parameter(pydantic.BaseModel):
    """A parameter of an operation."""

    name: str = ""


class Operation(pydantic.BaseModel):
    """An operation in the OpenAPI document."""

    parameters: list[Parameter] = []


class OpenAPIDocument(pydantic.BaseModel):
    """The OpenAPI document of the service."""

    paths: dict[str, dict[str, Operation]]

    def parameters(self, path: str, method: str) -> set[str]:
        """Return the names of the parameters of an operation."""
        operation = self.paths.get(path, {}).get(method, Operation())
        return {parameter.name for parameter in operation.parameters}


class EmptyBody(pydantic.BaseModel):
    """The body of an operation without a result."""

    model_config = pydantic.ConfigDict(extra="forbid")


class HealthBody(EmptyBody):
    """The body of a successful health check; Clever's service sends none."""

    status: Literal["ok"] = "ok"


DEFINITION: Final = pydantic.TypeAdapter(models.WorkflowDefinition)
DEFINITIONS: Final = pydantic.TypeAdapter(list[models.WorkflowDefinition])
WORKFLOW: Final = pydantic.TypeAdapter(models.Workflow)
WORKFLOW_COUNTS: Final = pydantic.TypeAdapter(models.WorkflowCounts)
JOB: Final = pydantic.TypeAdapter(models.Job)
RECOVERY: Final = pydantic.TypeAdapter(models.Recovery)
LISTED_WORKFLOWS: Final = pydantic.TypeAdapter(tuple[ListedWorkflow, ...])
STATE_RESOURCE: Final = pydantic.TypeAdapter(models.StateResource)
QUEUE: Final = pydantic.TypeAdapter(models.Queue)
QUEUES: Final = pydantic.TypeAdapter(list[models.Queue])
IDENTITY: Final = pydantic.TypeAdapter(models.Identity)
AUDIT: Final = pydantic.TypeAdapter(list[models.AuditEntry])
KEYS: Final = pydantic.TypeAdapter(list[models.ApiKey])
ISSUED_KEY: Final = pydantic.TypeAdapter(models.IssuedApiKey)
QUOTAS: Final = pydantic.TypeAdapter(list[models.QuotaHeadroom])
VERDICT: Final = pydantic.TypeAdapter(models.WorkflowDefinitionVerdict)
DESCRIPTION: Final = pydantic.TypeAdapter(OpenAPIDocument)
EMPTY_BODY: Final = pydantic.TypeAdapter(EmptyBody)
HEALTH_BODY: Final[pydantic.TypeAdapter[EmptyBody]] = pydantic.TypeAdapter(HealthBody)


def decode(response: httpx.Response, adapter: pydantic.TypeAdapter[T]) -> T:
    """Decode a response; raises ``Unavailable`` if it is not from workflow-manager."""
    return decode_content(response.content, adapter, source=origin(response.request))


def decode_content(content: bytes, adapter: pydantic.TypeAdapter[T], *, source: str) -> T:
    """Decode a part of a response; the error names its ``source``."""
    try:
        return adapter.validate_json(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise errors.Unavailable(
            f"The response from {source} is not from workflow-manager ({where}: {first['msg']})."
        ) from error


def decode_nothing(response: httpx.Response, adapter: pydantic.TypeAdapter[EmptyBody] = EMPTY_BODY) -> None:
    """Check that a successful response comes from the service: its body is empty or the expected one.

    The login page of a proxy has the status 200 too.
    """
    if response.content.strip():
        decode(response, adapter)


def decode_text(response: httpx.Response) -> str:
    """Return the text of a plain-text response."""
    if not response.headers.get("Content-Type", "").startswith("text/plain"):
        raise foreign_response(response)
    return response.text
