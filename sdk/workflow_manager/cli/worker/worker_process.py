"""Running activities until a signal, for the verbs ``worker`` and ``sfncli``."""

import asyncio
import importlib
import os
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import structlog

from workflow_manager import errors
from workflow_manager.aws import AWSSettings
from workflow_manager.cli.options.client import connect
from workflow_manager.cli.options.connection import Service, secret_variables
from workflow_manager.cli.worker.worker import InputModeName
from workflow_manager.early_signals import EarlySignals
from workflow_manager.logs.setup import configure_from_environment
from workflow_manager.worker import Worker
from workflow_manager.worker.config import CommandSettings, InputMode, check_namespace
from workflow_manager.worker.env_expansion import expand
from workflow_manager.worker.host.activity_file import activity_of, read_activities
from workflow_manager.worker.host.command_host import CommandActivity, Host, run_commands, timings_of
from workflow_manager.worker.host.services import MetricsOptions
from workflow_manager.worker.host.signals import stopped_by_signals

log = structlog.get_logger()

CLOSE_SECONDS: Final = 0.5
"""How long cancelled tasks may take to end when the process shuts down."""

DEFAULT_WORKER: Final = "worker"
"""The variable of a module that holds its worker, unless ``--module`` names another."""


def command_of(words: Sequence[str], *, input_mode: InputModeName, work_dir: Path | None) -> CommandSettings:
    """Return the settings of a command with its arguments."""
    return CommandSettings(command=words[0], args=tuple(words[1:]), work_dir=work_dir, input_mode=InputMode(input_mode))


def host_of(
    *,
    worker_name: str | None,
    grace_seconds: float,
    heartbeat_seconds: float,
    every_poll_waits: bool = False,
    cloudwatch: bool,
    cloudwatch_region: str | None = None,
    metrics_port: int | None,
    metrics_host: str,
) -> Host:
    """Return the settings that all activities share; ``every_poll_waits`` limits polls to one per second."""
    return Host(
        worker_name=worker_name,
        timings=timings_of(
            grace_seconds=grace_seconds,
            heartbeat_seconds=heartbeat_seconds,
            every_poll_waits=every_poll_waits,
        ),
        metrics_options=MetricsOptions(
            cloudwatch=cloudwatch,
            cloudwatch_region=cloudwatch_region,
            metrics_port=metrics_port,
            metrics_host=metrics_host,
        ),
        secrets=secret_variables(),
    )


def serve_command(
    names: Sequence[str],
    command: CommandSettings,
    host: Host,
    early: EarlySignals,
    *,
    namespace: str,
    concurrency: int,
) -> None:
    """Run a command for the tasks of activities in a namespace."""
    settings = _load_settings()
    namespace = _expanded(namespace)
    activities = [
        activity_of(name, command, namespace=namespace, concurrency=concurrency) for name in dict.fromkeys(names)
    ]
    run(run_commands(activities, host, settings, early=early))


def serve_file(config: Path, host: Host, early: EarlySignals, *, namespace: str) -> None:
    """Run the commands of a configuration file for its activities."""
    settings = _load_settings()
    activities = read_activities(config, namespace=_expanded(namespace))
    run(run_commands(activities, host, settings, early=early))


def serve_functions(target: str, host: Host, early: EarlySignals, *, namespace: str | None, service: Service) -> None:
    """Call the functions of a module for tasks, and store its definitions in the service."""
    _load_settings()
    namespace = None if namespace is None else _expanded(namespace)
    run(_run_functions(import_worker(target), host, early, namespace=namespace, service=service))


def serve_like_sfncli(
    activity_name: str,
    command: CommandSettings,
    host: Host,
    early: EarlySignals,
    *,
    region: str | None,
    concurrency: int,
) -> None:
    """Run a command for the tasks of one activity, given by its full name."""
    settings = _load_settings()
    if region:
        settings = replace(settings, region=region)
    activity = CommandActivity(name=activity_name, command=command, concurrency=concurrency)
    run(run_commands([activity], host, settings, early=early))


def import_worker(target: str) -> Worker:
    """Import the worker ``MODULE[:NAME]``; modules are also found in the working directory.

    Raises ``InvalidRequest`` if the module or the worker does not exist.
    """
    module_name, _, name = target.partition(":")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise errors.InvalidRequest(f"--module takes MODULE or MODULE:NAME, such as my.tasks:worker, not {target!r}.")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ImportError as missing:
        raise errors.InvalidRequest(f"--module {target}: {missing}.") from missing
    found = getattr(module, name or DEFAULT_WORKER, None)
    if not isinstance(found, Worker):
        raise errors.InvalidRequest(f"--module {target}: {module_name} has no Worker named {name or DEFAULT_WORKER}.")
    return found


def _load_settings() -> AWSSettings:
    """Read the settings and configure the log."""
    configure_from_environment()
    return AWSSettings.from_environment()


def _expanded(namespace: str) -> str:
    """Expand variables in a namespace; raises ``SettingsError`` if the result is not a valid one."""
    expanded = expand(namespace, os.environ)
    check_namespace(expanded)
    return expanded


async def _run_functions(
    found: Worker, host: Host, early: EarlySignals, *, namespace: str | None, service: Service
) -> None:
    with stopped_by_signals(found, early=early):
        if not found.has_definitions:
            await found.run(host, namespace=namespace)
            return
        async with connect(service) as manager:
            await found.run(host, namespace=namespace, service=manager)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine as ``asyncio.run`` does, but wait only briefly for stray tasks, and for no thread."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_run_and_cancel_strays(main))
    finally:
        if asyncio.all_tasks(loop):
            # The loop stays open, and the tasks that still run were logged already.
            loop.set_exception_handler(lambda *_: None)
        else:
            loop.close()


async def _run_and_cancel_strays(main: Coroutine[Any, Any, None]) -> None:
    try:
        await main
    finally:
        strays = asyncio.all_tasks() - {asyncio.current_task()}
        for stray in strays:
            stray.cancel()
        closing = asyncio.create_task(asyncio.get_running_loop().shutdown_asyncgens(), name="close-generators")
        _, unfinished = await asyncio.wait({*strays, closing}, timeout=CLOSE_SECONDS)
        if unfinished:
            names = [task.get_name() for task in unfinished]
            log.warning("tasks did not end and are left behind", action="left-behind", tasks=names)
