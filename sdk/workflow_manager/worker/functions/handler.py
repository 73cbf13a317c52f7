"""Calls a Python function for each task."""

import asyncio
import functools
import inspect
import threading
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypedDict

import structlog

from workflow_manager import errors
from workflow_manager.worker import threads
from workflow_manager.worker.functions.call import Call
from workflow_manager.worker.functions.context import Beat, Context, SyncContext
from workflow_manager.worker.functions.signature import Signature
from workflow_manager.worker.shutdown import StopReason, StopRequest, StopSignal
from workflow_manager.worker.task_errors import MAX_CAUSE_BYTES, ErrorName, TaskFailed, clip_start
from workflow_manager.worker.task_json import Task

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger()

OWN_FILES: Final = frozenset({__file__, threads.__file__})
"""Their lines say nothing to the author of a function, and stay out of causes."""

LEAVING: Final = (SystemExit, KeyboardInterrupt)
"""What a function raises to end its program, which is the worker."""


@dataclass(frozen=True, kw_only=True)
class TaskFunction:
    """A function and how it is called."""

    name: str
    function: Callable[..., object]
    signature: Signature
    concurrency: int = 1
    error_names: Mapping[type[BaseException], str] = field(default_factory=dict)

    def declared_name(self, error: BaseException) -> str | None:
        """Return the error name declared for an exception, or for the closest of its base classes."""
        declared = (self.error_names[kind] for kind in type(error).__mro__ if kind in self.error_names)
        return next(declared, None)


class Facts(TypedDict):
    """What both kinds of context are made of."""

    task_name: str
    execution_name: str
    log: Any
    cancelled: threading.Event
    beat: Beat


class FunctionHandler:
    """Handles a task by calling a function: an async one on the event loop, any other in a thread of its own."""

    def __init__(self, function: TaskFunction, *, calls: "SFNClient") -> None:
        self._function = function
        self._calls = calls

    async def __call__(self, task: Task, stop: StopSignal) -> str:
        """Call the function for ``task``; raises ``TaskFailed`` unless it returns an output."""
        if stop.reason is not None:
            raise TaskFailed(ErrorName.COMMAND_TERMINATED, "the worker stopped before the function was called")
        call = self._start(self._function.signature.read_input(task.input), task, stop)
        if not await call.run(stop):
            raise TaskFailed(ErrorName.COMMAND_TERMINATED, "the function went on when the worker had to stop")
        error = call.failure()
        if error is not None:
            raise self._failure(error, stop) from error
        return str(call.result())

    def _start(self, value: object, task: Task, stop: StopSignal) -> Call:
        name, function, signature = self._function.name, self._function.function, self._function.signature
        cancelled = threading.Event()
        facts = Facts(
            task_name=name,
            execution_name=task.execution_name,
            log=log.bind(task=name),
            cancelled=cancelled,
            beat=functools.partial(self._beat, task.token, stop),
        )
        if signature.context_type is Context:
            arguments = signature.arguments(value, Context(**facts))
        else:
            arguments = signature.arguments(value, SyncContext(**facts, loop=asyncio.get_running_loop()))
        called: Callable[[], Any] = functools.partial(function, **arguments)
        outcome: asyncio.Future[object]
        if signature.is_async:
            outcome = asyncio.create_task(_awaited(signature, called), name=f"task-{name}")
        else:
            outcome = threads.call_in_thread(functools.partial(_called, signature, called), name=f"task-{name}")
        return Call(
            outcome,
            cancelled=cancelled,
            can_be_cancelled=signature.is_async,
            awaited=lambda result: _awaited(signature, lambda: result),
        )

    async def _beat(self, token: str, stop: StopSignal) -> None:
        try:
            await self._calls.send_task_heartbeat(taskToken=token)
        except errors.TaskLost:
            stop.request(StopRequest(StopReason.LOST, 0))
            raise
        except errors.WorkflowManagerError as failed:
            log.warning("heartbeat failed", action="heartbeat-failed", error=str(failed))

    def _failure(self, error: BaseException, stop: StopSignal) -> TaskFailed:
        if isinstance(error, TaskFailed):
            return error
        if name := self._function.declared_name(error):
            return TaskFailed(name, _text_of(error))
        if stop.reason is not None:
            trace = "" if isinstance(error, asyncio.CancelledError) else f"\n{_traceback(error)}"
            return TaskFailed(
                ErrorName.COMMAND_TERMINATED, f"the function was cancelled: the worker had to stop{trace}"
            )
        return TaskFailed(type(error).__name__, _traceback(error))


async def _awaited(signature: Signature, function: Callable[[], Awaitable[object]]) -> str:
    try:
        value = await function()
    except LEAVING as leaving:  # asyncio would end the whole worker
        raise _left(leaving) from leaving
    return signature.write_output(value)


def _called(signature: Signature, function: Callable[[], object]) -> object:
    """Return the output as JSON text, or what is awaitable as it is; called in a thread.

    The text is made here too, because what the function returned may do its work only when it is read: a generator.
    """
    try:
        value = function()
        return value if inspect.isawaitable(value) else signature.write_output(value)
    except LEAVING as leaving:
        raise _left(leaving) from leaving


def _left(leaving: BaseException) -> TaskFailed:
    how = f"sys.exit({leaving.code!r})" if isinstance(leaving, SystemExit) else type(leaving).__name__
    return TaskFailed(type(leaving).__name__, f"the function left with {how}")


def _text_of(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  what an error says of itself is code of the function's author
        return type(error).__name__


def _traceback(error: BaseException) -> str:
    """Write an exception with the lines of the function that led to it; of a long story, the end."""
    lines = traceback.format_exception(type(error), error, _without_own_frames(error.__traceback__))
    return clip_start("".join(lines).strip(), MAX_CAUSE_BYTES)


def _without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename in OWN_FILES:
        trace = trace.tb_next
    return trace
