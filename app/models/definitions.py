"""Workflow definitions: a named, versioned state machine with default tags."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints, WithJsonSchema

from app.models.wire import Request, Response, Timestamp

DefinitionName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$"),
]
"""Letters, digits, ``.``, ``_``, ``-``, ``:``; 1 to 128 characters."""

StateMachine = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "title": "SLStateMachine"})]
"""A state machine as its author wrote it: parsed JSON of the Amazon States Language."""

Tags = dict[str, str]


class Manager(StrEnum):
    """What runs the workflows of a definition."""

    STEP_FUNCTIONS = "step-functions"


class DefinitionWarning(Response):
    """Something in a definition that AWS accepts, and that is hardly meant."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the request.")
    message: str


Warnings = Annotated[
    tuple[DefinitionWarning, ...] | None,
    Field(exclude_if=lambda value: value is None, description="What AWS accepts, and what is hardly meant."),
]
"""Warnings about a definition, absent when there are none."""


class WorkflowDefinition(Response):
    """One immutable version of a workflow definition; versions start at 0."""

    id: str
    name: str
    version: int
    created_at: Timestamp
    manager: Manager
    state_machine: StateMachine
    default_tags: Tags
    unreadable: str | None = Field(
        default=None,
        description="Why the record of this version cannot be read; then its state machine and tags are empty.",
    )
    warnings: Warnings = None


class NewWorkflowDefinitionRequest(Request):
    """A definition to create, or the next version of one that exists."""

    name: DefinitionName
    state_machine: StateMachine
    default_tags: Tags = Field(default_factory=dict)
    manager: Manager = Field(default=Manager.STEP_FUNCTIONS, strict=False)
    version: int | None = Field(default=None, description="Accepted and ignored: the service counts versions.")


class WorkflowDefinitionVerdict(Response):
    """A definition was judged, and nothing is wrong with it."""

    name: str
    valid: bool
    warnings: Warnings = None


class WorkflowDefinitionRef(Request):
    """Names a definition version; without ``version``, or with -1, the latest."""

    name: DefinitionName
    version: int = Field(default=-1, ge=-1)


class WorkflowDefinitionOverrides(Request):
    """Where a resumed workflow starts."""

    start_at: str = Field(alias="StartAt", min_length=1, max_length=80)
