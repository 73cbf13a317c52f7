"""Scopes of an execution: what waits for an answer ends together with the state or branch that opened it."""

import threading
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext

from workflow_manager.local.stepfunctions.activities import Board, Callback, PendingTask
from workflow_manager.local.stepfunctions.history import HistoryPosition


class CallbackScope:
    """The callbacks of one scope; those opened after its end are closed from the start.

    Stands in for the interpreter's pool of callbacks and has its method names.
    """

    def __init__(self, board: Board, *, ended: bool = False, tokens: list[str] | None = None) -> None:
        self._board = board
        self.tokens: list[str] = [] if tokens is None else tokens
        """Those of this scope and all scopes inside of it."""
        self._lock = threading.Lock()
        self._callbacks: list[Callback] = []
        self._ended = ended

    def child(self) -> "CallbackScope":
        """Open a scope inside this one."""
        return CallbackScope(self._board, ended=self._ended, tokens=self.tokens)

    def get(self, callback_id: str) -> Callback | None:
        """Return a callback of the execution by its token."""
        return self._board.find(callback_id)

    def add(self, callback_id: str) -> Callback:
        """Open a callback for a service that answers with a task token."""
        callback = Callback(callback_id)
        self._open(callback)
        return callback

    def add_activity_task(self, callback_id: str, activity_arn: str, activity_input: str) -> PendingTask:
        """Open a task and offer it to the workers of its activity."""
        task = PendingTask(callback_id, activity_input)
        self._open(task)
        self._board.schedule(task, activity_arn)
        return task

    def end(self) -> None:
        """Close every callback of the scope, now and in future."""
        with self._lock:
            self._ended = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback.interrupt_all()

    def _open(self, callback: Callback) -> None:
        self._board.register(callback)
        self.tokens.append(callback.callback_id)
        with self._lock:
            self._callbacks.append(callback)
            ended = self._ended
        if ended:
            callback.interrupt_all()


class VariableScope(Environment):
    """The interpreter's environment of a program, a branch, an iteration or the evaluation of one state.

    When it ends it ends what is open in it. Scopes inside it that are still at work are abandoned: their
    threads wake up and run out, and whatever they report no longer enters the history.
    """

    callback_pool_manager: CallbackScope  # type: ignore[assignment]
    _frames: list["VariableScope"]  # type: ignore[assignment,misc]

    @classmethod
    def as_frame_of(cls, env: Any, event_history_frame_cache: EventHistoryContext | None = None) -> "VariableScope":
        """Open a scope that shares the variables of its parent."""
        return cls.as_inner_frame_of(env, env.variable_store, event_history_frame_cache)

    @classmethod
    def as_inner_frame_of(
        cls, env: Any, variable_store: Any, event_history_frame_cache: EventHistoryContext | None = None
    ) -> "VariableScope":
        """Open a scope with its own variables."""
        position = event_history_frame_cache or HistoryPosition.inside(env.event_history_context)
        frame: VariableScope = super().as_inner_frame_of(env, variable_store, position)  # type: ignore[assignment]
        frame.callback_pool_manager = env.callback_pool_manager.child()
        return frame

    def set_ended(self) -> None:
        """End regularly."""
        with self._state_mutex:
            self._silence_inner()
            super().set_ended()
        self.callback_pool_manager.end()

    def set_error(self, error: Any) -> None:
        """End with an error."""
        with self._state_mutex:
            self._silence_inner()
            super().set_error(error)
        self.callback_pool_manager.end()

    def set_stop(self, stop_date: Any, cause: str | None, error: str | None) -> None:
        """End because somebody outside stopped it."""
        with self._state_mutex:
            self._silence()
            super().set_stop(stop_date, cause, error)
        self.callback_pool_manager.end()

    def set_timed_out(self) -> None:
        """End because the time of the program is up, unless it has just ended otherwise."""
        ending = HistoryEventType.ExecutionTimedOut, {"error": "States.Timeout"}
        if self.is_frame() or self.event_manager.end(*ending):  # type: ignore[attr-defined]
            with self._state_mutex:
                super().set_timed_out()
            self.callback_pool_manager.end()

    def _silence(self) -> None:
        self.event_history_context.abandoned = True  # type: ignore[attr-defined]
        self._silence_inner()

    def _silence_inner(self) -> None:
        # Before anybody is woken up, because those who wake up report a failure.
        with self._state_mutex:
            for frame in self._frames:
                frame._silence()  # noqa: SLF001 - the same class
