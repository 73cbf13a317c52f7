"""The activity worker: runs a command, as ``sfncli`` does, or a Python function for each task of an activity."""

from workflow_manager.worker.activity.task_runner import Handler
from workflow_manager.worker.activity.worker import ActivityWorker, CommandWorker
from workflow_manager.worker.commands.watchdog import Guard, Watchdog
from workflow_manager.worker.config import (
    CommandSettings,
    InputMode,
    Pace,
    WorkerSettings,
    check_namespace,
    qualified_name,
    tags_from_environment,
)
from workflow_manager.worker.env_expansion import expand
from workflow_manager.worker.functions.context import Context, SyncContext
from workflow_manager.worker.functions.definitions import DefinitionService
from workflow_manager.worker.functions.handler import FunctionHandler, TaskFunction
from workflow_manager.worker.functions.signature import signature_of
from workflow_manager.worker.functions.worker import Worker
from workflow_manager.worker.host.activity_file import ACTIVITY_VARIABLE, activity_of, read_activities
from workflow_manager.worker.host.command_host import CommandActivity, Host, pace_of, run_commands
from workflow_manager.worker.host.ecs import TaskProtection, expand_ecs_task
from workflow_manager.worker.host.fleet import CommandFleet, Fleet
from workflow_manager.worker.host.services import Equipment, Gauges, equipped
from workflow_manager.worker.host.signals import run_until_signalled, stopped_by_signals
from workflow_manager.worker.metrics.cloudwatch import CloudWatchActivePercent
from workflow_manager.worker.metrics.hooks import Observer, Outcome, PollResult
from workflow_manager.worker.metrics.prometheus import WorkerMetrics, metrics_server
from workflow_manager.worker.sfn_protocols import ActivityCalls, ActivityPolls
from workflow_manager.worker.shutdown import Stop, StopReason, StopRequest
from workflow_manager.worker.task_errors import ErrorName, FunctionErrorName, TaskFailed
from workflow_manager.worker.task_json import Task

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
