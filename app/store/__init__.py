"""Stores of definitions, state resources and workflows."""

from app.store.base import ActivePage, Page, Store, WorkflowChanges, WorkflowQuery

__all__ = ["ActivePage", "Page", "Store", "WorkflowChanges", "WorkflowQuery"]
