"""Workflows, which are runs of a definition, and their jobs."""

from typing import Any

from pydantic import Field

from workflow_manager.models.definitions import Tags, WorkflowDefinition, WorkflowDefinitionRef
from workflow_manager.models.queues import QueueName
from workflow_manager.models.state_resources import JobResource, Namespace
from workflow_manager.models.wire import Request, Response, Timestamp
from workflow_manager.statuses import JobStatus, WorkflowProperty, WorkflowStatus


class JobAttempt(Response):
    """An earlier attempt of a job, which failed and was retried; the fields of the job describe the last attempt."""

    created_at: Timestamp | None = Field(default=None, description="When the attempt was scheduled.")
    started_at: Timestamp | None = Field(default=None, description="When a worker or service started it.")
    stopped_at: Timestamp | None = Field(default=None, description="When it failed.")
    reason: str | None = Field(default=None, description="Why it failed: the telling line of the cause, shortened.")
    error: str | None = Field(default=None, description="Name of the error, as `Retry` and `Catch` match it.")
    exit_code: int | None = Field(default=None, description="Exit code of the command or container, when it had one.")
    container_instance_arn: str | None = Field(
        default=None, alias="containerInstanceARN", description="ARN of the container instance it ran on, when known."
    )
    task_arn: str | None = Field(
        default=None, alias="taskARN", description="The worker that ran it, or the ARN of a distributed Map's run."
    )


class Job(Response):
    """One entry into one state of a run."""

    id: str = Field(description="Id of the history event that entered the state.")
    state: str = Field(description="Name of the state.")
    type: str = Field(description="Type of the state: Task, Choice, Map, ...")
    status: JobStatus = Field(description="Status of the job. A state that failed and was caught is `failed`.")
    status_reason: str | None = Field(
        default=None,
        description="Why the job failed: the telling line of the cause first, then the rest, shortened.",
    )
    error: str | None = Field(default=None, description="Name of the error, as `Retry` and `Catch` match it.")
    cause: str | None = Field(default=None, description="The complete cause, as Step Functions reports it.")
    created_at: Timestamp = Field(description="When the run entered the state.")
    started_at: Timestamp | None = Field(
        default=None, description="When a worker or service started the task; absent until then."
    )
    stopped_at: Timestamp | None = Field(
        default=None, description="When the run left the state; absent while the job is active."
    )
    input: str | None = Field(default=None, description="Input of the state, as JSON text.")
    output: str | None = Field(default=None, description="Output of the state, as JSON text; absent until it succeeds.")
    assigned_variables: dict[str, str] | None = Field(
        default=None, description="Variables that the state assigned, by name, each as JSON text."
    )
    payloads_left_out: bool | None = Field(
        default=None,
        description="True when the input, output, variables or cause were left out because the run has too many of "
        "them; `getJob` reads them from Step Functions.",
    )
    container: str | None = Field(default=None, description="Name of the worker that took the task.")
    state_resource: JobResource | None = Field(
        default=None, description="What the task ran on; absent for other types."
    )
    attempts: tuple[JobAttempt, ...] = Field(
        default=(), description="Earlier attempts, oldest first: those that failed and were retried."
    )
    parent: str | None = Field(default=None, description="Id of the Parallel or Map job that contains this one.")
    branch: int | None = Field(default=None, description="Index of the branch, inside a Parallel.")
    iteration: int | None = Field(default=None, description="Index of the item, inside a Map.")
    name: str | None = Field(default=None, description="Not set; kept for clients generated from older documents.")
    queue: str | None = Field(default=None, description="Not set; kept for clients generated from older documents.")


class WorkflowWarning(Response):
    """Something that will make a run fail if it goes on as it does."""

    code: str = Field(
        description="What it is about: `history-events` (the history fills up) or `payload` (an input or output is "
        "large). Later versions may have more codes."
    )
    message: str = Field(description="The warning, for people.")
    since: Timestamp = Field(description="When it appeared.")
    value: int = Field(description="What was measured then: events of the history, or bytes.")
    limit: int = Field(description="The limit of AWS, in the same unit.")


