"""The verb ``worker``."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from workflow_manager import errors
from workflow_manager.cli.options.common import NAMESPACE_VARIABLE
from workflow_manager.cli.options.completion import complete_namespace, complete_path
from workflow_manager.cli.options.connection import DEFAULT_SERVICE, ServiceOption

GRACE_SECONDS: Final = 25.0
"""Less than the 30 s after which ECS kills a container that was asked to stop."""

HEARTBEAT_SECONDS: Final = 20.0
InputModeName = Literal["arg", "stdin", "file"]

ConcurrencyOption = Annotated[int | None, typer.Option(min=1, help="Maximum concurrent tasks per activity; default 1.")]
InputModeOption = Annotated[InputModeName | None, typer.Option(help="How the command receives the input; default arg.")]
GraceOption = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Time for running tasks to finish when the worker stops.")
]
HeartbeatOption = Annotated[
    float, typer.Option(min=0.5, metavar="SECONDS", help="Interval between heartbeats of a task.")
]
MetricsHostOption = Annotated[
    str, typer.Option(metavar="HOST", help="Address to serve metrics on; 0.0.0.0 for all interfaces.")
]
MetricsPortOption = Annotated[
    int | None,
    typer.Option(min=0, max=65535, metavar="PORT", help="Serve Prometheus metrics; 0 picks a free port."),
]


def worker(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- CMD [ARGS]", help="Command to run for each task; the input is its last argument."),
    ] = None,
    *,
    activity: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Activity, as named in state machines; repeatable.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="YAML file with activities and a command for each.", autocompletion=complete_path
        ),
    ] = None,
    module: Annotated[
        str | None, typer.Option(metavar="MODULE[:NAME]", help="Python module whose functions perform the tasks.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace",
            "-n",
            envvar=NAMESPACE_VARIABLE,
            metavar="NS",
            help="Namespace to serve.",
            autocompletion=complete_namespace,
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of this worker; default: host and process id.")
    ] = None,
    concurrency: ConcurrencyOption = None,
    input_mode: InputModeOption = None,
    work_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder in which each task gets its own directory, WORK_DIR.",
            autocompletion=complete_path,
        ),
    ] = None,
    grace_seconds: GraceOption = GRACE_SECONDS,
    heartbeat_seconds: HeartbeatOption = HEARTBEAT_SECONDS,
    cloudwatch: Annotated[
        bool, typer.Option("--cloudwatch", help="Publish the ActivityActivePercent metric to CloudWatch.")
    ] = False,
    metrics_port: MetricsPortOption = None,
    metrics_host: MetricsHostOption = "127.0.0.1",
    service: ServiceOption = DEFAULT_SERVICE,
) -> None:
    """Run a worker: perform activity tasks with a command or with Python functions.

    The last line that a command writes to standard output is the output of its task. SIGTERM and Ctrl-C end the running
    tasks and stop the worker; a second one stops it immediately. The definitions of a module are stored once the
    service answers; tasks do not wait for that.
    """
    activities, words = activity or [], command or []
    if sum([bool(activities or words), config is not None, module is not None]) != 1:
        raise errors.InvalidRequest("Give --activity NAME -- CMD, or --config FILE, or --module MODULE.")
    if activities and not words:
        raise errors.InvalidRequest("A command is missing: --activity NAME -- CMD [ARGS]...")
    if words and not activities:
        raise errors.InvalidRequest("An activity is missing: --activity NAME -- CMD [ARGS]...")
    if not activities and (concurrency or input_mode or work_dir):
        raise errors.InvalidRequest("--concurrency, --input-mode and --work-dir need --activity.")

    from workflow_manager.cli.worker import worker_process

    host = worker_process.host_of(
        worker_name=name,
        grace_seconds=grace_seconds,
        heartbeat_seconds=heartbeat_seconds,
        cloudwatch=cloudwatch,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
    )
    if module is not None:
        worker_process.serve_functions(module, host, context.obj, namespace=namespace, service=service)
    elif namespace is None:
        raise errors.InvalidRequest(f"--namespace is missing; give it or set {NAMESPACE_VARIABLE}.")
    elif config is not None:
        worker_process.serve_file(config, host, context.obj, namespace=namespace)
    else:
        settings = worker_process.command_of(words, input_mode=input_mode or "arg", work_dir=work_dir)
        worker_process.serve_command(
            activities, settings, host, context.obj, namespace=namespace, concurrency=concurrency or 1
        )
