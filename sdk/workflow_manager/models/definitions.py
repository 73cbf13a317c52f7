"""Workflow definitions: a named, versioned state machine with default tags."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from workflow_manager.models.wire import Request, Response, Timestamp

DefinitionName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$"),
]
"""Letters, digits, ``.``, ``_``, ``-``, ``:``; 1 to 128 characters."""

StateMachine = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "title": "SLStateMachine"})]
"""A state machine as its author wrote it: parsed JSON of the Amazon States Language."""

Tags = dict[str, str]


MAX_TAGS = 45
"""Tags of a state machine (50 at AWS) less those that the service sets."""

MAX_TAG_KEY_LENGTH = 128
MAX_TAG_VALUE_LENGTH = 256


def _check_tags(tags: Tags) -> Tags:
    """Refuse tags that AWS does not take (TagResource)."""
    if len(tags) > MAX_TAGS:
        raise ValueError(f"{len(tags)} tags are too many; a state machine has room for {MAX_TAGS}")
    for key, value in tags.items():
        if not 1 <= len(key) <= MAX_TAG_KEY_LENGTH:
            raise ValueError(f"the key of a tag has 1 to {MAX_TAG_KEY_LENGTH} characters, not {len(key)}: {key[:80]!r}")
        if key.lower().startswith("aws:"):
            raise ValueError(f"the key of a tag does not start with aws:, which AWS keeps for itself: {key!r}")
        if len(value) > MAX_TAG_VALUE_LENGTH:
            raise ValueError(f"the tag {key!r} has {len(value)} characters; AWS allows {MAX_TAG_VALUE_LENGTH}")
    return tags


DefaultTags = Annotated[Tags, AfterValidator(_check_tags)]
"""Tags for state machines as well, so they keep to the limits of AWS."""


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
    default_tags: DefaultTags = Field(default_factory=dict)
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
