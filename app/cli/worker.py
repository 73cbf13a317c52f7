"""The verb ``worker``."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Annotated, cast

import typer

from app import aws, logs
from app.cli.options import NamespaceOption
from app.settings import Settings
from app.worker import (
    ActivityCalls,
    CommandSettings,
    CommandWorker,
    InputMode,
    Pace,
    WorkerSettings,
    qualified_name,
    run_until_signalled,
    tags_from_environment,
)

MAX_HOST_CHARACTERS = 60
"""Leaves room for a process id within the 80 characters of a worker name."""

EMBEDDED_DRAIN_SECONDS = 1.0
"""The embedded AWS gives no task to a poll that hung up, so a stop need not wait for one."""


def worker(
    command: Annotated[
        list[str], typer.Argument(metavar="-- CMD [ARGS]...", help="Command to run; the task's input comes last.")
    ],
    *,
    activity: Annotated[str, typer.Option(metavar="NAME", help="Activity, as state machines name it in short.")],
    namespace: NamespaceOption,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of this worker; host and process id without it.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Commands that run at the same time.")] = 1,
    input_mode: Annotated[InputMode, typer.Option(help="How the command gets the input.")] = InputMode.ARGUMENT,
    work_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where each task gets a directory of its own, as WORK_DIR.")
    ] = None,
) -> None:
    """Run a command for every task of an activity.

    The last line that the command writes to its standard output is the output of the task. SIGTERM and Ctrl-C
    end the running commands and stop the worker; a second one at once.
    """
    loaded = Settings.load()
    logs.configure(loaded.log_format, loaded.log_level)
    # Each slot holds a connection for a minute at a time.
    room = max(loaded.aws_max_connections, concurrency)
    connection = aws.connect(loaded.model_copy(update={"aws_max_connections": room}))
    settings = WorkerSettings(
        activity_name=qualified_name(namespace, activity),
        worker_name=name or f"{socket.gethostname()[:MAX_HOST_CHARACTERS]}-{os.getpid()}",
        concurrency=concurrency,
        tags=tags_from_environment(os.environ),
        pace=Pace(poll_drain_seconds=EMBEDDED_DRAIN_SECONDS) if connection.embedded else Pace(),
    )
    commands = CommandSettings(command=command[0], args=tuple(command[1:]), work_dir=work_dir, input_mode=input_mode)
    asyncio.run(_work(settings, commands, connection))


async def _work(settings: WorkerSettings, commands: CommandSettings, connection: aws.AWS) -> None:
    async with connection.long_polls() as polls, connection.step_functions() as calls:
        # The stubs want typed dicts where any mapping of the same keys will do.
        command_worker = CommandWorker(settings, commands, polls=polls, calls=cast("ActivityCalls", calls))
        await run_until_signalled(command_worker)
