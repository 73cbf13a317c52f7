"""The client of the service, asynchronous and synchronous."""

from workflow_manager.client.manager import WorkflowManager
from workflow_manager.client.request_parts import WorkflowFilters
from workflow_manager.client.retries import RetryPolicy
from workflow_manager.client.sync import SyncWorkflowManager
from workflow_manager.client.workflow_calls import WorkflowPage

__all__ = ["RetryPolicy", "SyncWorkflowManager", "WorkflowFilters", "WorkflowManager", "WorkflowPage"]
