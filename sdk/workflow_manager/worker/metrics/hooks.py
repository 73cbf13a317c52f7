"""What a worker tells those who count: polls, and how tasks end."""

from enum import StrEnum
from typing import Protocol


class PollResult(StrEnum):
    """The result of a poll."""

    TASK = "task"
    EMPTY = "empty"
    FAILED = "failed"


class TaskOutcome(StrEnum):
    """What became of one task."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"

    HANDED_BACK = "handed_back"
    """The worker stopped and reported that; the task is retried elsewhere."""

    LOST = "lost"
    """AWS no longer waited for it."""

    UNREPORTED = "unreported"
    """The result could not be reported; the task times out in AWS."""


class Hooks(Protocol):
    """Hears what happens on one activity; its methods return at once and never raise."""

    def polled(self, result: PollResult) -> None:
        """Hear that a poll has ended."""
        ...

    def task_started(self) -> None:
        """Hear that a task was taken."""
        ...

    def task_ended(self, outcome: TaskOutcome, *, seconds: float) -> None:
        """Hear that a task is over, after ``seconds`` from poll to report."""
        ...


class NoHooks:
    """Listens to nothing."""

    def polled(self, result: PollResult) -> None:
        """Do nothing."""

    def task_started(self) -> None:
        """Do nothing."""

    def task_ended(self, outcome: TaskOutcome, *, seconds: float) -> None:
        """Do nothing."""
