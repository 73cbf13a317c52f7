"""Workflow definitions: a named, versioned state machine with default tags."""

import json
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
"""Tags of a state machine (50 at AWS), less the tags that the service sets."""

MAX_TAG_KEY_LENGTH = 128
MAX_TAG_VALUE_LENGTH = 256


def _check_tags(tags: Tags) -> Tags:
    """Refuse tags that AWS does not take (TagResource)."""
    if len(tags) > MAX_TAGS:
        raise ValueError(f"{len(tags)} tags are too many; the maximum is {MAX_TAGS}")
    for key, value in tags.items():
        if not 1 <= len(key) <= MAX_TAG_KEY_LENGTH:
            raise ValueError(f"a tag key must have 1 to {MAX_TAG_KEY_LENGTH} characters, not {len(key)}: {key[:80]!r}")
        if key.lower().startswith("aws:"):
            raise ValueError(f"a tag key must not start with aws:, which AWS reserves: {key!r}")
        if len(value) > MAX_TAG_VALUE_LENGTH:
            raise ValueError(
                f"the value of tag {key!r} has {len(value)} characters; the maximum is {MAX_TAG_VALUE_LENGTH}"
            )
    return tags


DefaultTags = Annotated[Tags, AfterValidator(_check_tags)]
"""Tags for state machines as well, so they keep to the limits of AWS."""


class Manager(StrEnum):
    """What runs the workflows of a definition."""

    STEP_FUNCTIONS = "step-functions"


class DefinitionWarning(Response):
    """A part of a definition that AWS accepts but that is probably a mistake."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the request.")
    message: str = Field(description="What is probably wrong, and what to do.")


Warnings = Annotated[
    tuple[DefinitionWarning, ...] | None,
    Field(
        exclude_if=lambda value: value is None,
        description="Parts that AWS accepts but that are probably mistakes; absent when there are none.",
    ),
]
"""Warnings about a definition, absent when there are none."""


class WorkflowDefinition(Response):
    """One immutable version of a workflow definition; versions start at 0."""

    id: str = Field(description="Id of this version, a UUID.")
    name: str = Field(description="Name of the definition.")
    version: int = Field(description="Version, counted from 0.")
    created_at: Timestamp = Field(description="When this version was registered.")
    manager: Manager = Field(description="What runs the workflows; always `step-functions`.")
    state_machine: StateMachine = Field(
        description="The state machine as it was registered, with short resource names."
    )
    default_tags: Tags = Field(description="Tags that every workflow of this version gets.")
    unreadable: str | None = Field(
        default=None,
        description="Why the stored record cannot be read; the state machine and tags are empty then.",
    )
    warnings: Warnings = None


class NewWorkflowDefinitionRequest(Request):
    """A definition to create, or the next version of one that exists."""

    name: DefinitionName = Field(description="Name of the definition: letters, digits, `.`, `_`, `-` and `:`.")
    state_machine: StateMachine = Field(description="The state machine; resources may be ARNs or short names.")
    default_tags: DefaultTags = Field(
        default_factory=dict, description="Tags that every workflow gets; also set on the state machines in AWS."
    )
    manager: Manager = Field(default=Manager.STEP_FUNCTIONS, strict=False, description="What runs the workflows.")
    version: int | None = Field(default=None, description="Accepted and ignored: the service assigns versions.")


def same_content(
    one: WorkflowDefinition | NewWorkflowDefinitionRequest, other: WorkflowDefinition | NewWorkflowDefinitionRequest
) -> bool:
    """Return whether two definitions have the same state machine, default tags and manager.

    Compared as JSON, because in Python ``1 == 1.0 == True``.
    """
    texts = [json.dumps([each.state_machine, each.default_tags, each.manager], sort_keys=True) for each in (one, other)]
    return texts[0] == texts[1]


class WorkflowDefinitionVerdict(Response):
    """The result of a validation: the definition is valid."""

    name: str = Field(description="Name of the definition.")
    valid: bool = Field(description="Always true; an invalid definition is answered with 400.")
    warnings: Warnings = None


class WorkflowDefinitionRef(Request):
    """Names a definition version; without ``version``, or with -1, the latest."""

    name: DefinitionName = Field(description="Name of the definition.")
    version: int = Field(default=-1, ge=-1, description="Version; -1 is the latest.")


class WorkflowDefinitionOverrides(Request):
    """Where a resumed workflow starts."""

    start_at: str = Field(
        alias="StartAt",
        min_length=1,
        max_length=80,
        description="Name of the state to start at, which the run has entered.",
    )
