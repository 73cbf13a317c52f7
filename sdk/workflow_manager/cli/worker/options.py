"""Options of the verbs ``worker`` and ``sfncli``, defined without loading the worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

GRACE_SECONDS: Final = 25.0
"""Less than the 30 s after which ECS kills a container that was asked to stop."""

HEARTBEAT_SECONDS: Final = 20.0

InputModeName = Literal["arg", "stdin", "file"]


@dataclass(frozen=True, kw_only=True)
class CommandOptions:
    """A command for tasks, and how to run it."""

    command: Sequence[str]
    """The command and its arguments; the input of the task comes last."""
    concurrency: int = 1
    input_mode: InputModeName = "arg"
    work_dir: Path | None = None


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """Settings that all activities of the process share."""

    worker_name: str | None
    grace_seconds: float
    heartbeat_seconds: float
    every_poll_waits: bool = False
    """Whether polls are limited to one per second even after a task."""
    cloudwatch: bool
    cloudwatch_region: str | None = None
    metrics_port: int | None
    metrics_host: str = "127.0.0.1"
