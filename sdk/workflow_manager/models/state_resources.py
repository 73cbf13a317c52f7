"""State resources: explicit URIs for the short resource names of a namespace."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from workflow_manager.models.wire import Request, Response, Timestamp

ResourceName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
Namespace = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]


class StateResourceType(StrEnum):
    """What kind of thing a URI names, judged by its form."""

    JOB_DEFINITION = "JobDefinitionARN"
    ACTIVITY = "ActivityARN"
    LAMBDA_FUNCTION = "LambdaFunctionARN"
    TASK = "TaskARN"


class StateResource(Response):
    """The URI that ``name`` stands for in ``namespace``."""

    name: str
    namespace: str
    uri: str
    type: StateResourceType
    last_updated: Timestamp


class JobResource(Response):
    """What a job runs on; a state that is no Task has neither name nor URI, a Task that was not scheduled no URI."""

    name: str | None = None
    namespace: str
    uri: str | None = None
    type: StateResourceType
    last_updated: Timestamp


class NewStateResource(Request):
    """A state resource to create or replace."""

    name: ResourceName
    namespace: Namespace
    uri: str = Field(min_length=1, max_length=2048)


def resource_type(uri: str) -> StateResourceType:
    """Tell the type of a resource by its ARN; what is no activity, Lambda function or Batch job is a task."""
    if ":activity:" in uri:
        return StateResourceType.ACTIVITY
    if ":lambda:" in uri:
        return StateResourceType.LAMBDA_FUNCTION
    if ":job-definition/" in uri:
        return StateResourceType.JOB_DEFINITION
    return StateResourceType.TASK
