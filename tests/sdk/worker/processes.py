"""Worker processes that tests start and send signals to."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.checkout import ROOT
from tests.eventually import eventually

STUBBORN = 'trap "" TERM; while :; do sleep 0.1; done'
"""A script that goes on until it is killed."""

PYTHON = "#!/usr/bin/env python3\nimport json, os, sys\n"
"""Begins a script in Python."""


class Nursery:
    """Forks command lines; see ``tests.sdk.worker.worker_forks``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "AWS_REGION": "us-west-2",
            "WFM_LOG_FORMAT": "json",
        }
        self._turn = threading.Lock()
        self._started: list[WorkerProcess] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.sdk.worker.worker_forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self, *argv: str, cwd: Path = ROOT, stdout: Path | None = None, stderr: Path | None = None, **environ: str
    ) -> "WorkerProcess":
        """Start ``workflow-manager`` with these arguments; ``environ`` is added to its environment.

        What it writes goes to files, unless ``stdout`` or ``stderr`` is something else that can be opened.
        """
        number = len(self._started)
        stdout = stdout or self._directory / f"{number}.out"
        stderr = stderr or self._directory / f"{number}.err"
        request = {
            "argv": argv,
            "env": {**self.environ, **environ},
            "cwd": str(cwd),
            "stdout": str(stdout),
            "stderr": str(stderr),
        }
        process = WorkerProcess(self, self.ask(request), stdout, stderr)
        self._started.append(process)
        return process

    def ask(self, request: Mapping[str, Any]) -> int:
        """Send a request and return its answer."""
        with self._turn:
            _pipe(self._process.stdin).write(json.dumps(request) + "\n")
            _pipe(self._process.stdin).flush()
            return int(_pipe(self._process.stdout).readline())

    def close(self) -> None:
        """End all processes at once."""
        running = [process for process in self._started if process.exit_code is None]
        for process in running:
            process.signal(signal.SIGTERM)
        for process in running:
            process.end()
        _pipe(self._process.stdin).close()
        self._process.wait(timeout=10)
        _pipe(self._process.stdout).close()


@dataclass
class WorkerProcess:
    """A worker that runs in a process."""

    nursery: Nursery
    pid: int
    stdout_path: Path
    stderr_path: Path
    exit_code: int | None = None

    @property
    def stdout(self) -> str:
        """What it has written to standard output."""
        return self.stdout_path.read_text() if self.stdout_path.is_file() else ""

    @property
    def stderr(self) -> str:
        """What it has written to standard error."""
        return self.stderr_path.read_text() if self.stderr_path.is_file() else ""

    def has_logged(self, action: str) -> bool:
        """Tell whether a line of its log has this ``action``."""
        return re.search(rf'"action": ?"{action}"', self.stderr) is not None

    def until_logged(self, action: str) -> "WorkerProcess":
        """Wait until it has logged ``action``."""
        eventually(lambda: self.has_logged(action) or self.has_ended(), what=f"{action} of {self.pid}: {self.stderr}")
        assert self.has_logged(action), self.stderr
        return self

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens when it has ended."""
        if self.exit_code is None and not self.has_ended():
            os.kill(self.pid, number)

    def end(self) -> None:
        """Stop it at once, though in order: a worker that is asked a second time waits for nothing."""
        self.signal(signal.SIGTERM)
        # Two signals that come together count as one.
        eventually(lambda: self.has_logged("worker-stopping") or self.has_ended(), what=f"the stop of {self.pid}")
        self.signal(signal.SIGTERM)
        self.wait()

    def wait(self) -> int:
        """Wait for its end; returns the exit code, negative for a signal."""
        if self.exit_code is None:
            eventually(self.has_ended, what=f"the end of process {self.pid}: {self.stderr}")
            self.exit_code = self.nursery.ask({"wait": self.pid})
        return self.exit_code

    def has_ended(self) -> bool:
        """Tell whether it has ended."""
        # A zombie until the nursery has collected it, so that the number cannot be reused.
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def write_script(path: Path, text: str) -> Path:
    """Write an executable script, for ``sh`` unless it says otherwise."""
    path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def puppet(directory: Path) -> Path:
    """Write a command that does, for each task, what the script in ``directory`` of its execution's name says."""
    return write_script(directory / "puppet", f'exec "{directory}/$_EXECUTION_NAME" "$@"')


def arguments(activity: str, cmd: str, *more: str) -> Sequence[str]:
    """Write the command line of ``sfncli``."""
    return ("sfncli", "-activityname", activity, "-workername", "worker-1", *more, "-cmd", cmd)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
