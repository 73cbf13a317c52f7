"""Queues, which limit how many workflows run or start at a time."""

from typing import Annotated

from pydantic import Field, StringConstraints

from workflow_manager.models.wire import Request, Response

QueueName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]


class QueueLimits(Request):
    """Limits of a queue; without any, workflows start as soon as they are submitted."""

    max_running: int | None = Field(
        default=None, ge=0, le=5_000, description="Maximum number of workflows of the queue that run at the same time."
    )
    starts_per_second: float | None = Field(
        default=None,
        ge=0.0001,
        le=1_000,
        description="Maximum number of starts per second; 0.0001 is one in 3 hours.",
    )
    paused: bool = Field(default=False, description="Whether no workflow starts; running workflows continue.")

    @property
    def limited(self) -> bool:
        """Whether workflows wait for their turn."""
        return self.paused or self.max_running is not None or self.starts_per_second is not None


class Queue(Response):
    """A queue with its limits and counts."""

    name: str = Field(description="Name of the queue.")
    max_running: int | None = Field(default=None, description="Maximum number of running workflows; absent: no limit.")
    starts_per_second: float | None = Field(
        default=None, description="Maximum number of starts per second; absent: no limit."
    )
    paused: bool = Field(default=False, description="Whether no workflow starts.")
    running: int = Field(
        description="Number of running workflows at the poller's last round; 0 without a limit of `maxRunning`."
    )
    queued: int = Field(default=0, description="Number of waiting workflows at the poller's last round.")
    unreadable: str | None = Field(
        default=None,
        description="Why the stored record cannot be read. No workflow of the queue starts until its limits are set "
        "again.",
    )
