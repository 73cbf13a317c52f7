"""Starts command lines as processes of their own in a fraction of the time: forks from one that has imported all.

Reads one JSON request per line: ``{"argv", "env", "cwd", "stdout", "stderr"}`` starts a process and answers its
number, ``{"wait"}`` waits for the end of one and answers its exit code.
"""

import gc
import json
import os
import runpy
import sys
from typing import Any

from app.cli.commands import main
from workflow_manager.cli.definitions import files
from workflow_manager.cli.worker import sfncli, worker, worker_process
from workflow_manager.cli.workflows import live_view, submit

PRELOADED = (files, live_view, sfncli, submit, worker, worker_process)
"""Imported here so that no child has to."""

APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def serve() -> None:
    """Answer requests until the input ends."""
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        answer = collect(request["wait"]) if "wait" in request else start(request)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def collect(pid: int) -> int:
    """Wait for the end of a child."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def start(request: dict[str, Any]) -> int:
    """Fork; the child becomes the command line."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setpgid(0, 0)
        for stream, descriptor in (("stdout", 1), ("stderr", 2)):
            os.dup2(os.open(request[stream], APPENDING, 0o600), descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # Those of the nursery remember what kind of file they were on.
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        code = run(request["argv"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(argv: list[str]) -> int:
    """Run a command line, or a Python program."""
    if argv[0] != "python":
        return main(argv)
    runpy.run_path(argv[1], run_name="__main__")
    return 0


if __name__ == "__main__":
    serve()
