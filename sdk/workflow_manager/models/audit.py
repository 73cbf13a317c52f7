"""Entries of the audit."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from workflow_manager.models.wire import Response, Timestamp


class AuditOutcome(StrEnum):
    """The outcome of a request."""

    STARTED = "started"
    """It was about to be done; another entry tells the end."""
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    """The service or AWS failed, so it may have been done."""


class AuditEntry(Response):
    """A change, or a request that was refused."""

    at: Timestamp = Field(description="When the request ended.")
    actor: str | None = Field(
        default=None, description="Who called: `key/ID`, `oidc/ISSUER/SUB` or `anonymous`; absent when unknown."
    )
    key_id: str | None = Field(default=None, description="Id of the API key that was used.")
    operation: str = Field(description="Operation, by its `operationId`; else the method and the path.")
    object: str | None = Field(
        default=None, description="What it was about: `workflow/ID`, `definition/NAME`, `queue/NAME`, `key/ID`, ..."
    )
    namespace: str | None = Field(default=None, description="Namespace of the object, if it has one.")
    definition: str | None = Field(default=None, description="Workflow definition of the object.")
    outcome: AuditOutcome = Field(
        description="`done`; `refused`: the caller may not do this; `failed`: it may have been done; `started`: it was "
        "about to be done."
    )
    reason: str | None = Field(default=None, description="Why the caller did it, or why it was refused or failed.")
    request_id: str = Field(description="Id of the request, which the logs carry too.")
    source: str | None = Field(default=None, description="Address that the request came from.")
    before: dict[str, Any] | None = Field(default=None, description="What was there before a change, in short.")
    after: dict[str, Any] | None = Field(default=None, description="What is there since.")
    count: int = Field(
        default=1,
        description="Minimum number of requests; refusals of unknown callers are one entry per source and minute.",
    )
