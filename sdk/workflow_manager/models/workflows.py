"""Workflows: runs of a definition, and the jobs that their states became."""

from typing import Any

from pydantic import Field

from workflow_manager.models.definitions import Tags, WorkflowDefinition, WorkflowDefinitionRef
from workflow_manager.models.queues import QueueName
from workflow_manager.models.state_resources import JobResource, Namespace
from workflow_manager.models.wire import Request, Response, Timestamp
from workflow_manager.statuses import JobStatus, WorkflowStatus


class JobAttempt(Response):
    """An earlier try of a job, which failed; the job itself tells about the last one."""

    created_at: Timestamp | None = None
    started_at: Timestamp | None = None
    stopped_at: Timestamp | None = None
    reason: str | None = None
    error: str | None = Field(default=None, description="Name of the error.")
    exit_code: int | None = None
    container_instance_arn: str | None = Field(default=None, alias="containerInstanceARN")
    task_arn: str | None = Field(
        default=None, alias="taskARN", description="The worker that took it, or the run of a distributed Map."
    )


class Job(Response):
    """One entry into one state of a run."""

    id: str = Field(description="Id of the history event that entered the state.")
    state: str
    type: str = Field(description="The state's Type: Task, Choice, Map, ...")
    status: JobStatus
    status_reason: str | None = Field(
        default=None, description="Why it failed: the sentence that tells, then the rest of the cause, shortened."
    )
    error: str | None = Field(default=None, description="Name of the error.")
    cause: str | None = Field(default=None, description="The whole cause, as Step Functions has it.")
    created_at: Timestamp
    started_at: Timestamp | None = None
    stopped_at: Timestamp | None = None
    input: str | None = None
    output: str | None = None
    assigned_variables: dict[str, str] | None = Field(
        default=None, description="Variables that the state assigned, each as JSON text."
    )
    payloads_left_out: bool | None = Field(
        default=None,
        description="Whether its input, output, variables or cause are kept by Step Functions alone, because the run "
        "has too many of them; `getJob` asks for them.",
    )
    container: str | None = Field(default=None, description="Name of the worker that took the task.")
    state_resource: JobResource | None = None
    attempts: tuple[JobAttempt, ...] = Field(default=(), description="The earlier tries, which failed.")
    parent: str | None = Field(default=None, description="Id of the Parallel or Map job that this one ran inside.")
    branch: int | None = Field(default=None, description="Index of the branch, inside a Parallel.")
    iteration: int | None = Field(default=None, description="Index of the item, inside a Map.")
    name: str | None = None
    queue: str | None = None


class WorkflowSummary(Response):
    """What is known of a workflow without asking for its jobs."""

    id: str
    created_at: Timestamp
    started_at: Timestamp | None = None
    stopped_at: Timestamp | None = None
    last_updated: Timestamp
    observed_at: Timestamp | None = Field(default=None, description="When Step Functions was last asked.")
    workflow_definition: WorkflowDefinition
    status: WorkflowStatus
    namespace: str
    queue: str
    priority: int = Field(default=0, description="In a limited queue, 9 goes before 0.")
    input: str
    resolved_by_user: bool = False
    resolved_by: str | None = Field(
        default=None, description="Id of the workflow that resumed this one and succeeded; then nobody need look."
    )
    retry_for: str | None = Field(default=None, description="Id of the workflow that this one resumes.")
    retries: tuple[str, ...] = Field(default=(), description="Ids of the workflows that resume this one.")
    tags: Tags
    last_job: Job | None = None
    execution_arn: str


class Workflow(WorkflowSummary):
    """One run of one definition version; its id is also the name of its SFN execution."""

    status_reason: str | None = None
    error: str | None = Field(default=None, description="Name of the error that ended it.")
    output: str | None = None
    variables: str | None = Field(
        default=None, description="Variables that a resumed run begins with, as the text of a JSON object."
    )
    jobs: tuple[Job, ...] = ()
    unreadable: str | None = Field(
        default=None,
        description="Why the record of this workflow, or a part of it, cannot be read: it is damaged, or a later "
        "version of the service wrote it. What could not be read is left out.",
    )
    execution_input: str | None = Field(default=None, exclude=True)
    """What the states of a resumed run find as the input of the execution, when they look for it."""
    revision: int = Field(default=0, exclude=True)
    """Counts the writes to the record: the condition of every update."""
    details_pending: bool = Field(default=False, exclude=True)
    """The run has ended, but its output, reason or jobs are still to be asked for."""
    details_deferred: bool = Field(default=False, exclude=True)
    """There were too many of those at its end: its details wait until there is time, or somebody looks."""
    start_pending: bool = Field(default=False, exclude=True)
    """Nobody has seen its execution start: while it is queued, the dispatcher is to start it."""
    stop_pending: bool = Field(default=False, exclude=True)
    """It was cancelled while its execution may have been starting, which then is still to be stopped."""
    request_fingerprint: str | None = Field(default=None, exclude=True)
    """Digest of the request that an Idempotency-Key came with."""


class StartWorkflowRequest(Request):
    """A workflow to start."""

    workflow_definition: WorkflowDefinitionRef
    namespace: Namespace
    input: str | dict[str, Any] = ""
    queue: QueueName = "default"
    priority: int = Field(default=0, ge=0, le=9, description="In a limited queue, 9 goes before 0.")
    tags: Tags = Field(default_factory=dict)
    id_suffix: str | None = Field(default=None, description="Accepted and ignored.")


class CancelReason(Request):
    """Why a workflow is cancelled."""

    reason: str = Field(default="", max_length=32_768)


def is_resolved(status: WorkflowStatus) -> bool:
    """Tell whether a run that just ended needs nobody's attention: all but a failure."""
    return status in {WorkflowStatus.SUCCEEDED, WorkflowStatus.CANCELLED}
