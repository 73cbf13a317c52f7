"""Scopes of an execution: what waits for an answer ends together with the state or branch that opened it."""

import json
import threading
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext

from workflow_manager.local.stepfunctions.activities import ActivityRegistry, Callback, PendingTask
from workflow_manager.local.stepfunctions.checkpoints import HistoryPosition, Step


class CallbackScope:
    """The callbacks of one scope; those opened after its end are closed from the start.

    Stands in for the interpreter's pool of callbacks and has its method names.
    """

    def __init__(self, registry: ActivityRegistry, *, ended: bool = False, tokens: list[str] | None = None) -> None:
        self._registry = registry
        self.tokens: list[str] = [] if tokens is None else tokens
        """Those of this scope and all scopes inside of it."""
        self._lock = threading.Lock()
        self._callbacks: list[Callback] = []
        self._ended = ended

    def child(self) -> "CallbackScope":
        """Open a scope inside this one."""
        return CallbackScope(self._registry, ended=self._ended, tokens=self.tokens)

    def get(self, callback_id: str) -> Callback | None:
        """Return a callback of the execution by its token."""
        return self._registry.find(callback_id)

    def add(self, callback_id: str) -> Callback:
        """Open a callback for a service that answers with a task token."""
        callback = Callback(callback_id)
        self._open(callback)
        return callback

    def add_activity_task(self, callback_id: str, activity_arn: str, activity_input: str) -> PendingTask:
        """Open a task and offer it to the workers of its activity."""
        task = PendingTask(callback_id, activity_input)
        self._open(task)
        self._registry.schedule(task, activity_arn)
        return task

    def end(self) -> None:
        """Close every callback of the scope, now and in future."""
        with self._lock:
            self._ended = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback.interrupt_all()

    def _open(self, callback: Callback) -> None:
        self._registry.register(callback)
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
    event_history_context: HistoryPosition  # type: ignore[misc]
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

    def take_path(self, number: int) -> "VariableScope":
        """Become the scope of a branch or item; returns itself."""
        self.event_history_context.take_path(number)
        return self

    def expect(self, data: str) -> None:
        """Announce the entry or exit of a state with its input or output, as the history will have it."""
        # A program that has ended has no next state.
        variables = dict(self.variable_store._inner_scope)  # noqa: SLF001 - moto has no other way
        self.event_history_context.coming = Step(self.next_state_name, data, variables)

    def go_on(self) -> None:
        """Take up the state, input and variables of the checkpoint, if there is one."""
        checkpoint = self.event_history_context.checkpoint
        step = checkpoint.step
        if step is None:
            return
        self.variable_store._inner_scope.update(step.variables)  # noqa: SLF001 - moto has no other way
        self.states.reset(json.loads(step.data))
        if checkpoint.left_id is not None:
            self.event_history_context.source_event_id = checkpoint.left_id
        if step.state is None:
            self.set_ended()
        else:
            self.next_state_name = step.state

    def set_ended(self) -> None:
        """End regularly."""
        with self._state_mutex:
            self._silence_inner()
            super().set_ended()
        self.callback_pool_manager.end()

    def set_error(self, error: Any) -> None:
        """End with an error."""
        self.event_history_context.checkpoint.error = (error or {}).get("error")
        with self._state_mutex:
            self._silence_inner()
            super().set_error(error)
        self.callback_pool_manager.end()

    def set_stop(self, stop_date: Any, cause: str | None, error: str | None) -> None:
        """End because of StopExecution."""
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
        self.event_history_context.abandoned = True
        self._silence_inner()

    def _silence_inner(self) -> None:
        # Before anybody is woken up, because those who wake up report a failure.
        with self._state_mutex:
            for frame in self._frames:
                frame._silence()  # noqa: SLF001 - the same class


def announcing(describe: Callable[[Any, Any], Any], field: str) -> Callable[[Any, Any], Any]:
    """Wrap what describes the entry or exit of a state so that its scope learns of it before it is in the history."""

    def announce(state: Any, env: Any) -> Any:
        details = describe(state, env)
        env.expect(details[field])
        return details

    return announce


def keeping_entered_time(take_input: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Wrap what takes the input of a state so that a state that goes on after a redrive was entered when it was."""

    def take_input_after_entry(state: Any, env: Any) -> None:
        checkpoint, context = env.event_history_context.checkpoint, env.states.context_object.context_object_data
        checkpoint.entered_time = checkpoint.entered_time or context["State"]["EnteredTime"]
        context["State"]["EnteredTime"] = checkpoint.entered_time
        take_input(state, env)

    return take_input_after_entry


def going_on(run: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Wrap the run of a program so that it begins where a redrive goes on."""

    def run_from_checkpoint(program: Any, env: Any) -> None:
        env.go_on()
        run(program, env)

    return run_from_checkpoint
