"""The models of the API: definitions, workflows and jobs, state resources."""

from app.models.definitions import (
    DefinitionName,
    Manager,
    NewWorkflowDefinitionRequest,
    StateMachine,
    Tags,
    WorkflowDefinition,
    WorkflowDefinitionOverrides,
    WorkflowDefinitionRef,
)
from app.models.state_resources import (
    Namespace,
    NewStateResource,
    ResourceName,
    StateResource,
    StateResourceType,
    resource_type,
)
from app.models.wire import Request, Response, Timestamp, format_time, now, to_milliseconds
from app.models.workflows import (
    ACTIVE_STATUSES,
    CancelReason,
    Job,
    JobAttempt,
    JobStatus,
    StartWorkflowRequest,
    Workflow,
    WorkflowStatus,
    is_resolved,
)

__all__ = [
    "ACTIVE_STATUSES",
    "CancelReason",
    "DefinitionName",
    "Job",
    "JobAttempt",
    "JobStatus",
    "Manager",
    "Namespace",
    "NewStateResource",
    "NewWorkflowDefinitionRequest",
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
    "WorkflowStatus",
    "format_time",
    "is_resolved",
    "now",
    "resource_type",
    "to_milliseconds",
]
