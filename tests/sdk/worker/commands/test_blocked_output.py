"""Worker processes whose outputs nobody reads.

Covers `workflow_manager.worker.commands.output_streams`.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.worker.executions import Machine
from tests.sdk.worker.processes import Nursery, arguments, write_script


@contextmanager
def full_pipe(path: Path) -> Iterator[Path]:
    """Make a pipe that nobody reads and nothing fits into."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        for size in (65_536, 1):
            with contextlib.suppress(BlockingIOError):
                while os.write(writer, b"x" * size):
                    pass
        yield path
    finally:
        os.close(writer)
        os.close(reader)


@pytest.mark.slow
def test_tasks_are_reported_and_signals_heard_when_nobody_reads(nursery: Nursery, sfn: Any, tmp_path: Path) -> None:
    machine = Machine(sfn)
    command = write_script(tmp_path / "command", "echo words >&2; echo more; echo '{\"a\":1}'")
    with full_pipe(tmp_path / "pipe") as pipe:
        worker = nursery.start(*arguments(machine.name, str(command)), stdout=pipe, stderr=pipe)
        assert '"a":1' in machine.start().ended().output
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0