class WorkflowSummary(Response):
    """A workflow without its jobs and output, as listings with `summaryOnly` return it."""

    id: str = Field(description="Id of the workflow, a UUID; also the name of its Step Functions execution.")
    created_at: Timestamp = Field(description="When the workflow was accepted.")
    started_at: Timestamp | None = Field(
        default=None, description="When its execution started; absent while it is queued."
    )
    stopped_at: Timestamp | None = Field(
        default=None, description="When its execution ended; absent while it is active."
    )
    last_updated: Timestamp = Field(description="When the stored record last changed.")
    observed_at: Timestamp | None = Field(default=None, description="When Step Functions was last asked about it.")
    workflow_definition: WorkflowDefinition = Field(description="The definition version that it runs.")
    status: WorkflowStatus = Field(description="Status of the run. The last three values are terminal.")
    namespace: str = Field(description="Environment that short resource names are expanded for.")
    queue: str = Field(description="Queue that the workflow waits in before it starts.")
    priority: int = Field(default=0, description="Priority in a limited queue, 0 to 9; 9 starts first.")
    input: str = Field(description="Input as JSON text, as it was submitted.")
    resolved_by_user: bool = Field(
        default=False,
        description="Whether the workflow needs no attention: it succeeded, was cancelled, or is marked as resolved.",
    )
    resolved_by: str | None = Field(
        default=None,
        description="Id of the workflow that resumed this one and succeeded, which resolved this failure.",
    )
    fingerprint: str | None = Field(
        default=None,
        description="Equal for the failures of one fault: made of the definition, the state that failed, the error and "
        "its message, without ids, times and numbers. Set once the details of the failure are known.",
    )
    created_by: str | None = Field(default=None, description="Who started or resumed it; absent when unknown.")
    cancelled_by: str | None = Field(default=None, description="Who cancelled it; absent when unknown.")
    resolved_by_caller: str | None = Field(
        default=None, description="Who marked the failure as resolved; absent when unknown."
    )
    resolve_reason: str | None = Field(default=None, description="Why the failure was marked as resolved.")
    warnings: tuple[WorkflowWarning, ...] = Field(
        default=(),
        exclude_if=lambda value: not value,
        description="Limits that the run approaches, or approached; absent when there are none.",
    )
    retry_for: str | None = Field(default=None, description="Id of the workflow that this one resumes.")
    retries: tuple[str, ...] = Field(default=(), description="Ids of the workflows that resume this one, oldest first.")
    redrives: int = Field(
        default=0, description="How often its execution was redriven, which means that it went on where it had failed."
    )
    redriven_at: Timestamp | None = Field(default=None, description="When it was redriven last.")
    redriven_by: str | None = Field(
        default=None, description="Who redrove it last; `outside` if that was not done through this service."
    )
    tags: Tags = Field(description="Tags: those of the definition, replaced and extended by those of the request.")
    last_job: Job | None = Field(
        default=None, description="The most recent job; for a failed workflow, the job that made it fail."
    )
    execution_arn: str = Field(description="ARN of the Step Functions execution.")


class Workflow(WorkflowSummary):
    """One run of one definition version; its id is also the name of its SFN execution."""

    status_reason: str | None = Field(
        default=None, description="Why the workflow failed or was cancelled; the telling line of the cause first."
    )
    error: str | None = Field(default=None, description="Name of the error that ended the workflow.")
    output: str | None = Field(default=None, description="Output as JSON text; absent until the workflow succeeds.")
    variables: str | None = Field(
        default=None, description="Variables that a resumed workflow starts with, as the text of a JSON object."
    )
    jobs: tuple[Job, ...] = Field(default=(), description="Jobs, in the order in which the run entered their states.")
    unreadable: str | None = Field(
        default=None,
        description="Why the stored record, or a part of it, cannot be read: it is damaged, or a later version of the "
        "service wrote it. The unreadable fields are left out.",
    )
    execution_input: str | None = Field(default=None, exclude=True)
    """The original input, which states of a resumed run see as ``$$.Execution.Input``."""
    revision: int = Field(default=0, exclude=True)
    """Number of writes to the record; every update is conditional on it."""
    details_pending: bool = Field(default=False, exclude=True)
    """The run has ended, and its output, reason or jobs are still to be read."""
    details_deferred: bool = Field(default=False, exclude=True)
    """The details are read when quota is spare or a caller asks: too many runs ended at once."""
    start_pending: bool = Field(default=False, exclude=True)
    """The execution is not confirmed as started; while the workflow is queued, the dispatcher starts it."""
    stop_pending: bool = Field(default=False, exclude=True)
    """The workflow was cancelled while its execution may have been starting, which is still to be stopped."""
    request_fingerprint: str | None = Field(default=None, exclude=True)
    """Digest of the request that carried an Idempotency-Key."""


class WorkflowCount(Response):
    """How many workflows have one value of a property."""

    value: str = Field(description="Value of the property, such as a status.")
    count: int = Field(description="Number of counted workflows that have it.")


class WorkflowCounts(Response):
    """Workflows counted by a property."""

    by: WorkflowProperty = Field(description="The property.")
    counts: tuple[WorkflowCount, ...] = Field(
        description="The counts, the largest first. Workflows without the property are in `total` only."
    )
    total: int = Field(description="Number of workflows that were counted: the newest that match.")
    more: bool = Field(description="Whether more workflows match, so that each count is a lower bound.")


class StartWorkflowRequest(Request):
    """A workflow to start."""

    workflow_definition: WorkflowDefinitionRef = Field(description="The definition to run.")
    namespace: Namespace = Field(description="Environment that short resource names are expanded for.")
    input: str | dict[str, Any] = Field(
        default="",
        description="A JSON object, or its text, of at most 262,144 bytes with the added `_EXECUTION_NAME`. "
        "Without it, `{}`.",
    )
    queue: QueueName = Field(default="default", description="Queue that the workflow waits in before it starts.")
    priority: int = Field(default=0, ge=0, le=9, description="Priority in a limited queue; 9 starts first.")
    tags: Tags = Field(
        default_factory=dict, description="Tags of the workflow; they take precedence over those of the definition."
    )
    id_suffix: str | None = Field(default=None, description="Accepted and ignored.")


class CancelReason(Request):
    """Why a workflow is cancelled."""

    reason: str = Field(
        default="", max_length=32_768, description="Reason, which becomes the `statusReason` of the workflow."
    )


class ResolveReason(Request):
    """Why a failed workflow needs no attention any more."""

    reason: str = Field(
        default="", max_length=4_096, description="Reason, which becomes the `resolveReason` of the workflow."
    )


def is_resolved(status: WorkflowStatus) -> bool:
    """Tell whether a run that has ended needs no attention, which is true unless it failed."""
    return status in {WorkflowStatus.SUCCEEDED, WorkflowStatus.CANCELLED}
