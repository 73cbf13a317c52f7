"""The client of the service: every operation, typed, asynchronous or not."""

from app.client.manager import WorkflowManager
from app.client.requests import WorkflowFilters
from app.client.retries import RetryPolicy
from app.client.sync import SyncWorkflowManager
from app.client.workflows import WorkflowPage

__all__ = ["RetryPolicy", "SyncWorkflowManager", "WorkflowFilters", "WorkflowManager", "WorkflowPage"]
