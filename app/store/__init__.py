"""Stores of definitions, state resources and workflows."""

from app.store.base import Page, Store, WorkflowChanges, WorkflowQuery

__all__ = ["Page", "Store", "WorkflowChanges", "WorkflowQuery"]
