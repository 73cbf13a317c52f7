"""Settings of a worker: the activity it serves, the command it runs, its timings."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from workflow_manager import errors

MAX_NAME_LENGTH: Final = 80
"""Limit of AWS for the names of activities and of workers."""

_NAMESPACE: Final = re.compile(r"[A-Za-z0-9._-]+")
"""What the service takes as namespace of a workflow, but for the colon, which no name of an activity holds."""

TAGS_BY_VARIABLE: Final = {
    "_DEPLOY_ENV": "environment",
    "_APP_NAME": "application",
    "_POD_ID": "pod",
    "_POD_SHORTNAME": "pod-shortname",
    "_POD_REGION": "pod-region",
    "_POD_ACCOUNT": "pod-account",
    "_TEAM_OWNER": "team",
}
"""Environment variables that become tags of the activity, as ``sfncli`` names them."""

SERVICE_VARIABLE: Final = "WORKFLOWMANAGER_URL"
SECRET_VARIABLES: Final = frozenset({"WORKFLOWMANAGER_TOKEN"})
"""What the worker itself may need to reach the service, and what no command is given."""


class InputMode(StrEnum):
    """How a command gets the input of its task."""

    ARGUMENT = "arg"
    """As its last argument; the kernel takes at most 131,071 bytes."""

    STDIN = "stdin"
    """On its standard input."""

    FILE = "file"
    """In the file ``input.json`` of its work directory, with the path as last argument."""


@dataclass(frozen=True, kw_only=True)
class Timings:
    """How often a worker does what, and how long it waits."""

    poll_interval_seconds: float = 1.0
    """In which as many polls may start as the worker has slots."""

    every_poll_waits: bool = False
    """Whether the interval holds for the poll after a task too, as with ``sfncli``; else only after one without."""

    poll_drain_seconds: float = 25.0
    """How long a stopping worker waits for the answer of its open poll.

    AWS hands a task to a poll for up to 60 s after its connection was closed, and that task is lost until it times
    out; a worker whose supervisor waits longer than ECS's 30 s loses none with 65.
    """

    heartbeat_interval_seconds: float = 20.0
    heartbeat_retry_seconds: float = 2.0
    """Pause after a heartbeat that failed; the next regular one could be too late for a short HeartbeatSeconds."""

    lost_grace_seconds: float = 5.0
    """From SIGTERM to SIGKILL for the command of a lost task: another worker may already run the same."""

    shutdown_grace_seconds: float = 25.0
    """From SIGTERM to SIGKILL when the worker stops: ECS kills the container after 30 s."""

    backoff_first_seconds: float = 1.0
    backoff_cap_seconds: float = 30.0
    report_seconds: float = 300.0
    """How long the outcome of a task is offered to an AWS that does not answer."""

    report_backoff_cap_seconds: float = 5.0
    shutdown_report_seconds: float = 3.0
    """How long after the grace of a stop outcomes are still offered: with 25 s of grace within the 30 s of ECS."""

    urgent_report_seconds: float = 1.0
    """The same after a second request to stop, and the least for the outcome of a task that was killed."""

    metric_interval_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """Which activity to serve and how; raises ``SettingsError`` when AWS would refuse the names."""

    activity_name: str
    worker_name: str
    concurrency: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)
    timings: Timings = Timings()

    def __post_init__(self) -> None:
        if not 1 <= len(self.activity_name) <= MAX_NAME_LENGTH:
            raise errors.SettingsError(
                f"the activity name must have 1 to {MAX_NAME_LENGTH} characters, not {len(self.activity_name)}"
            )
        if not self.worker_name:
            raise errors.SettingsError("the worker name is empty; is a variable not set?")
        if self.concurrency < 1:
            raise errors.SettingsError(f"concurrency must be at least 1, not {self.concurrency}")


@dataclass(frozen=True, kw_only=True)
class CommandSettings:
    """Which command to run for each task and how."""

    command: str
    args: tuple[str, ...] = ()
    work_dir: Path | None = None
    """Where each task gets a directory of its own, named by ``WORK_DIR`` and removed afterwards."""

    input_mode: InputMode = InputMode.ARGUMENT
    output_drain_seconds: float = 5.0
    """How long the output of a command that ended is still read, when processes it left behind hold it open."""

    def __post_init__(self) -> None:
        if not self.command:
            raise errors.SettingsError("the command is empty")


def check_namespace(namespace: str) -> None:
    """Raise ``SettingsError`` for a namespace in which no workflow can have a task for an activity."""
    if not namespace:
        raise errors.SettingsError("the namespace is empty; is a variable not set?")
    if not _NAMESPACE.fullmatch(namespace):
        raise errors.SettingsError(f"a namespace has only letters, digits, '.', '_' and '-', unlike {namespace!r}")
    if len(qualified_name(namespace, "a")) > MAX_NAME_LENGTH:
        raise errors.SettingsError(
            f"the namespace has {len(namespace)} characters; the name of an activity, which holds it, has at most "
            f"{MAX_NAME_LENGTH}"
        )


def qualified_name(namespace: str, name: str) -> str:
    """Name an activity as the shorthand resources of a definition do: ``NAMESPACE--NAME``."""
    return f"{namespace}--{name}"


def tags_from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Collect the tags that the environment asks for."""
    return {tag: environ[variable] for variable, tag in TAGS_BY_VARIABLE.items() if environ.get(variable)}


def command_environment(environ: Mapping[str, str], *, without: Collection[str]) -> dict[str, str]:
    """Return the variables that a command gets: none that are ``without``, and no password in the service's URL."""
    kept = {name: value for name, value in environ.items() if name not in without}
    if SERVICE_VARIABLE in kept:
        parts = urlsplit(kept[SERVICE_VARIABLE])
        kept[SERVICE_VARIABLE] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return kept
