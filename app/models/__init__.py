"""The models of the API: definitions, workflows and jobs, state resources."""

from app.models.definitions import (
    DefinitionName,
    DefinitionWarning,
    Manager,
    NewWorkflowDefinitionRequest,
    StateMachine,
    Tags,
    WorkflowDefinition,
    WorkflowDefinitionOverrides,
    WorkflowDefinitionRef,
    WorkflowDefinitionVerdict,
)
from app.models.queues import Queue, QueueLimits, QueueName
from app.models.quotas import QuotaHeadroom
from app.models.state_resources import (
    JobResource,
    Namespace,
    NewStateResource,
    ResourceName,
    StateResource,
    StateResourceType,
    resource_type,
)
from app.models.wire import Request, Response, Timestamp, format_time, now, to_milliseconds
from app.models.workflows import (
    CancelReason,
    Job,
    JobAttempt,
    StartWorkflowRequest,
    Workflow,
    WorkflowSummary,
    is_resolved,
)
from app.statuses import ACTIVE_STATUSES, JobStatus, WorkflowStatus

__all__ = [
    "ACTIVE_STATUSES",
    "CancelReason",
    "DefinitionName",
    "DefinitionWarning",
    "Job",
    "JobAttempt",
    "JobResource",
    "JobStatus",
    "Manager",
    "Namespace",
    "NewStateResource",
    "NewWorkflowDefinitionRequest",
    "Queue",
    "QueueLimits",
    "QueueName",
    "QuotaHeadroom",
    "Request",
    "ResourceName",
    "Response",
    "StartWorkflowRequest",
    "StateMachine",
    "StateResource",
    "StateResourceType",
    "Tags",
    "Timestamp",
    "Workflow",
    "WorkflowDefinition",
    "WorkflowDefinitionOverrides",
    "WorkflowDefinitionRef",
    "WorkflowDefinitionVerdict",
    "WorkflowStatus",
    "WorkflowSummary",
    "format_time",
    "is_resolved",
    "now",
    "resource_type",
    "to_milliseconds",
]
