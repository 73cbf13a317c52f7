"""Executions: one run of a state machine, from its start to whatever ends it first."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.evaluation_details import EvaluationDetails
from moto.stepfunctions.parser.backend.execution import Execution as InterpretedExecution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.backend.execution_worker_comm import ExecutionWorkerCommunication
from moto.stepfunctions.parser.utils import TMP_THREADS

from workflow_manager.local.stepfunctions.activities import Board
from workflow_manager.local.stepfunctions.history import ENDINGS, TOO_MANY, Event, History
from workflow_manager.local.stepfunctions.scopes import CallbackScope, VariableScope

log = logging.getLogger(__name__)

NO_OUTCOME: Final = "The interpreter stopped without an outcome"


class Execution(InterpretedExecution):
    """One run. Status and result are what the ending of its history says, and change together with it."""

    def __init__(self, *, board: Board, on_ended: Callable[["Execution"], None], **details: Any) -> None:
        super().__init__(activity_store={}, **details)
        self.history = History(on_end=self._on_end)
        self.callbacks = CallbackScope(board)
        self._on_ended = on_ended

    def start(self) -> None:
        """Start, and return once the run can be stopped."""
        super().start()
        self.history.begun.wait()

    def stop(self, stop_date: datetime, error: str | None = None, cause: str | None = None) -> None:
        """Abort it; nothing happens when it is over."""
        details = {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
        if self.history.end(HistoryEventType.ExecutionAborted, details):
            super().stop(stop_date, error, cause)

    def _on_end(self, event: Event) -> None:
        details: dict[str, Any] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
        self.output = details.get("output")
        # AWS gives the error of a timeout in the history alone.
        if event["type"] != HistoryEventType.ExecutionTimedOut:
            self.error = details.get("error")
            self.cause = details.get("cause")
        self.stop_date = datetime.fromisoformat(event["timestamp"])
        if event.get("executionFailedEventDetails") == TOO_MANY["executionFailedEventDetails"]:
            self._halt()
        # Every thread of the interpreter is put on a list that nobody reads.
        TMP_THREADS.clear()
        # Last, because those who see the run ended read the rest without a lock.
        self.exec_status = ENDINGS[event["type"]]
        self._on_ended(self)

    def _halt(self) -> None:
        """Let the program end, which does not know that its history has."""
        worker: Any = self.exec_worker
        worker.env.set_stop(self.stop_date, None, None)

    def _get_start_execution_worker(self) -> ExecutionWorker:
        return _Worker(
            history=self.history,
            callbacks=self.callbacks,
            evaluation_details=EvaluationDetails(
                aws_execution_details=self._get_start_aws_execution_details(),
                execution_details=self.get_start_execution_details(),
                state_machine_details=self.get_start_state_machine_details(),
            ),
        )


class _Worker(ExecutionWorker):
    """Runs the program of an execution in a thread, with the history and the callbacks of this package."""

    def __init__(self, *, history: History, callbacks: CallbackScope, evaluation_details: EvaluationDetails) -> None:
        super().__init__(evaluation_details, _NoReport(), cloud_watch_logging_session=None, activity_store={})
        self._history = history
        self._callbacks = callbacks

    def _get_evaluation_environment(self) -> VariableScope:
        scope = super()._get_evaluation_environment()
        assert isinstance(scope, VariableScope)  # noqa: S101 - installed in the place of the interpreter's own
        scope.event_manager = self._history
        scope.callback_pool_manager = self._callbacks
        self._history.program_runs = scope.is_running
        return scope

    def _execution_logic(self) -> None:
        reason = NO_OUTCOME
        try:
            super()._execution_logic()  # type: ignore[no-untyped-call]
        except Exception as error:
            log.exception("The interpreter failed")
            reason = f"{type(error).__name__}: {error}"
        finally:
            # Only when the program ended without an ending: no run may stay open because of a bug.
            self._history.end(HistoryEventType.ExecutionFailed, {"error": "States.Runtime", "cause": reason})


class _NoReport(ExecutionWorkerCommunication):
    """The end of a run is read from its history, not reported."""

    def terminated(self) -> None:
        """Do nothing."""
