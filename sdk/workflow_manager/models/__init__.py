"""The models of the API: definitions, workflows and jobs, state resources."""

from workflow_manager.models.definitions import (
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
    same_content,
)
from workflow_manager.models.queues import Queue, QueueLimits, QueueName
from workflow_manager.models.quotas import QuotaHeadroom
from workflow_manager.models.state_resources import (
    JobResource,
    Namespace,
    NewStateResource,
    ResourceName,
    StateResource,
    StateResourceType,
    resource_type,
)
from workflow_manager.models.wire import Request, Response, Timestamp, format_time, now, to_milliseconds
from workflow_manager.models.workflows import (
    CancelReason,
    Job,
    JobAttempt,
    StartWorkflowRequest,
    Workflow,
    WorkflowSummary,
    is_resolved,
)
from workflow_manager.statuses import ACTIVE_STATUSES, JobStatus, WorkflowStatus

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
    "same_content",
    "to_milliseconds",
]
