"""Client, worker and command line of workflow-manager, the workflow manager on top of AWS Step Functions.

    from workflow_manager import WorkflowManager

    async with WorkflowManager("http://localhost:8080") as manager:
        workflow = await manager.start_workflow("nightly-report", {"day": "2026-11-30"})
        print((await manager.wait(workflow.id)).status)

A name is loaded when it is first used, so that a program that wants the client pays nothing for the worker.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Any

from workflow_manager.version import __version__ as __version__

if TYPE_CHECKING:
    from workflow_manager.client import RetryPolicy, SyncWorkflowManager, WorkflowFilters, WorkflowManager
    from workflow_manager.errors import WorkflowManagerError
    from workflow_manager.models import Workflow, WorkflowDefinition, WorkflowStatus
    from workflow_manager.worker import Context, SyncContext, TaskFailed, Worker

__all__ = [
    "Context",
    "RetryPolicy",
    "SyncContext",
    "SyncWorkflowManager",
    "TaskFailed",
    "Worker",
    "Workflow",
    "WorkflowDefinition",
    "WorkflowFilters",
    "WorkflowManager",
    "WorkflowManagerError",
    "WorkflowStatus",
]


if not TYPE_CHECKING:  # which would take every name for one that exists

    def __getattr__(name: str) -> Any:
        found = getattr(_room(name), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _room(name: str) -> ModuleType:
    """Import the package that a name comes from; none of the others is loaded for it."""
    if name in {"Context", "SyncContext", "TaskFailed", "Worker"}:
        from workflow_manager import worker

        return worker
    if name in {"Workflow", "WorkflowDefinition", "WorkflowStatus"}:
        from workflow_manager import models

        return models
    if name == "WorkflowManagerError":
        from workflow_manager import errors

        return errors
    if name in __all__:
        from workflow_manager import client

        return client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
