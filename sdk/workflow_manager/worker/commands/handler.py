"""Runs a command for each task."""

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import IO, BinaryIO, Final

import structlog

from workflow_manager import errors
from workflow_manager.worker.commands.exit_status import MAX_LAST_LINE_BYTES, Exit, output_of
from workflow_manager.worker.commands.output_streams import CommandStream, LastLine, OutputForwarder, Tail
from workflow_manager.worker.commands.process import OUTPUT_DRAIN_SECONDS, ChildProcess
from workflow_manager.worker.commands.start_errors import start_failure
from workflow_manager.worker.commands.watchdog import Guard, NoWatchdog
from workflow_manager.worker.config import CommandSettings, InputMode
from workflow_manager.worker.shutdown import StopSignal
from workflow_manager.worker.task_errors import MAX_CAUSE_BYTES, ErrorName, TaskFailed
from workflow_manager.worker.task_json import EXECUTION_NAME, Task

log = structlog.get_logger()

MAX_ARGUMENT_BYTES: Final = 131_071
"""Linux takes 128 KiB for one argument (MAX_ARG_STRLEN), with the zero byte at its end."""

INPUT_FILE: Final = "input.json"


class CommandHandler:
    """Handles a task by running a command; its last line on stdout is the output."""

    def __init__(
        self,
        settings: CommandSettings,
        *,
        stdout: BinaryIO,
        stderr: BinaryIO,
        environ: Mapping[str, str],
        hold_seconds: float = 0,
        guard: Guard | None = None,
    ) -> None:
        self._settings = settings
        self._stdout = OutputForwarder(stdout)
        self._stderr = OutputForwarder(stderr)
        self._environ = environ
        self._hold_seconds = hold_seconds
        self._guard = guard or NoWatchdog()
        self._running: set[ChildProcess] = set()

    def prepare(self) -> None:
        """Make sure that the work directory can be used; raises ``SettingsError``."""
        work_dir = self._settings.work_dir
        if work_dir is None:
            return
        try:
            work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=work_dir):
                pass
        except OSError as unusable:
            raise errors.SettingsError(f"the work directory {work_dir} cannot be used: {unusable.strerror}") from None

    def forward(self, number: int) -> bool:
        """Send a signal to the commands that run now; tell whether there is one."""
        for process in self._running:
            process.signal(number)
        return bool(self._running)

    async def __call__(self, task: Task, stop: StopSignal) -> str:
        """Run the command for ``task``; raises ``TaskFailed`` unless it succeeds."""
        if stop.reason is not None:
            raise TaskFailed(ErrorName.COMMAND_TERMINATED, "the worker stopped before the command was started")
        async with self._directory() as directory:
            with self._input(task, directory) as stdin:
                process = self._start(task, directory, stdin)
            end = await self._run(process, stop)
        return output_of(end)

    async def _run(self, process: ChildProcess, stop: StopSignal) -> Exit:
        last_line, tail = LastLine(MAX_LAST_LINE_BYTES), Tail(MAX_CAUSE_BYTES)
        stdout = CommandStream(last_line, self._stdout, hold_seconds=self._hold_seconds)
        stderr = CommandStream(tail, self._stderr, hold_seconds=self._hold_seconds)
        self._running.add(process)
        stopping = asyncio.create_task(_end_when_asked(process, stop), name=f"stop-of-{process.pid}")
        try:
            code = await process.run(stdout=stdout, stderr=stderr, drain_seconds=self._settings.output_drain_seconds)
        finally:
            stopping.cancel()
            self._running.discard(process)
        seconds = OUTPUT_DRAIN_SECONDS if process.told_to_end else self._settings.output_drain_seconds
        await asyncio.gather(stdout.close(seconds=seconds), stderr.close(seconds=seconds))
        return Exit(
            code=code,
            told_to_end=process.told_to_end,
            last_line=last_line.line,
            last_line_too_long=last_line.too_long,
            stderr=tail.data,
            stderr_cut=tail.cut,
        )

    def _start(self, task: Task, directory: Path | None, stdin: IO[bytes] | int) -> ChildProcess:
        command = self._settings.command
        try:
            return ChildProcess.start(
                [command, *self._settings.args, *self._input_arguments(task, directory)],
                env=self._environment(task, directory),
                stdin=stdin,
                guard=self._guard,
            )
        except OSError as refusal:
            raise start_failure(command, refusal, search_path=self._environ.get("PATH")) from None

    def _environment(self, task: Task, directory: Path | None) -> dict[str, str]:
        work_dir = {"WORK_DIR": str(directory)} if directory else {}
        return {**self._environ, **work_dir, EXECUTION_NAME: task.execution_name}

    def _input_arguments(self, task: Task, directory: Path | None) -> list[str | bytes]:
        if self._settings.input_mode is InputMode.STDIN:
            return []
        if directory is not None and self._settings.input_mode is InputMode.FILE:
            return [str(directory / INPUT_FILE)]
        argument = task.input.encode()
        if len(argument) > MAX_ARGUMENT_BYTES:
            cause = (
                f"the task input of {len(argument):,} bytes is too large for an argument of a command, which can have "
                f"{MAX_ARGUMENT_BYTES:,}; run the worker with input mode 'stdin' or 'file'"
            )
            raise TaskFailed(ErrorName.UNKNOWN, cause)
        return [argument]

    @contextlib.contextmanager
    def _input(self, task: Task, directory: Path | None) -> Iterator[IO[bytes] | int]:
        """Put the input where the command finds it, and yield the standard input of the command."""
        if directory is not None and self._settings.input_mode is InputMode.FILE:
            (directory / INPUT_FILE).write_bytes(task.input.encode())
        if self._settings.input_mode is not InputMode.STDIN:
            yield subprocess.DEVNULL
            return
        # A file and not a pipe: any size can be written before the command reads, or without it ever reading.
        with tempfile.TemporaryFile() as stdin:
            stdin.write(task.input.encode())
            stdin.seek(0)
            yield stdin

    @contextlib.asynccontextmanager
    async def _directory(self) -> AsyncIterator[Path | None]:
        """Make a directory for one task, if tasks get one, and remove it afterwards with all that is in it."""
        if self._settings.work_dir is None and self._settings.input_mode is not InputMode.FILE:
            yield None
            return
        directory = Path(tempfile.mkdtemp(dir=self._settings.work_dir))
        try:
            yield directory
        finally:
            await asyncio.to_thread(_remove, directory)


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        log.warning("work directory not removed completely", action="work-dir-left", path=str(directory))


async def _end_when_asked(process: ChildProcess, stop: StopSignal) -> None:
    async for request in stop:
        process.end(grace_seconds=request.grace_seconds)
