"""The verb ``worker``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from workflow_manager import errors
from workflow_manager.cli.options.common import NAMESPACE_VARIABLE
from workflow_manager.cli.options.completion import complete_namespace, complete_path
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption
from workflow_manager.cli.worker.options import GRACE_SECONDS, HEARTBEAT_SECONDS, CommandLine, HostLine, InputModeName

ConcurrencyOption = Annotated[int | None, typer.Option(min=1, help="Tasks of an activity at the same time; 1.")]
InputModeOption = Annotated[InputModeName | None, typer.Option(help="How the command gets the input; arg.")]
GraceOption = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="How long running tasks may take to end when the worker stops.")
]
HeartbeatOption = Annotated[
    float, typer.Option(min=0.5, metavar="SECONDS", help="Time between two heartbeats of a task.")
]
MetricsHostOption = Annotated[
    str, typer.Option(metavar="HOST", help="Address to serve metrics on; 0.0.0.0 is every one.")
]
MetricsPortOption = Annotated[
    int | None,
    typer.Option(min=0, max=65535, metavar="PORT", help="Serve metrics for Prometheus; 0 takes a free port."),
]


@dataclass(frozen=True, kw_only=True)
class WorkerArguments:
    """What the command line says about commands and their activities."""

    command: Sequence[str]
    activities: Sequence[str]
    config: Path | None
    module: str | None
    concurrency: int | None
    input_mode: InputModeName | None
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

    @property
    def line(self) -> CommandLine:
        """The command, with what was not said filled in."""
        return CommandLine(
            words=self.command,
            concurrency=self.concurrency or 1,
            input_mode=self.input_mode or "arg",
            work_dir=self.work_dir,
        )


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
        Path | None,
        typer.Option(
            metavar="FILE", help="YAML file with activities and a command for each.", autocompletion=complete_path
        ),
    ] = None,
    module: Annotated[
        str | None, typer.Option(metavar="MODULE[:NAME]", help="Python module whose functions do the tasks.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace",
            "-n",
            envvar=NAMESPACE_VARIABLE,
            metavar="NS",
            help="Environment to serve.",
            autocompletion=complete_namespace,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of this worker; host and process id without it.")
    ] = None,
    concurrency: ConcurrencyOption = None,
    input_mode: InputModeOption = None,
    work_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where each task gets a directory of its own, as WORK_DIR.",
            autocompletion=complete_path,
        ),
    ] = None,
    grace_seconds: GraceOption = GRACE_SECONDS,
    heartbeat_seconds: HeartbeatOption = HEARTBEAT_SECONDS,
    cloudwatch: Annotated[bool, typer.Option("--cloudwatch", help="Tell CloudWatch how busy the worker is.")] = False,
    metrics_port: MetricsPortOption = None,
    metrics_host: MetricsHostOption = "127.0.0.1",
    service: ServiceOption = DEFAULT_SERVICE,
) -> None:
    """Do the tasks of activities with a command, or with Python functions.

    The last line that a command writes to its standard output is the output of the task. SIGTERM and Ctrl-C
    end the running tasks and stop the worker; a second one at once. Definitions of a module are put into the service
    when it answers; tasks do not wait for that.
    """
    from workflow_manager.cli.worker.worker_process import serve_command, serve_file, serve_functions

    wanted = WorkerArguments(
        command=command or (),
        activities=activity or (),
        config=config,
        module=module,
        concurrency=concurrency,
        input_mode=input_mode,
        work_dir=work_dir,
    )
    wanted.check()
    host = HostLine(
        worker_name=name,
        grace_seconds=grace_seconds,
        heartbeat_seconds=heartbeat_seconds,
        cloudwatch=cloudwatch,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
    )
    if module is not None:
        serve_functions(module, host, context.obj, namespace=namespace, service=service)
    elif namespace is None:
        raise errors.InvalidRequest(f"--namespace is missing (or set {NAMESPACE_VARIABLE}).")
    elif config is not None:
        serve_file(config, host, context.obj, namespace=namespace)
    else:
        serve_command(wanted.activities, wanted.line, host, context.obj, namespace=namespace)
