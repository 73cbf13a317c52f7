"""State resources, which give a short resource name of a namespace an explicit URI."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from workflow_manager.models.wire import Request, Response, Timestamp

ResourceName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
Namespace = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]


class StateResourceType(StrEnum):
    """The type of resource that a URI names, derived from its form."""

    JOB_DEFINITION = "JobDefinitionARN"
    ACTIVITY = "ActivityARN"
    LAMBDA_FUNCTION = "LambdaFunctionARN"
    TASK = "TaskARN"


class StateResource(Response):
    """The URI that a short resource name expands to in a namespace."""

    name: str = Field(description="Short resource name.")
    namespace: str = Field(description="Namespace in which the name expands to the URI.")
    uri: str = Field(description="ARN or other URI that the name expands to.")
    type: StateResourceType = Field(description="Type of the resource, derived from the URI.")
    last_updated: Timestamp = Field(description="When the state resource was last written.")


class JobResource(Response):
    """What a job ran on."""

    name: str | None = Field(
        default=None, description="Resource as the definition names it; absent unless the state is a Task."
    )
    namespace: str = Field(description="Namespace of the workflow.")
    uri: str | None = Field(default=None, description="ARN of the resource; absent until the task is scheduled.")
    type: StateResourceType = Field(description="Type of the resource, derived from the URI.")
    last_updated: Timestamp = Field(description="When the job was created.")


class NewStateResource(Request):
    """A state resource to create or replace."""

    name: ResourceName = Field(description="Short resource name, as definitions use it.")
    namespace: Namespace = Field(description="Namespace in which the name expands to the URI.")
    uri: str = Field(min_length=1, max_length=2048, description="ARN or other URI that the name expands to.")


def resource_type(uri: str) -> StateResourceType:
    """Return the type of a resource by its ARN: activity, Lambda function, Batch job definition, else task."""
    if ":activity:" in uri:
        return StateResourceType.ACTIVITY
    if ":lambda:" in uri:
        return StateResourceType.LAMBDA_FUNCTION
    if ":job-definition/" in uri:
        return StateResourceType.JOB_DEFINITION
    return StateResourceType.TASK
