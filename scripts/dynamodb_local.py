"""Run Amazon's DynamoDB Local, if it was fetched: for a block, or for a command given as arguments."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from workflow_manager import errors

FOLDER: Final = Path(__file__).parents[1] / ".cache" / "dynamodb-local"
"""Where scripts/fetch-dynamodb-local puts it."""

URL_VARIABLE: Final = "AWS_ENDPOINT_URL_DYNAMODB"
"""Points the service to DynamoDB Local, or to another replacement for DynamoDB."""

READY_SECONDS: Final = 60.0
CHECK_SECONDS: Final = 0.05
STOP_SECONDS: Final = 5.0


def is_there() -> bool:
    """Return whether DynamoDB Local can be started."""
    return FOLDER.is_dir() and shutil.which("java") is not None


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run DynamoDB Local, which keeps its tables in memory, and yield its URL.

    Raises ``StartupError`` if it does not start.
    """
    port = _free_port()
    child = subprocess.Popen(_command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(child, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        _stop(child)


def _command(port: int) -> list[str]:
    server = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"
    java = ["java", "-Xmx256m", f"-Dsqlite4java.library.path={FOLDER}", "-cp", f"{FOLDER}/*", server]
    return [*java, "-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_until_ready(child: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise errors.StartupError(f"DynamoDB Local ended with exit code {child.returncode} before it was ready.")
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(CHECK_SECONDS)
    raise errors.StartupError(f"DynamoDB Local was not ready within {READY_SECONDS:.0f} seconds.")


def _stop(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run(command: Sequence[str]) -> int:
    """Run a command with DynamoDB Local in its environment, or without if it is not installed; return the exit code."""
    if not is_there():
        return subprocess.call(command)
    with dynamodb_local() as url:
        print(f"\n$ export {URL_VARIABLE}={url}  # DynamoDB Local", flush=True)
        return subprocess.call(command, env=os.environ | {URL_VARIABLE: url})


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
