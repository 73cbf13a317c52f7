"""Queues: named lines that workflows wait in before they start."""

from typing import Annotated

from pydantic import Field, StringConstraints

from workflow_manager.models.wire import Request, Response

QueueName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]


class QueueLimits(Request):
    """What a queue allows; without a limit, workflows start as soon as they are submitted."""

    max_running: int | None = Field(
        default=None, ge=0, le=5_000, description="Most workflows of the queue that run at the same time."
    )
    starts_per_second: float | None = Field(
        default=None,
        ge=0.0001,
        le=1_000,
        description="Most workflows that start in a second; 0.0001 is one in 3 hours.",
    )
    paused: bool = Field(default=False, description="Start nothing; what runs goes on.")

    @property
    def limited(self) -> bool:
        """Whether workflows wait for their turn."""
        return self.paused or self.max_running is not None or self.starts_per_second is not None


class Queue(Response):
    """A queue, its limits, and what it holds."""

    name: str
    max_running: int | None = None
    starts_per_second: float | None = None
    paused: bool = False
    running: int = Field(description="Workflows that run, as the poller last saw; 0 where their number has no limit.")
    queued: int = Field(default=0, description="Workflows that wait for their turn, as the poller last saw.")
    unreadable: str | None = Field(
        default=None,
        description="Why the record of this queue cannot be read. Nothing of the queue starts until its limits are set "
        "again.",
    )
