"""Worker processes whose functions do not end.

Covers `workflow_manager.worker.functions.worker`.
"""

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import eventually
from tests.sdk.worker.executions import Execution, Machine
from tests.sdk.worker.host.test_signals import PROGRAM

MODULE = """
import asyncio, threading, time
from workflow_manager.worker import Worker

worker = Worker(namespace="{namespace}")

@worker.task()
async def deaf():
    begun("deaf")
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass

@worker.task()
async def threaded():
    begun("threaded")
    await asyncio.to_thread(time.sleep, 600)

@worker.task()
def stuck():
    begun("stuck")
    threading.Thread(target=time.sleep, args=[600]).start()
    time.sleep(600)

def begun(name):
    open(name, "w").close()
"""
NAMES = ("deaf", "threaded", "stuck")


@pytest.fixture
def endless(
    local_aws_url: str, sfn: Any, tmp_path: Path
) -> Iterator[tuple["subprocess.Popen[bytes]", list[Execution]]]:
    """Start a real process, not one of the nursery: the interpreter must end too."""
    namespace = f"n{uuid.uuid4().hex[:8]}"
    (tmp_path / "endless.py").write_text(MODULE.format(namespace=namespace))
    environ = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": local_aws_url, "AWS_REGION": "us-west-2"}
    command = [str(PROGRAM), "worker", "--module", "endless", "--grace-seconds", "0.2"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE) as worker:
        begun = [Machine(sfn, f"{namespace}--{name}").start() for name in NAMES]
        try:
            eventually(lambda: all((tmp_path / name).exists() for name in NAMES), what="all functions have begun")
            yield worker, begun
        finally:
            worker.kill()


def test_functions_that_never_end_do_not_keep_the_process_alive(
    endless: tuple["subprocess.Popen[bytes]", list[Execution]],
) -> None:
    worker, begun = endless
    worker.send_signal(signal.SIGTERM)
    _, log = worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert [execution.ended().error[0] for execution in begun] == ["sfncli.CommandTerminated"] * len(NAMES)
    assert log.count(b'"worker-stopped"') == len(NAMES)
