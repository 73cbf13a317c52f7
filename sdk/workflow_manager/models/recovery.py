"""Recovering: making failed work go on, in the same run or in a new one."""

from typing import Any, Literal

from pydantic import Field

from workflow_manager.models.wire import Request, Response, Timestamp
from workflow_manager.models.workflows import Workflow

RecoveryMode = Literal["redrive", "resume"]


class RecoverRequest(Request):
    """How to make a workflow go on."""

    mode: Literal["auto", "redrive", "resume"] = Field(
        default="auto",
        description="`redrive` lets the same run go on where it failed, `resume` starts a new workflow at a state; "
        "`auto` redrives where that can help, and else resumes.",
    )
    start_at: str | None = Field(
        default=None,
        min_length=1,
        max_length=80,
        description="Outermost state that a new workflow starts at. Without it: the one that failed.",
    )
    input: str | dict[str, Any] | None = Field(
        default=None, description="Input of that state: a JSON object, or its text. Without it: the last input it had."
    )
    input_patch: dict[str, Any] | None = Field(
        default=None, description="What to change in its last input: a JSON merge patch (RFC 7396); null removes a key."
    )
    version: int | None = Field(
        default=None,
        ge=-1,
        description="Version of the definition that a new workflow runs; -1 is the latest. Without it: the same.",
    )
    reason: str = Field(default="", max_length=1_000, description="Why, for the audit.")
    dry_run: bool = Field(default=False, description="Only say what would happen.")
    force: bool = Field(
        default=False, description="Recover although it was resolved, or although what resumes it has succeeded."
    )


class RecoveryPreview(Response):
    """What recovering a workflow means."""

    runs_again: tuple[str, ...] = Field(description="States that run again.")
    kept: tuple[str, ...] = Field(description="States whose results are kept, and that do not run again.")
    start_at: str | None = Field(default=None, description="State that a new workflow starts at.")
    version: int = Field(description="Version of the definition that runs.")
    redrive_deadline: Timestamp | None = Field(default=None, description="Until when the run can be redriven.")
    events: int | None = Field(default=None, description="Events of the history so far; a run can have 25,000.")
    warnings: tuple[str, ...] = Field(description="What to know before.")


class Recovery(Response):
    """What was done, or would be done, to make a workflow go on."""

    mode: RecoveryMode = Field(description="Whether the same run goes on or a new workflow starts.")
    why: str = Field(description="Why in this way.")
    workflow: Workflow = Field(description="The workflow that goes on; in a dry run, the one that failed.")
    preview: RecoveryPreview | None = Field(
        default=None, description="What it means; absent when a repeated request had been carried out before."
    )
