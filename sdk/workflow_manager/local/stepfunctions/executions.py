"""Executions: one run of a state machine, from its start to whatever ends it, and on from there when it is redriven."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from moto.core.utils import iso_8601_datetime_with_milliseconds
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.evaluation_details import EvaluationDetails
from moto.stepfunctions.parser.backend.execution import Execution as InterpretedExecution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.backend.execution_worker_comm import ExecutionWorkerCommunication
from moto.stepfunctions.parser.utils import TMP_THREADS

from workflow_manager.local.stepfunctions import redrive
from workflow_manager.local.stepfunctions.activities import ActivityRegistry
from workflow_manager.local.stepfunctions.checkpoints import Checkpoint, HistoryPosition, Repetition
from workflow_manager.local.stepfunctions.history import ENDINGS, TOO_MANY, Event, History
from workflow_manager.local.stepfunctions.redrive import Redrives
from workflow_manager.local.stepfunctions.scopes import CallbackScope, VariableScope

log = logging.getLogger(__name__)

NO_OUTCOME: Final = "The interpreter stopped without an outcome"


@dataclass(frozen=True)
class ExecutionSnapshot:
    """What AWS tells of an execution at one moment."""

    status: ExecutionStatus = ExecutionStatus.RUNNING
    stop_date: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    redrives: Redrives = field(default_factory=Redrives)


class Execution(InterpretedExecution):
    """One run. Its snapshot is what the last ending or redrive in its history says, and changes together with it."""

    def __init__(
        self,
        *,
        registry: ActivityRegistry,
        on_ended: Callable[["Execution"], None],
        now: Callable[[], datetime],
        **details: Any,
    ) -> None:
        super().__init__(activity_store={}, **details)
        self.snapshot = ExecutionSnapshot()
        self.history = History(on_end=self._on_end, now=now)
        self.callbacks = CallbackScope(registry)
        self._registry = registry
        self._on_ended = on_ended
        self._now = now
        self._one_at_a_time = threading.Lock()
        """Held by what starts the program and what stops it."""

    @property
    def status(self) -> str:
        """The status."""
        return str(self.snapshot.status.value)

    @property
    def is_express(self) -> bool:
        """Whether the machine is an express one, which runs as a standard one here."""
        return bool(getattr(self.state_machine, "type", None) == "EXPRESS")

    def redrive_refusal(self, snapshot: ExecutionSnapshot) -> str | None:
        """Return why the execution cannot be redriven, or None."""
        return redrive.refusal(
            status=str(snapshot.status.value),
            started=self.start_date,
            stopped=snapshot.stop_date,
            events=len(self.history),
            now=self._now(),
            is_express=self.is_express,
        )

    def start(self) -> None:
        """Start, and return once the run can be stopped."""
        with self._one_at_a_time:
            self._run(_Worker(self, Checkpoint(), self.snapshot.redrives))

    def stop(self, stop_date: datetime, error: str | None = None, cause: str | None = None) -> None:
        """Abort it; nothing happens when it is over."""
        details = {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
        with self._one_at_a_time:
            if self.history.end(HistoryEventType.ExecutionAborted, details):
                super().stop(stop_date, error, cause)

    def redrive(self, token: str | None) -> datetime:
        """Go on from where it ended; return the date of the redrive, once the run can be stopped again."""
        with self._one_at_a_time:
            checkpoint = self._checkpoint().again()
            self.history = History(on_end=self._on_end, now=self._now, before=self.history.events)
            self.callbacks = CallbackScope(self._registry, tokens=self.callbacks.tokens)
            moment = self._now()
            redrives = self.snapshot.redrives.after(token, now=moment)
            self.history.redriven(redrives.count, moment)
            worker = _Worker(self, checkpoint, redrives)
            worker.keep_map_runs(self.exec_worker)
            self.snapshot = ExecutionSnapshot(redrives=redrives)
            self._run(worker)
            return moment

    def _run(self, worker: "_Worker") -> None:
        self.exec_worker = worker
        worker.start()  # type: ignore[no-untyped-call]
        self.history.begun.wait()

    def _checkpoint(self) -> Checkpoint:
        worker: Any = self.exec_worker
        checkpoint: Checkpoint = worker.env.event_history_context.checkpoint
        return checkpoint

    def _on_end(self, event: Event) -> None:
        details: dict[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
        # AWS gives the error of a timeout in the history alone.
        told = {} if event["type"] == HistoryEventType.ExecutionTimedOut else details
        if event.get("executionFailedEventDetails") == TOO_MANY["executionFailedEventDetails"]:
            self._halt()
        # The interpreter appends each thread to a list that is never read.
        TMP_THREADS.clear()
        # Before it is seen to have ended, because it can be redriven then.
        self._on_ended(self)
        self.snapshot = replace(
            self.snapshot,
            status=ENDINGS[event["type"]],
            stop_date=datetime.fromisoformat(event["timestamp"]),
            output=details.get("output"),
            error=told.get("error"),
            cause=told.get("cause"),
        )

    def _halt(self) -> None:
        """Let the program end, which does not know that its history has."""
        worker: Any = self.exec_worker
        worker.env.set_stop(self._now(), None, None)


class _Worker(ExecutionWorker):
    """Runs the program of an execution in a thread, with the history and the callbacks of this package."""

    env: VariableScope

    def __init__(self, execution: Execution, checkpoint: Checkpoint, redrives: Redrives) -> None:
        details = EvaluationDetails(
            aws_execution_details=execution._get_start_aws_execution_details(),  # noqa: SLF001 - moto's name
            execution_details=execution.get_start_execution_details(),
            state_machine_details=execution.get_start_state_machine_details(),
        )
        super().__init__(details, _NoReport(), cloud_watch_logging_session=None, activity_store={})
        self._history = execution.history
        self.env = self._scope(execution.callbacks, redrives)
        self.env.event_history_context = HistoryPosition(  # type: ignore[misc]
            0, checkpoint=checkpoint, repetitions=self._repetitions(checkpoint) if redrives.count else None
        )

    def keep_map_runs(self, former: Any) -> None:
        """Go on with the runs of distributed Maps that a former worker had."""
        self.env.map_run_record_pool_manager = former.env.map_run_record_pool_manager

    def _scope(self, callbacks: CallbackScope, redrives: Redrives) -> VariableScope:
        scope = super()._get_evaluation_environment()
        assert isinstance(scope, VariableScope)  # noqa: S101 - installed in the place of the interpreter's own
        scope.event_manager = self._history
        scope.callback_pool_manager = callbacks
        self._history.program_runs = scope.is_running
        execution: Any = scope.states.context_object.context_object_data["Execution"]
        execution["RedriveCount"] = redrives.count
        if redrives.date is not None:
            execution["RedriveTime"] = iso_8601_datetime_with_milliseconds(redrives.date)
        return scope

    def _repetitions(self, checkpoint: Checkpoint) -> deque[Repetition]:
        known = checkpoint.repetitions()
        if known and known[0][0] is HistoryEventType.FailStateEntered:
            # A Fail state is not entered again, and the failure follows the redrive.
            known[0] = (HistoryEventType.FailStateEntered, len(self._history))
        known.appendleft((HistoryEventType.ExecutionStarted, 1))
        return known

    def _get_evaluation_environment(self) -> VariableScope:
        return self.env

    def _execution_logic(self) -> None:
        reason = NO_OUTCOME
        try:
            super()._execution_logic()  # type: ignore[no-untyped-call]
        except Exception as error:
            log.exception("interpreter failed")
            reason = f"{type(error).__name__}: {error}"
        finally:
            # Only when the program ended without an ending: no run may stay open because of a bug.
            self._history.end(HistoryEventType.ExecutionFailed, {"error": "States.Runtime", "cause": reason})


class _NoReport(ExecutionWorkerCommunication):
    """The end of a run is read from its history, not reported."""

    def terminated(self) -> None:
        """Do nothing."""
