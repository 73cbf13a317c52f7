"""Giving up on AWS in time."""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Self

from workflow_manager import errors


class Within:
    """Gives up on what happens inside its block after some time, as on any call without an answer: ``NoAnswer``.

    ``what`` names what there was no answer to. It is what ``asyncio.timeout`` is, in a third of the time: every start
    of a workflow passes through one.
    """

    __slots__ = ("_cancelling", "_expired", "_limit", "_task", "_timer", "_what")

    def __init__(self, limit: timedelta, *, what: str) -> None:
        self._limit = limit.total_seconds()
        self._what = what

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can give up")
        self._task = task
        self._cancelling = task.cancelling()
        self._expired = False
        self._timer = asyncio.get_running_loop().call_later(self._limit, self._expire)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if not self._expired:
            return
        # Others may have cancelled the task as well, and theirs is not to be lost.
        ours_alone = self._task.uncancel() <= self._cancelling
        if ours_alone and isinstance(error, asyncio.CancelledError):
            raise errors.NoAnswer(f"no answer to {self._what} within {self._limit:g} s") from error

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
