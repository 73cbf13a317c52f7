"""The verb ``worker``."""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app import errors, logs
from app.cli import ending
from app.cli.options import DEFAULT_URL, NAMESPACE_VARIABLE, URL_VARIABLE
from app.client import WorkflowManager
from app.early_signals import EarlySignals
from app.settings import Settings
from app.worker import (
    CommandActivity,
    CommandSettings,
    Gauges,
    Host,
    InputMode,
    Worker,
    activity_of,
    pace_of,
    read_activities,
    run_commands,
    stopped_by_signals,
)

DEFAULT_WORKER = "worker"
"""What a module calls its worker when ``--module`` does not say."""

GRACE_SECONDS = 25.0
"""ECS kills a container 30 s after it asked it to stop."""

HEARTBEAT_SECONDS = 20.0

ConcurrencyOption = Annotated[int | None, typer.Option(min=1, help="Tasks of an activity at the same time; 1.")]
InputModeOption = Annotated[InputMode | None, typer.Option(help="How the command gets the input; arg.")]
GraceOption = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="How long running tasks may take to end when the worker stops.")
]
HeartbeatOption = Annotated[
    float, typer.Option(min=0.5, metavar="SECONDS", help="Time between two heartbeats of a task.")
]
MetricsPortOption = Annotated[
    int | None,
    typer.Option(min=0, max=65535, metavar="PORT", help="Serve metrics for Prometheus; 0 takes a free port."),
]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command line says about commands and their activities."""

    command: Sequence[str]
    activities: Sequence[str]
    config: Path | None
    module: str | None
    concurrency: int | None
    input_mode: InputMode | None
    work_dir: Path | None

    def check(self) -> None:
        """Raise ``InvalidRequest`` unless it says one thing."""
        ways = [bool(self.activities or self.command), self.config is not None, self.module is not None]
        if sum(ways) != 1:
            raise errors.InvalidRequest("Give --activity NAME -- CMD, or --config FILE, or --module MODULE.")
        if self.activities and not self.command:
            raise errors.InvalidRequest("A command is missing: --activity NAME -- CMD [ARGS]...")
        if self.command and not self.activities:
            raise errors.InvalidRequest("An activity is missing: --activity NAME -- CMD [ARGS]...")
        if not self.activities and (self.concurrency or self.input_mode or self.work_dir):
            raise errors.InvalidRequest("--concurrency, --input-mode and --work-dir need --activity.")


def worker(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- CMD [ARGS]", help="Command to run; the task's input comes last."),
    ] = None,
    *,
    activity: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Activity, as state machines name it; can be repeated.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file with activities and a command for each.")
    ] = None,
    module: Annotated[
        str | None, typer.Option(metavar="MODULE[:NAME]", help="Python module whose functions do the tasks.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", envvar=NAMESPACE_VARIABLE, metavar="NS", help="Environment to serve."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of this worker; host and process id without it.")
    ] = None,
    concurrency: ConcurrencyOption = None,
    input_mode: InputModeOption = None,
    work_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where each task gets a directory of its own, as WORK_DIR.")
    ] = None,
    grace_seconds: GraceOption = GRACE_SECONDS,
    heartbeat_seconds: HeartbeatOption = HEARTBEAT_SECONDS,
    cloudwatch: Annotated[bool, typer.Option("--cloudwatch", help="Tell CloudWatch how busy the worker is.")] = False,
    metrics_port: MetricsPortOption = None,
    url: Annotated[
        str,
        typer.Option("--url", envvar=URL_VARIABLE, metavar="URL", help="Service that gets the module's definitions."),
    ] = DEFAULT_URL,
) -> None:
    """Do the tasks of activities with a command, or with Python functions.

    The last line that a command writes to its standard output is the output of the task. SIGTERM and Ctrl-C
    end the running tasks and stop the worker; a second one at once.
    """
    wanted = Wanted(
        command=command or (),
        activities=activity or (),
        config=config,
        module=module,
        concurrency=concurrency,
        input_mode=input_mode,
        work_dir=work_dir,
    )
    wanted.check()
    host = Host(
        worker_name=name,
        pace=pace_of(grace_seconds=grace_seconds, heartbeat_seconds=heartbeat_seconds),
        gauges=Gauges(cloudwatch=cloudwatch, metrics_port=metrics_port),
    )
    settings = load_settings()
    if module is not None:
        ending.run(_run_functions(import_worker(module), host, context.obj, namespace=namespace, url=url))
    elif namespace is None:
        raise errors.InvalidRequest(f"--namespace is missing (or set {NAMESPACE_VARIABLE}).")
    else:
        ending.run(run_commands(_activities(wanted, namespace), host, settings, early=context.obj))


def load_settings(**overrides: object) -> Settings:
    """Read the settings, and send the log where they say."""
    loaded = Settings.load(**overrides)
    logs.configure(loaded.log_format, loaded.log_level)
    return loaded


def import_worker(target: str) -> Worker:
    """Import the worker that ``MODULE[:NAME]`` names; modules are also found in the working directory.

    Raises ``InvalidRequest`` with a sentence that says what is not there.
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
        raise errors.InvalidRequest(f"--module {target}: {module_name} has no Worker called {name or DEFAULT_WORKER}.")
    return found


def _activities(wanted: Wanted, namespace: str) -> list[CommandActivity]:
    if wanted.config is not None:
        return read_activities(wanted.config, namespace=namespace)
    command = CommandSettings(
        command=wanted.command[0],
        args=tuple(wanted.command[1:]),
        work_dir=wanted.work_dir,
        input_mode=wanted.input_mode or InputMode.ARGUMENT,
    )
    return [
        activity_of(name, command, namespace=namespace, concurrency=wanted.concurrency or 1)
        for name in dict.fromkeys(wanted.activities)
    ]


async def _run_functions(found: Worker, host: Host, early: EarlySignals, *, namespace: str | None, url: str) -> None:
    with stopped_by_signals(found, early=early):
        if not found.has_definitions:
            await found.run(host, namespace=namespace)
            return
        async with WorkflowManager(url) as service:
            await found.run(host, namespace=namespace, service=service)
