"""What the verbs ``worker`` and ``sfncli`` are told, before anything is loaded that does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

GRACE_SECONDS: Final = 25.0
"""ECS kills a container 30 s after it asked it to stop."""

HEARTBEAT_SECONDS: Final = 20.0

InputModeName = Literal["arg", "stdin", "file"]


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """A command for tasks, and how it is run."""

    words: Sequence[str]
    """The command and its arguments; the input of the task comes last."""
    concurrency: int = 1
    input_mode: InputModeName = "arg"
    work_dir: Path | None = None


@dataclass(frozen=True, kw_only=True)
class HostLine:
    """What all activities of the process have in common."""

    worker_name: str | None
    grace_seconds: float
    heartbeat_seconds: float
    every_poll_waits: bool = False
    """Whether AWS is asked once a second at most even after a task."""
    cloudwatch: bool
    cloudwatch_region: str | None = None
    metrics_port: int | None
    metrics_host: str = "127.0.0.1"
