"""The activity worker: runs a command, as ``sfncli`` does, or a Python function for each task of an activity."""

from workflow_manager.worker.functions.context import Context, SyncContext
from workflow_manager.worker.functions.worker import Worker
from workflow_manager.worker.task_errors import TaskFailed

__all__ = ["Context", "SyncContext", "TaskFailed", "Worker"]
