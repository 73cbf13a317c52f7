"""The activity worker: runs a command for each task of a Step Functions activity, as ``sfncli`` does."""

from app.worker.activities import ActivityCalls, ActivityPolls
from app.worker.cloudwatch import CloudWatchActivePercent
from app.worker.config import (
    CommandSettings,
    InputMode,
    Pace,
    WorkerSettings,
    qualified_name,
    tags_from_environment,
)
from app.worker.ecs import TaskProtection, expand_ecs_task
from app.worker.expansion import expand
from app.worker.outcome import ErrorName, TaskFailed
from app.worker.runner import Handler
from app.worker.signals import run_until_signalled
from app.worker.stopping import Stop, StopReason, StopRequest
from app.worker.task import Task
from app.worker.worker import ActivityWorker, CommandWorker

__all__ = [
    "ActivityCalls",
    "ActivityPolls",
    "ActivityWorker",
    "CloudWatchActivePercent",
    "CommandSettings",
    "CommandWorker",
    "ErrorName",
    "Handler",
    "InputMode",
    "Pace",
    "Stop",
    "StopReason",
    "StopRequest",
    "Task",
    "TaskFailed",
    "TaskProtection",
    "WorkerSettings",
    "expand",
    "expand_ecs_task",
    "qualified_name",
    "run_until_signalled",
    "tags_from_environment",
]
