"""The Step Functions of one account and region: state machines, executions, activities and task tokens."""

import copy
import json
import threading
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NoReturn

from moto.core.base_backend import BackendDict
from moto.core.exceptions import AWSError
from moto.stepfunctions.exceptions import (
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    InvalidExecutionInput,
    InvalidToken,
)
from moto.stepfunctions.models import Activity as ActivityRecord
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.api import InvalidOutput, StateMachineAlreadyExists, TaskDoesNotExist, TaskTimedOut
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from workflow_manager.local.options import KEEP
from workflow_manager.local.stepfunctions import paging
from workflow_manager.local.stepfunctions.activities import Activity, ActivityRegistry, Callback, PendingTask
from workflow_manager.local.stepfunctions.executions import Execution

POLL_SECONDS: Final = 60.0
"""How long GetActivityTask waits for a task, as AWS does."""

LIST_LIMIT: Final = 100
"""Executions on a page of ListExecutions when the caller names no number, as AWS does."""


class ExecutionNotRedrivable(AWSError):
    """The execution cannot be redriven."""

    TYPE = "ExecutionNotRedrivable"


class Backend(StepFunctionsParserBackend):
    """moto's backend with activities, and with the rules of AWS where moto has others.

    One lock orders what changes the set of state machines and executions; requests run in threads.
    """

    keep: ClassVar = KEEP
    """Ended executions that are kept, of each account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._lock = threading.RLock()
        self._executions: dict[str, Execution] = {}
        self._ended: deque[Execution] = deque()
        self._registry = ActivityRegistry()
        self.activities: dict[str, Activity] = self._registry.activities  # type: ignore[assignment]

    @staticmethod
    def now() -> datetime:
        """Tell the time of executions: that of their dates and events, and of the rules of a redrive."""
        return datetime.now(UTC)

    # State machines

    def create_state_machine(  # type: ignore[override]
        self,
        name: str,
        definition: str,
        roleArn: str,  # noqa: N803 - moto's name
        sm_type: str | None = None,
        **options: Any,
    ) -> StateMachine:
        """Create a state machine; again with the same settings is no error, with others it is."""
        with self._lock:
            existing = self._revision_by_name(name)
            if existing is not None and not _same(existing, definition, sm_type, options):
                raise StateMachineAlreadyExists(f"State Machine Already Exists: '{existing.arn}'")
            return super().create_state_machine(name, definition, roleArn, sm_type=sm_type, **options)

    def update_state_machine(self, *changes: Any, **options: Any) -> StateMachine:
        """Change a state machine; its running executions keep what they started with."""
        with self._lock:
            return super().update_state_machine(*changes, **options)

    def delete_state_machine(self, arn: str) -> None:
        """Delete a state machine, and with it the records of its executions."""
        with self._lock:
            machine = next((machine for machine in self.state_machines if machine.arn == arn), None)
            super().delete_state_machine(arn)
            for execution in machine.executions if machine else ():
                self._executions.pop(execution.execution_arn, None)

    # Executions

    def start_execution(  # type: ignore[override]
        self,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,
    ) -> Execution:
        """Start an execution; again with the same name and input is no error while it runs."""
        name = name or str(uuid.uuid4())
        self._validate_name(name)
        with self._lock:
            self._forget()
            machine = self.describe_state_machine(state_machine_arn)
            execution = self._execution(machine, name, execution_input or "{}", trace_header)
            known = self._executions.get(execution.execution_arn)
            if known is not None:
                return _if_same(known, execution)
            execution.start()
            machine.executions.append(execution)  # type: ignore[arg-type]
            self._executions[execution.execution_arn] = execution
            return execution

    def stop_execution(  # type: ignore[override]
        self, execution_arn: str, error: str | None = None, cause: str | None = None
    ) -> Execution:
        """Abort an execution; one that is over stays as it is."""
        execution = self.describe_execution(execution_arn)
        execution.stop(self.now(), error, cause)
        return execution

    def redrive_execution(self, execution_arn: str, client_token: str | None = None) -> datetime:
        """Let an execution go on from where it failed; again with the same token is no error.

        Returns when it was redriven. Raises ExecutionNotRedrivable.
        """
        execution = self.describe_execution(execution_arn)
        with self._lock:
            snapshot, now = execution.snapshot, self.now()
            answered = snapshot.redrives.answered(client_token, now=now)
            if answered is not None:
                return answered
            reason = execution.redrive_refusal(snapshot)
            if reason is not None:
                raise ExecutionNotRedrivable(f"Execution {execution_arn} invalid for redrive as: {reason}")
            self._ended.remove(execution)
            return execution.redrive(client_token)

    def describe_execution(self, execution_arn: str) -> Execution:  # type: ignore[override]
        """Return an execution."""
        self._validate_execution_arn(execution_arn)
        execution = self._executions.get(execution_arn)
        if execution is None:
            raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{execution_arn}'")
        return execution

    def list_executions(  # type: ignore[override]
        self,
        state_machine_arn: str,
        status_filter: str | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> tuple[list[Execution], str | None]:
        """Return a page of the executions of a state machine, newest first."""
        executions: list[Any] = list(self.describe_state_machine(state_machine_arn).executions)
        matching = [one for one in executions if status_filter in {None, one.status}]
        return paging.newest_first(matching, limit=max_results or LIST_LIMIT, next_token=next_token)

    def _execution(self, machine: StateMachine, name: str, input_text: str, trace_header: str | None) -> Execution:
        _require_json(input_text, InvalidExecutionInput, "Invalid State Machine Execution Input")
        snapshot = copy.copy(machine)
        snapshot.executions = []
        return Execution(
            registry=self._registry,
            name=name,
            sm_type=machine.sm_type,
            role_arn=machine.roleArn,
            exec_arn=f"{machine.arn.replace(':stateMachine:', ':execution:')}:{name}",
            account_id=self.account_id,
            region_name=self.region_name,
            state_machine=snapshot,
            start_date=self.now(),
            cloud_watch_logging_session=None,
            input_data=input_text,
            trace_header=trace_header,
            on_ended=self._ended.append,
            now=self.now,
        )

    def _forget(self) -> None:
        """Forget the executions that ended first, beyond the limit."""
        while len(self._ended) > self.keep:
            execution = self._ended.popleft()
            if self._executions.pop(execution.execution_arn, None) is not None:
                self._machine_of(execution).executions.remove(execution)  # type: ignore[arg-type]
            self._registry.forget(execution.callbacks.tokens)

    def _machine_of(self, execution: Execution) -> StateMachine:
        return next(machine for machine in self.state_machines if machine.arn == execution.state_machine_arn)

    # Activities and task tokens

    def create_activity(
        self,
        name: str,
        tags: list[dict[str, str]] | None = None,
        encryption_configuration: dict[str, Any] | None = None,
    ) -> ActivityRecord:
        """Create an activity; again is no error, and changes nothing."""
        arn = f"arn:{self.partition}:states:{self.region_name}:{self.account_id}:activity:{name}"
        with self._lock:
            if arn not in self.activities:
                record = super().create_activity(name, tags, encryption_configuration)
                self.activities[arn] = Activity(record.arn, record.name, record.encryption_configuration)
            return self.activities[arn]

    def get_activity_task(
        self, activity_arn: str, worker_name: str | None, hung_up: Callable[[], bool]
    ) -> PendingTask | None:
        """Wait for a task of the activity and take it; None when there was none for a minute."""
        activity: Any = self.describe_activity(activity_arn)
        return activity.take(worker_name, seconds=POLL_SECONDS, hung_up=hung_up)  # type: ignore[no-any-return]

    def send_task_success(self, task_token: str, outcome: str) -> None:  # type: ignore[override]
        """End a task with its output."""
        _require_json(outcome, InvalidOutput, "Invalid Output")
        self._finish(CallbackOutcomeSuccess(task_token, outcome))

    def send_task_failure(  # type: ignore[override]
        self, task_token: str, error: str | None = None, cause: str | None = None
    ) -> None:
        """End a task with an error."""
        self._finish(CallbackOutcomeFailure(task_token, error, cause))

    def send_task_heartbeat(self, task_token: str) -> None:  # type: ignore[override]
        """Tell that a task is still worked on, also where its state asks for no heartbeat."""
        if not self._callback(task_token).beat():
            _refuse_late()

    def _finish(self, outcome: CallbackOutcome) -> None:
        if not self._callback(outcome.callback_id).finish(outcome):
            _refuse_late()

    def _callback(self, token: str) -> Callback:
        callback = self._registry.find(token)
        if callback is not None:
            return callback
        if _is_token(token):
            raise TaskDoesNotExist(f"Task Does Not Exist: '{token}'")
        raise InvalidToken("'Invalid token'")


def _if_same(known: Execution, asked: Execution) -> Execution:
    """Return the execution that has the name, while it runs and if it was asked for with the same input."""
    if known.status != "RUNNING" or known.execution_input != asked.execution_input:
        raise ExecutionAlreadyExists(f"Execution Already Exists: '{known.execution_arn}'")
    return known


def _same(machine: StateMachine, definition: str, sm_type: str | None, options: dict[str, Any]) -> bool:
    """Compare what AWS compares: not the role and not the tags."""
    return (
        machine.definition == definition
        and machine.type == (sm_type or "STANDARD")
        and machine.loggingConfiguration == (options.get("loggingConfiguration") or {"level": "OFF"})
        and machine.tracingConfiguration == (options.get("tracingConfiguration") or {"enabled": False})
    )


def _require_json(text: str, error: type[Exception], message: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as invalid:
        raise error(f"{message}: '{invalid}'") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_token(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _refuse_late() -> NoReturn:
    raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")


backends = BackendDict(Backend, "stepfunctions")
