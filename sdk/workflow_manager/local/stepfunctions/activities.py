"""Activities: tasks that wait for a worker to take them, and then for its answer."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from moto.stepfunctions.models import Activity as ActivityRecord
from moto.stepfunctions.parser.api import ActivityDoesNotExist
from moto.stepfunctions.parser.asl.eval.callback.callback import ActivityTaskStartOutcome, CallbackOutcome

HANG_UP_CHECK_SECONDS: Final = 1.0
"""How often a waiting poll looks whether its client is still there."""


class Callback:
    """A state that waits for an answer from outside.

    An answer, the end of its time and the end of its state exclude each other: whichever comes first closes it.
    The interpreter's side (``wait`` to ``interrupt_all``) has the names that the interpreter calls.
    """

    def __init__(self, token: str) -> None:
        self.callback_id = token
        self._changed = threading.Condition()
        self._closed = False
        self._outcome: CallbackOutcome | None = None
        self._deadline = math.inf
        self._beaten_at = math.inf
        self._heartbeat_seconds = math.inf

    @property
    def closed(self) -> bool:
        """Whether nothing can change any more."""
        return self._closed

    def finish(self, outcome: CallbackOutcome) -> bool:
        """Answer; return whether the answer counts."""
        with self._changed:
            if self._closed:
                return False
            self._outcome = outcome
            self._close()
            return True

    def beat(self) -> bool:
        """Record a sign of life; return whether anybody still waits for it."""
        with self._changed:
            if self._closed:
                return False
            self._beaten_at = time.monotonic()
            return True

    def wait(self, timeout: float | None = None) -> CallbackOutcome | None:
        """Wait for the answer; None when time was up or the state ended first."""
        if timeout is not None:
            self._deadline = min(self._deadline, time.monotonic() + timeout)
        return self._await_outcome()

    def setup_heartbeat_endpoint(self, heartbeat_seconds: float) -> "Callback":
        """Expect signs of life from now on."""
        with self._changed:
            self._heartbeat_seconds = heartbeat_seconds
            if self._beaten_at == math.inf:
                self._beaten_at = time.monotonic()
        return self

    def clear_and_wait(self) -> bool:
        """Wait for the answer while signs of life come; return whether it came."""
        return self._await_outcome() is not None

    def get_outcome(self) -> CallbackOutcome | None:
        """Return the answer, if there is one."""
        return self._outcome

    def interrupt_all(self) -> None:
        """Close it without an answer."""
        with self._changed:
            self._close()

    def _await_outcome(self) -> CallbackOutcome | None:
        with self._changed:
            while not self._closed and (seconds_left := self._seconds_left()) > 0:
                self._changed.wait(min(seconds_left, threading.TIMEOUT_MAX))
            self._close()
            return self._outcome

    def _seconds_left(self) -> float:
        return min(self._deadline, self._beaten_at + self._heartbeat_seconds) - time.monotonic()

    def _close(self) -> None:
        self._closed = True
        self._changed.notify_all()


class PendingTask(Callback):
    """One task of an activity: waits for a worker to take it, then for the worker's answer."""

    def __init__(self, token: str, task_input: str) -> None:
        super().__init__(token)
        self.input = task_input
        self._started: ActivityTaskStartOutcome | None = None

    def take(self, worker_name: str | None) -> bool:
        """Give the task to a worker; return whether it is still to be had."""
        with self._changed:
            if self._closed or self._started is not None:
                return False
            self._started = ActivityTaskStartOutcome(worker_name=worker_name)
            self._beaten_at = time.monotonic()
            self._changed.notify_all()
            return True

    def get_activity_task_start_endpoint(self) -> "_Start":
        """Return what the interpreter waits on until a worker takes the task."""
        return _Start(self)

    def await_start(self, timeout_seconds: float) -> ActivityTaskStartOutcome | None:
        """Wait until a worker takes the task; None if none did in time. The time also bounds the result."""
        with self._changed:
            self._deadline = time.monotonic() + timeout_seconds
            self._changed.wait_for(lambda: self._closed or self._started is not None, timeout_seconds)
            if self._started is None:
                self._close()
            return self._started


class _Start:
    def __init__(self, task: PendingTask) -> None:
        self._task = task

    def wait(self, timeout_seconds: float) -> ActivityTaskStartOutcome | None:
        return self._task.await_start(timeout_seconds)


class Activity(ActivityRecord):
    """An activity and the queue of tasks that wait for its workers."""

    def __init__(self, *record: Any, **options: Any) -> None:
        super().__init__(*record, **options)
        self._queue: deque[PendingTask] = deque()
        self._arrived = threading.Condition()

    def put(self, task: PendingTask) -> None:
        """Offer a task to the workers."""
        with self._arrived:
            while self._queue and self._queue[0].closed:
                self._queue.popleft()
            self._queue.append(task)
            self._arrived.notify()

    def take(self, worker_name: str | None, *, seconds: float, hung_up: Callable[[], bool]) -> PendingTask | None:
        """Wait up to ``seconds`` for a task and take it; a client that hung up never gets one."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while not hung_up():
                if (task := self._take_open(worker_name)) is not None:
                    return task
                if (seconds_left := deadline - time.monotonic()) <= 0:
                    return None
                self._arrived.wait(min(seconds_left, HANG_UP_CHECK_SECONDS))
            # This poll may have been woken for a task; let another one look.
            self._arrived.notify()
            return None

    def _take_open(self, worker_name: str | None) -> PendingTask | None:
        while self._queue:
            task = self._queue.popleft()
            if task.take(worker_name):
                return task
        return None


class ActivityRegistry:
    """The activities of an account and region, and the callbacks of the executions that are kept, by token."""

    def __init__(self) -> None:
        self.activities: dict[str, Activity] = {}
        self._callbacks: dict[str, Callback] = {}

    def register(self, callback: Callback) -> None:
        """Make a callback known by its token."""
        self._callbacks[callback.callback_id] = callback

    def find(self, token: str) -> Callback | None:
        """Return the callback of a token, also when it is closed."""
        return self._callbacks.get(token)

    def forget(self, tokens: Iterable[str]) -> None:
        """Let tokens be unknown."""
        for token in tokens:
            self._callbacks.pop(token, None)

    def schedule(self, task: PendingTask, activity_arn: str) -> None:
        """Offer a task to the workers of an activity."""
        activity = self.activities.get(activity_arn)
        if activity is None:
            raise ActivityDoesNotExist(f"Activity Does Not Exist: '{activity_arn}'")
        activity.put(task)
