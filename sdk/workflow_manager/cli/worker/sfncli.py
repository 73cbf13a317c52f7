"""The verb ``sfncli``: takes the arguments of Clever's ``sfncli``, as a drop-in replacement."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from workflow_manager import errors
from workflow_manager.cli.help import HelpfulCommand
from workflow_manager.cli.worker.worker import GRACE_SECONDS, HEARTBEAT_SECONDS, InputModeName
from workflow_manager.version import __version__

FLAGS: Final = frozenset({"version", "inputfile", "help", "h"})
"""Boolean options; all others take the next argument, whatever it is, as their value."""

TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
"""Booleans as Go parses them (``strconv.ParseBool``)."""


class GoFlags(HelpfulCommand):
    """A command whose flags may have a value, as in Go: ``-version=false``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, without flags that are false."""
        return super().parse_args(ctx, list(_without_values(args)))


def _without_values(args: Sequence[str]) -> Iterator[str]:
    """Yield the arguments with ``-flag`` for ``-flag=true`` and nothing for ``-flag=false``."""
    at = 0
    while at < len(args) and args[at].startswith("-") and args[at] not in {"-", "--"}:
        name, has_value, value = args[at].removeprefix("-").removeprefix("-").partition("=")
        if name not in FLAGS:
            taken = 1 if has_value else 2
            yield from args[at : at + taken]
            at += taken
            continue
        if has_value and value not in TRUE | FALSE:
            raise errors.InvalidRequest(f"-{name} is true or false, not {value!r}")
        if value not in FALSE:
            yield args[at].partition("=")[0]
        at += 1
    yield from args[at:]


def _flag(name: str, text: str, **more: Any) -> Any:
    """Declare an option as in Go programs: with one dash or two."""
    return typer.Option(f"-{name}", f"--{name}", help=text, **more)


def _show_help(context: typer.Context, wanted: bool) -> None:
    if wanted:
        typer.echo(context.get_help())
        raise typer.Exit


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def sfncli(
    context: typer.Context,
    args: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", help="Arguments of the command; the input is added last.")
    ] = None,
    *,
    activityname: Annotated[str, _flag("activityname", "Activity to serve.", metavar="NAME")] = "",
    workername: Annotated[
        str,
        _flag(
            "workername",
            "Name of this worker; MAGIC_ECS_TASK_ARN and MAGIC_ECS_TASK_ID are replaced with those of the ECS task.",
            metavar="NAME",
        ),
    ] = "",
    cmd: Annotated[str, _flag("cmd", "Command to run for each task.", metavar="CMD")] = "",
    region: Annotated[str, _flag("region", "Region of Step Functions; default: AWS_REGION.", metavar="REGION")] = "",
    cloudwatchregion: Annotated[
        str,
        _flag(
            "cloudwatchregion", "Region of the CloudWatch metric; default: that of Step Functions.", metavar="REGION"
        ),
    ] = "",
    workdirectory: Annotated[
        str, _flag("workdirectory", "Folder in which each task gets its own directory, WORK_DIR.", metavar="DIR")
    ] = "",
    concurrency: Annotated[int, _flag("concurrency", "Maximum concurrent tasks.", min=1)] = 1,
    inputfile: Annotated[
        bool, _flag("inputfile", "Write the input to input.json in WORK_DIR and pass its path as the last argument.")
    ] = False,
    input_mode: Annotated[
        InputModeName | None, _flag("input-mode", "How the command receives the input; default arg.")
    ] = None,
    grace_seconds: Annotated[
        float, _flag("grace-seconds", "Time for running commands to finish when the worker stops.", min=0)
    ] = GRACE_SECONDS,
    heartbeat_seconds: Annotated[
        float, _flag("heartbeat-seconds", "Interval between heartbeats of a task.", min=0.5)
    ] = HEARTBEAT_SECONDS,
    metrics_port: Annotated[
        int | None, _flag("metrics-port", "Serve Prometheus metrics; 0 picks a free port.", min=0, max=65535)
    ] = None,
    metrics_host: Annotated[
        str, _flag("metrics-host", "Address to serve metrics on; 0.0.0.0 for all interfaces.")
    ] = "127.0.0.1",
    version: Annotated[
        bool, _flag("version", "Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
    usage: Annotated[bool, typer.Option("-help", hidden=True, is_eager=True, callback=_show_help)] = False,
) -> None:
    """Run a command for each task of an activity; takes the arguments of Clever's sfncli.

    $VAR and ${VAR} are expanded in activityname, workername, cmd and cloudwatchregion. Options end at the first
    argument.
    """
    from workflow_manager.cli.worker import worker_process

    for name, value in (("activityname", activityname), ("workername", workername), ("cmd", cmd)):
        if not value:
            raise errors.InvalidRequest(f"{name} is required")
    command = worker_process.command_of(
        [cmd, *(args or ())],
        input_mode=_input_mode(input_mode, inputfile=inputfile, workdirectory=workdirectory),
        work_dir=Path(workdirectory) if workdirectory else None,
    )
    host = worker_process.host_of(
        worker_name=workername,
        grace_seconds=grace_seconds,
        heartbeat_seconds=heartbeat_seconds,
        every_poll_waits=True,
        cloudwatch=True,
        cloudwatch_region=cloudwatchregion or None,
        metrics_port=metrics_port,
        metrics_host=metrics_host,
    )
    worker_process.serve_like_sfncli(
        activityname, command, host, context.obj, region=region or None, concurrency=concurrency
    )


def _input_mode(wanted: InputModeName | None, *, inputfile: bool, workdirectory: str) -> InputModeName:
    if not inputfile:
        return wanted or "arg"
    if wanted not in {None, "file"}:
        raise errors.InvalidRequest(f"-inputfile contradicts -input-mode {wanted}")
    if not workdirectory:
        raise errors.InvalidRequest("-inputfile needs -workdirectory")
    return "file"
