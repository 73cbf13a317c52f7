"""The service that the clients walk through, with a worker for the activity ``echo``."""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.generated_clients.folders import CACHE, ROOT
from tests.generated_clients.steps import StepFailed, say

CLI: Final = str(ROOT / ".venv" / "bin" / "workflow-manager")
SERVE: Final = (CLI, "serve", "--local", "--store", "memory", "--port", "0")
WORK: Final = (CLI, "worker", "--activity", "echo", "--namespace", "dev", "--", "echo")
READY_SECONDS: Final = 60
STOP_SECONDS: Final = 15
PAUSE_SECONDS: Final = 0.05
LOG_TAIL_CHARACTERS: Final = 4_000


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """Start the service with access control on its embedded AWS, and a worker; stop both in the end.

    Gives the URL of the API, and a key for everything.
    """
    with ExitStack() as stack:
        ready = r"^API: +(\S+)$.*^AWS: +(\S+)$.*^Key: +(\S+)"
        api, aws, key = stack.enter_context(
            _process("service", SERVE, ready=ready, variables={"WFM_AUTH": "keys"})
        ).groups()
        say(f"ok  service: answers on {api}")
        stack.enter_context(_process("worker", WORK, ready="worker-started", variables={"AWS_ENDPOINT_URL": aws}))
        say("ok  worker: takes tasks of dev--echo")
        yield api, key


@contextmanager
def _process(
    name: str, command: tuple[str, ...], *, ready: str, variables: Mapping[str, str]
) -> Iterator[re.Match[str]]:
    """Run a process, and give what matched ``ready`` in its output once it did."""
    path = CACHE / f"{name}.log"
    with path.open("w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**_plain_environment(), **variables}
        )
        try:
            pattern = re.compile(ready, re.MULTILINE | re.DOTALL)
            deadline = time.monotonic() + READY_SECONDS
            while (found := pattern.search(path.read_text())) is None:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise StepFailed(f"{name}: not ready\n{path.read_text()[-LOG_TAIL_CHARACTERS:]}")
                time.sleep(PAUSE_SECONDS)
            yield found
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _plain_environment() -> dict[str, str]:
    """Return the environment without settings of the caller, which would make this another service."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("WFM_", "AWS_"))} | {
        "AWS_REGION": "us-west-2",
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "PYTHONUNBUFFERED": "1",
    }
