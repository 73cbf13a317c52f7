"""The verb ``demo``: a round trip with the commands that a user would type."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.output.console import note, write_line

COMMAND: Final = (sys.executable, "-m", "app")
DYNAMODB: Final = "dynamodb"
DYNAMODB_URL_VARIABLE: Final = "AWS_ENDPOINT_URL_DYNAMODB"
STOP_SECONDS: Final = 15
WORKER_STARTED: Final = "action=worker-started"
FOLLOW_SECONDS: Final = 60
DEFINITION: Final[Mapping[str, Any]] = {
    "name": "sfncli-test:master",
    "stateMachine": {
        "Comment": "Passes its input to the worker echo, which returns it.",
        "StartAt": "echo",
        "States": {"echo": {"Type": "Task", "Resource": "echo", "End": True}},
    },
}


def demo(
    *,
    store: Annotated[Literal["memory", "dynamodb"], typer.Option(help="Where workflows are stored.")] = "memory",
) -> ExitCode:
    """Run one workflow end to end on an embedded AWS, show it, then stop everything.

    Starts the service and a worker, registers a definition with one task, submits a workflow and follows it until it
    ends. Exits with 0 if it succeeds.
    """
    with ExitStack() as stack:
        dynamodb = _dynamodb() if store == DYNAMODB else {}
        urls = _serve(stack, store, dynamodb)
        environment = {"WORKFLOWMANAGER_URL": urls["API"], "AWS_ENDPOINT_URL": urls["AWS"], **dynamodb}
        worker = ("worker", "--activity", "echo", "--namespace", "dev", "--", "echo")
        _show(*worker)
        _forward_until_started(stack.enter_context(_running(*worker, environment=environment, stderr=subprocess.PIPE)))
        ended = _round_trip(stack, environment)
        if store == DYNAMODB:
            _call("tables", "describe", environment=environment)
        return ended


def _dynamodb() -> dict[str, str]:
    """Return the DynamoDB that the environment names, such as DynamoDB Local; the embedded AWS has one too."""
    url = os.environ.get(DYNAMODB_URL_VARIABLE)
    if not url:
        note(f"{DYNAMODB_URL_VARIABLE} is not set; using the DynamoDB of the embedded AWS.")
        return {}
    return {DYNAMODB_URL_VARIABLE: url}


def _serve(stack: ExitStack, store: str, dynamodb: Mapping[str, str]) -> dict[str, str]:
    arguments = ("serve", "--local", "--port", "0", "--store", store)
    _show(*arguments)
    service = stack.enter_context(
        _running(
            *arguments, environment={"WFM_LOG_LEVEL": "warning", "WFM_AUTH": "off", **dynamodb}, stdout=subprocess.PIPE
        )
    )
    urls: dict[str, str] = {}
    for line in service.stdout or ():
        write_line(line.rstrip())
        name, _, url = line.partition(":")
        urls[name] = url.strip()
        if "AWS" in urls:
            return urls
    raise errors.StartupError(f"The service ended with exit code {service.wait()} before it was ready.")


def _forward_until_started(worker: "subprocess.Popen[str]") -> None:
    """Wait until the worker polls for tasks, so that the demo takes as little time as possible."""
    for line in worker.stderr or ():
        sys.stderr.write(line)
        if WORKER_STARTED in line:
            threading.Thread(target=_forward, args=(worker.stderr,), daemon=True).start()
            return
    raise errors.StartupError(f"The worker ended with exit code {worker.wait()} before it took tasks.")


def _forward(lines: Iterable[str]) -> None:
    with suppress(ValueError):  # closed at the end of the demo
        for line in lines:
            sys.stderr.write(line)


def _round_trip(stack: ExitStack, environment: dict[str, str]) -> ExitCode:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (folder / "sfncli-test.json").write_text(json.dumps(DEFINITION, indent=2))
    _call("definitions", "put", "sfncli-test.json", folder=folder, environment=environment)
    submitted = _call(
        "submit", "sfncli-test:master", '{"foo":true}', "-o", "json", folder=folder, environment=environment, quiet=True
    )
    workflow_id = json.loads(submitted)["id"]
    follow = ("workflows", workflow_id, "--follow", "--timeout", str(FOLLOW_SECONDS))
    _show(*follow)
    ended = subprocess.run([*COMMAND, *follow], env=_inherited() | environment, check=False)
    _call("workflows", workflow_id, "--full", "-o", "json", folder=folder, environment=environment)
    return ExitCode(ended.returncode)


def _call(*arguments: str, folder: Path | None = None, environment: dict[str, str], quiet: bool = False) -> str:
    _show(*arguments)
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=_inherited() | environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise errors.StartupError(f"{shlex.join(arguments[:2])} ended with exit code {done.returncode}.")
    if not quiet:
        write_line(done.stdout.rstrip())
    return done.stdout


def _inherited() -> dict[str, str]:
    """Return the environment without variables that point to another AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_ENDPOINT_URL")}


def _show(*arguments: str) -> None:
    write_line(f"\n$ workflow-manager {shlex.join(arguments)}")


@contextmanager
def _running(
    *arguments: str, environment: dict[str, str], stdout: int | None = None, stderr: int | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Run a command in the background; at the end it is terminated, and killed if necessary."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=_inherited() | {"WFM_LOG_FORMAT": "console", **environment},
        stdout=stdout,
        stderr=stderr,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in filter(None, (process.stdout, process.stderr)):
            pipe.close()
