"""The activity worker: runs a command, as ``sfncli`` does, or a Python function for each task of an activity."""

from app.worker.activities import ActivityCalls, ActivityPolls
from app.worker.activity_file import ACTIVITY_VARIABLE, activity_of, read_activities
from app.worker.cloudwatch import CloudWatchActivePercent
from app.worker.config import (
    CommandSettings,
    InputMode,
    Pace,
    WorkerSettings,
    check_namespace,
    qualified_name,
    tags_from_environment,
)
from app.worker.context import Context, SyncContext
from app.worker.definitions import DefinitionService
from app.worker.ecs import TaskProtection, expand_ecs_task
from app.worker.equipment import Equipment, Gauges, equipped
from app.worker.expansion import expand
from app.worker.fleet import CommandFleet, Fleet
from app.worker.functions import FunctionHandler, TaskFunction
from app.worker.hosting import CommandActivity, Host, pace_of, run_commands
from app.worker.observing import Observer, Outcome, PollResult
from app.worker.outcome import ErrorName, FunctionErrorName, TaskFailed
from app.worker.prometheus import WorkerMetrics, metrics_server
from app.worker.python_worker import Worker
from app.worker.runner import Handler
from app.worker.signals import run_until_signalled, stopped_by_signals
from app.worker.signature import signature_of
from app.worker.stopping import Stop, StopReason, StopRequest
from app.worker.task import Task
from app.worker.watchdog import Guard, Watchdog
from app.worker.worker import ActivityWorker, CommandWorker

__all__ = [
    "ACTIVITY_VARIABLE",
    "ActivityCalls",
    "ActivityPolls",
    "ActivityWorker",
    "CloudWatchActivePercent",
    "CommandActivity",
    "CommandFleet",
    "CommandSettings",
    "CommandWorker",
    "Context",
    "DefinitionService",
    "Equipment",
    "ErrorName",
    "Fleet",
    "FunctionErrorName",
    "FunctionHandler",
    "Gauges",
    "Guard",
    "Handler",
    "Host",
    "InputMode",
    "Observer",
    "Outcome",
    "Pace",
    "PollResult",
    "Stop",
    "StopReason",
    "StopRequest",
    "SyncContext",
    "Task",
    "TaskFailed",
    "TaskFunction",
    "TaskProtection",
    "Watchdog",
    "Worker",
    "WorkerMetrics",
    "WorkerSettings",
    "activity_of",
    "check_namespace",
    "equipped",
    "expand",
    "expand_ecs_task",
    "metrics_server",
    "pace_of",
    "qualified_name",
    "read_activities",
    "run_commands",
    "run_until_signalled",
    "signature_of",
    "stopped_by_signals",
    "tags_from_environment",
]
