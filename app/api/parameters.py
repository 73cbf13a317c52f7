"""Parameters that several routes share. Ids and names are limited to what the service accepts and makes."""

from typing import Annotated

from fastapi import Header, Path
from pydantic import StringConstraints

NAME_PATTERN = r"^[A-Za-z0-9._:-]{1,128}$"

DefinitionName = Annotated[
    str, StringConstraints(pattern=NAME_PATTERN), Path(description="Name of the workflow definition.")
]
WorkflowId = Annotated[
    str, StringConstraints(pattern=NAME_PATTERN), Path(alias="workflowID", description="Id of the workflow.")
]
JobId = Annotated[str, StringConstraints(pattern=NAME_PATTERN), Path(alias="jobID", description="Id of the job.")]
ResourceNamespace = Annotated[
    str, StringConstraints(pattern=NAME_PATTERN), Path(description="Namespace of the state resource.")
]
ResourceName = Annotated[str, StringConstraints(pattern=NAME_PATTERN), Path(description="Short name of the resource.")]
QueueNameParameter = Annotated[str, StringConstraints(pattern=NAME_PATTERN), Path(description="Name of the queue.")]
Version = Annotated[int, Path(ge=0, le=2**53, description="Version of the workflow definition; the first is 0.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Key of the request: repeating it with the same key and body returns the workflow that the first "
        "request made; another body is refused with 409.",
    ),
]
