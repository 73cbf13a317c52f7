"""What the answers of the service are read as."""

from typing import Final, Literal, TypeVar

import httpx
import pydantic

from workflow_manager import errors, models
from workflow_manager.client.error_mapping import not_ours, origin

T = TypeVar("T")


class ListedDefinition(models.WorkflowDefinition):
    """A definition as a list of workflows names it: a summary holds no state machine."""

    state_machine: models.StateMachine = pydantic.Field(default_factory=dict)


class ListedWorkflow(models.Workflow):
    """A workflow as a list has it: a summary may hold no input."""

    workflow_definition: ListedDefinition
    input: str = ""


class Parameter(pydantic.BaseModel):
    """A parameter of an operation; the name is that of its own."""

    name: str = ""


class Operation(pydantic.BaseModel):
    """What the service takes at one path."""

    parameters: list[Parameter] = []


class Description(pydantic.BaseModel):
    """What the service says that it can do: its OpenAPI document."""

    paths: dict[str, dict[str, Operation]]

    def parameters(self, path: str, method: str) -> set[str]:
        """Return the names of the parameters of an operation."""
        operation = self.paths.get(path, {}).get(method, Operation())
        return {parameter.name for parameter in operation.parameters}


class Done(pydantic.BaseModel):
    """The answer of an operation that has nothing to tell."""

    model_config = pydantic.ConfigDict(extra="forbid")


class Well(Done):
    """The answer of a service that is well; Clever's says nothing."""

    status: Literal["ok"] = "ok"


DEFINITION: Final = pydantic.TypeAdapter(models.WorkflowDefinition)
DEFINITIONS: Final = pydantic.TypeAdapter(list[models.WorkflowDefinition])
WORKFLOW: Final = pydantic.TypeAdapter(models.Workflow)
JOB: Final = pydantic.TypeAdapter(models.Job)
LISTED_WORKFLOWS: Final = pydantic.TypeAdapter(tuple[ListedWorkflow, ...])
STATE_RESOURCE: Final = pydantic.TypeAdapter(models.StateResource)
QUEUE: Final = pydantic.TypeAdapter(models.Queue)
QUEUES: Final = pydantic.TypeAdapter(list[models.Queue])
QUOTAS: Final = pydantic.TypeAdapter(list[models.QuotaHeadroom])
VERDICT: Final = pydantic.TypeAdapter(models.WorkflowDefinitionVerdict)
DESCRIPTION: Final = pydantic.TypeAdapter(Description)
DONE: Final = pydantic.TypeAdapter(Done)
WELL: Final[pydantic.TypeAdapter[Done]] = pydantic.TypeAdapter(Well)


def decode(response: httpx.Response, adapter: pydantic.TypeAdapter[T]) -> T:
    """Read an answer as what it must be; anything else comes from no workflow-manager."""
    return decode_content(response.content, adapter, whose=origin(response.request))


def decode_content(content: bytes, adapter: pydantic.TypeAdapter[T], *, whose: str) -> T:
    """Read a part of an answer as what it must be; ``whose`` it is, is said when it is not."""
    try:
        return adapter.validate_json(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise errors.Unavailable(
            f"The response from {whose} is not from workflow-manager ({where}: {first['msg']})."
        ) from error


def decode_nothing(response: httpx.Response, adapter: pydantic.TypeAdapter[Done] = DONE) -> None:
    """Make sure that the service has said yes: with no body, or with the little that it may hold.

    The page of a proxy that wants people to log in comes with a 200 as well.
    """
    if response.content.strip():
        decode(response, adapter)


def decode_text(response: httpx.Response) -> str:
    """Read an answer of plain text."""
    if not response.headers.get("Content-Type", "").startswith("text/plain"):
        raise not_ours(response)
    return response.text
