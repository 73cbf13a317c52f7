"""Where workflows and jobs can be in their life, and what workflows can be counted by."""

from enum import StrEnum


class WorkflowStatus(StrEnum):
    """Where a workflow is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether the run is over; a terminal status is final."""
        return self not in ACTIVE_STATUSES


ACTIVE_STATUSES = frozenset({WorkflowStatus.QUEUED, WorkflowStatus.RUNNING})


class JobStatus(StrEnum):
    """Where a job is in its life."""

    CREATED = "created"
    QUEUED = "queued"
    WAITING_FOR_DEPS = "waiting_for_deps"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED_DEPS_FAILED = "aborted_deps_failed"
    ABORTED_BY_USER = "aborted_by_user"


class WorkflowProperty(StrEnum):
    """What workflows can be counted by."""

    STATUS = "status"
    DEFINITION = "definition"
    NAMESPACE = "namespace"
    QUEUE = "queue"
    ERROR = "error"
