"""Signals to worker processes, from their first moment on.

Covers `workflow_manager.worker.host.signals` and `workflow_manager.early_signals`.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.eventually import eventually
from tests.sdk.worker.executions import Machine
from tests.sdk.worker.processes import Nursery, arguments

PROGRAM = Path(sys.executable).with_name("workflow-manager")
SFNCLI = [str(PROGRAM), *arguments("never-made", "true")]
ENVIRON = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "us-west-2"}


@contextmanager
def process(command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process; it ends with the block at the latest."""
    with subprocess.Popen(command, env=ENVIRON, stderr=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.kill()


def holds(pid: int, number: signal.Signals) -> bool:
    """Tell whether the program keeps a signal from having its usual effect: blocks it, or handles it."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    if bytes(PROGRAM) not in words[1:2]:
        return False  # still what starts it, which blocks signals for a moment too
    status = Path(f"/proc/{pid}/status").read_text()
    masks = [int(mask, 16) for mask in re.findall(r"^Sig(?:Blk|Cgt):\s*(\w+)", status, flags=re.MULTILINE)]
    return any(mask >> (number - 1) & 1 for mask in masks)


def test_a_stop_that_comes_while_the_program_is_loaded_is_obeyed_also_by_the_first_process_of_a_container() -> None:
    namespace = ["unshare", "-pf", "--kill-child"]
    may = subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0
    with process([*(namespace if may else ()), *SFNCLI]) as started:
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
        pid = int(eventually(children.read_text, what="the worker starts")) if may else started.pid
        # From here on Python has begun, and would end by the signal, or never hear of it, if it did not hold it.
        eventually(lambda: holds(pid, signal.SIGTERM), what="SIGTERM is held")
        os.kill(pid, signal.SIGTERM)
        assert started.wait(30) == 0


def test_a_stop_is_obeyed_while_ecs_does_not_answer(nursery: Nursery) -> None:
    with socket.create_server(("127.0.0.1", 0)) as ecs:
        worker = nursery.start(
            *arguments("never-made", "true", "-workername=MAGIC_ECS_TASK_ID"),
            ECS_CONTAINER_METADATA_URI_V4=f"http://127.0.0.1:{ecs.getsockname()[1]}",
        )
        connection, _ = ecs.accept()
        with connection:
            worker.signal(signal.SIGTERM)
            assert worker.wait() == 0


WAITING = """
import asyncio
from workflow_manager.worker import Worker

worker = Worker(namespace="{namespace}")

@worker.task()
async def wait():
    print("begun", flush=True)
    await asyncio.sleep(600)
"""


def test_a_hang_up_hands_the_tasks_of_a_module_back(nursery: Nursery, sfn: Any, tmp_path: Path) -> None:
    namespace = f"n{os.getpid()}"
    (tmp_path / "waiting.py").write_text(WAITING.format(namespace=namespace))
    worker = nursery.start("worker", "--module", "waiting", cwd=tmp_path)
    execution = Machine(sfn, f"{namespace}--wait").start()
    eventually(lambda: "begun" in worker.stdout, what=f"the function begins: {worker.stderr}")
    worker.signal(signal.SIGHUP)
    assert execution.ended().error[0] == "sfncli.CommandTerminated"
    assert worker.wait() == 0
