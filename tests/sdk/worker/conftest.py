"""A worker on a fake AWS, with real commands."""

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3
import pytest
import structlog

from tests.sdk.worker.fake_activities import FakeActivities, ScheduledTask
from tests.sdk.worker.processes import Nursery, write_script
from workflow_manager.aws import translating
from workflow_manager.worker.activity.worker import CommandWorker
from workflow_manager.worker.config import CommandSettings, InputMode, Timings, WorkerSettings
from workflow_manager.worker.host.signals import stopped_by_signals

ACTIVITY = "dev--resize"
INPUT = {"_EXECUTION_NAME": "run-1"}

FAST = Timings(
    poll_interval_seconds=0.01,
    poll_drain_seconds=0.1,
    heartbeat_interval_seconds=0.1,
    heartbeat_retry_seconds=0.02,
    lost_grace_seconds=0.15,
    shutdown_grace_seconds=0.3,
    backoff_first_seconds=0.01,
    backoff_cap_seconds=0.05,
    report_seconds=5.0,
    report_backoff_cap_seconds=0.05,
    shutdown_report_seconds=0.3,
    urgent_report_seconds=0.2,
    metric_interval_seconds=0.05,
)


async def eventually(condition: Callable[[], Any], what: str, *, seconds: float = 5.0) -> None:
    """Wait until a condition holds, and name it when it does not come to hold."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  # conditions of child processes and files have no event
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"not within {seconds} s: {what}")


def alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass
class Running:
    """A worker that runs, and what it shows."""

    worker: CommandWorker
    aws: FakeActivities
    task: asyncio.Task[None]
    stdout: io.BytesIO
    stderr: io.BytesIO

    async def perform(self, task_input: str | Mapping[str, Any] = INPUT) -> ScheduledTask:
        """Schedule a task and wait for its end."""
        task = await self.schedule(task_input)
        await self.end_of(task)
        return task

    async def schedule(
        self, task_input: str | Mapping[str, Any] = INPUT, *, heartbeat_seconds: float | None = None
    ) -> ScheduledTask:
        """Schedule a task for the worker."""
        await eventually(lambda: self.aws.activities or self.task.done(), "the activity is registered")
        return await self.aws.schedule(ACTIVITY, task_input, heartbeat_seconds=heartbeat_seconds)

    async def end_of(self, task: ScheduledTask) -> None:
        """Wait for the end of a task."""
        await eventually(task.ended.is_set, f"the end of {task.token}")


class StartWorker(Protocol):
    """Starts a worker that runs a shell script for each task."""

    async def __call__(
        self,
        script: str | None = None,
        *,
        command: str | None = None,
        args: tuple[str, ...] = (),
        concurrency: int = 1,
        work_dir: Path | None = None,
        input_mode: InputMode = InputMode.ARGUMENT,
        tags: Mapping[str, str] | None = None,
        timings: Timings = FAST,
        output_drain_seconds: float = 0.3,
        signalled: bool = False,
        worker_name: str = "worker-1",
        **more: Any,
    ) -> Running: ...


@pytest.fixture
def aws() -> FakeActivities:
    """An AWS without activities, whose polls are short."""
    return FakeActivities(poll_seconds=0.2)


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    """Keep structlog from drawing tracebacks, which takes longer than the tests."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
        cache_logger_on_first_use=False,
    )
    yield
    structlog.reset_defaults()


async def _run_until_signalled(worker: CommandWorker) -> None:
    with stopped_by_signals(worker):
        await worker.run()


@pytest.fixture
async def start_worker(aws: FakeActivities, tmp_path: Path) -> AsyncIterator[StartWorker]:
    """Start workers; those that still run are stopped at the end."""
    started: list[Running] = []

    async def start(
        script: str | None = None,
        *,
        command: str | None = None,
        args: tuple[str, ...] = (),
        concurrency: int = 1,
        work_dir: Path | None = None,
        input_mode: InputMode = InputMode.ARGUMENT,
        tags: Mapping[str, str] | None = None,
        timings: Timings = FAST,
        output_drain_seconds: float = 0.3,
        signalled: bool = False,
        worker_name: str = "worker-1",
        **more: Any,
    ) -> Running:
        if script is not None:
            command = str(write_script(tmp_path / "command", script))
        client: Any = translating(aws, max_connections=100)
        stdout, stderr = more.pop("stdout", io.BytesIO()), io.BytesIO()
        worker = CommandWorker(
            WorkerSettings(
                activity_name=ACTIVITY,
                worker_name=worker_name,
                concurrency=concurrency,
                tags=tags or {},
                timings=timings,
            ),
            CommandSettings(
                command=command or "/bin/true",
                args=args,
                work_dir=work_dir,
                input_mode=input_mode,
                output_drain_seconds=output_drain_seconds,
            ),
            polls=client,
            calls=client,
            stdout=stdout,
            stderr=stderr,
            environ={"PATH": os.environ["PATH"], "HERE": str(tmp_path)},
            **more,
        )
        run = _run_until_signalled(worker) if signalled else worker.run()
        running = Running(worker, aws, asyncio.create_task(run, name="worker"), stdout, stderr)
        started.append(running)
        return running

    yield start
    for running in started:
        if not running.task.done():
            running.worker.request_stop()
            running.worker.request_stop()
        await asyncio.wait({running.task}, timeout=5)
        assert running.task.done(), "the worker did not stop"


@pytest.fixture(scope="session")
def sfn(local_aws_url: str) -> Iterator[Any]:
    """A client of the embedded AWS, in its usual region."""
    with sfn_client(local_aws_url) as client:
        yield client


@contextlib.contextmanager
def sfn_client(url: str, *, region: str = "us-west-2") -> Iterator[Any]:
    """Open a client of Step Functions that waits for its answers."""
    client: Any = boto3.client(
        "stepfunctions",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def nursery(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Start worker processes on the embedded AWS; those that still run are ended at the end."""
    directory = tmp_path_factory.mktemp("processes")
    started = Nursery(directory)
    # After the nursery, so that both start at the same time.
    started.environ["AWS_ENDPOINT_URL"] = request.getfixturevalue("local_aws_url")
    yield started
    started.close()
