"""A worker on the embedded AWS, through real clients.

Covers `workflow_manager.worker.activity.worker`.
"""

import asyncio
import io
import json
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.settings import Settings
from tests.sdk.worker.conftest import FAST, alive, eventually
from tests.sdk.worker.processes import write_script
from workflow_manager import aws
from workflow_manager.worker.activity.worker import CommandWorker
from workflow_manager.worker.config import CommandSettings, WorkerSettings
from workflow_manager.worker.host.services import MetricsOptions, open_services

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient
    from types_aiobotocore_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

ROLE = "arn:aws:iam::123456789012:role/workflow-manager"


@dataclass
class Executions:
    """Runs a machine of one activity task, of a name of its own."""

    client: "SFNClient"
    polls: "SFNClient"
    name: str
    directory: Path

    def worker(self, script: str) -> CommandWorker:
        """Make a worker that runs ``script`` for each task."""
        return CommandWorker(
            WorkerSettings(
                activity_name=self.name, worker_name="worker-1", timings=replace(FAST, poll_drain_seconds=0.1)
            ),
            CommandSettings(command=str(write_script(self.directory / "command", script))),
            polls=self.polls,
            calls=self.client,
            stdout=io.BytesIO(),
            stderr=io.BytesIO(),
            environ={"PATH": os.environ["PATH"], "HERE": str(self.directory)},
        )

    async def start(self) -> str:
        """Start an execution, whose name is in its input."""
        arn = (await self.client.create_activity(name=self.name))["activityArn"]
        task = {"Type": "Task", "Resource": arn, "HeartbeatSeconds": 60, "End": True}
        machine = await self.client.create_state_machine(
            name=self.name, roleArn=ROLE, definition=json.dumps({"StartAt": "A", "States": {"A": task}})
        )
        text = f'{{"_EXECUTION_NAME":"{self.name}","n":9007199254740993}}'
        started = await self.client.start_execution(
            stateMachineArn=machine["stateMachineArn"], name=self.name, input=text
        )
        return started["executionArn"]

    async def end(self, arn: str) -> "DescribeExecutionOutputTypeDef":
        """Wait for the end of an execution."""
        async with asyncio.timeout(10):
            while (run := await self.client.describe_execution(executionArn=arn))["status"] == "RUNNING":  # noqa: ASYNC110  # AWS has no event
                await asyncio.sleep(0.02)
            return run


@pytest.fixture
async def executions(local_aws_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Executions]:
    """The embedded AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws_url)
    connection = aws.connect(Settings.load().aws)
    async with connection.step_functions() as client, connection.long_polls() as polls:
        yield Executions(client, polls, f"worker-{uuid.uuid4()}", tmp_path)


async def test_an_execution_gets_the_output_of_the_command(executions: Executions) -> None:
    worker = executions.worker('echo "{\\"input\\":$1}"')
    arn = await executions.start()
    running = asyncio.create_task(worker.run())
    run = await executions.end(arn)
    await worker.stop()
    await running
    assert run["status"] == "SUCCEEDED"
    assert json.loads(run["output"]) == {
        "_EXECUTION_NAME": executions.name,
        "input": {"_EXECUTION_NAME": executions.name, "n": 9007199254740993},
    }


async def test_an_execution_fails_with_the_error_of_the_command(executions: Executions) -> None:
    worker = executions.worker('echo "{\\"error\\":\\"App.Full\\",\\"cause\\":\\"disk\\"}"; exit 1')
    arn = await executions.start()
    running = asyncio.create_task(worker.run())
    run = await executions.end(arn)
    await worker.stop()
    await running
    assert (run["status"], run["error"], run["cause"]) == ("FAILED", "App.Full", "disk")


async def test_stopping_the_execution_stops_the_command(executions: Executions, tmp_path: Path) -> None:
    worker = executions.worker('echo $$ > "$HERE/pid.new"; mv "$HERE/pid.new" "$HERE/pid"; exec sleep 60')
    arn = await executions.start()
    running = asyncio.create_task(worker.run())
    await eventually((tmp_path / "pid").exists, "the command has started")
    pid = int((tmp_path / "pid").read_text())
    await executions.client.stop_execution(executionArn=arn)
    await eventually(lambda: not alive(pid), "the command is stopped")
    await worker.stop()
    await running


async def test_stopping_the_worker_hands_the_task_back(executions: Executions, tmp_path: Path) -> None:
    worker = executions.worker('touch "$HERE/started"; exec sleep 60')
    arn = await executions.start()
    running = asyncio.create_task(worker.run())
    await eventually((tmp_path / "started").exists, "the command has started")
    await worker.stop()
    await running
    run = await executions.end(arn)
    assert (run["status"], run["error"]) == ("FAILED", "sfncli.CommandTerminated")


async def test_cloudwatch_is_told_how_busy_the_worker_is(executions: Executions) -> None:
    connection = aws.connect(Settings.load().aws)
    metrics_options = MetricsOptions(cloudwatch=True, cloudwatch_region="${_POD_REGION}")
    async with open_services(connection, metrics_options, environ={"_POD_REGION": "eu-west-1"}) as services:
        assert services.publish is not None
        await services.publish(f"arn:{executions.name}", 37.5)
    dimensions: Any = [{"Name": "ActivityArn", "Value": f"arn:{executions.name}"}]
    now = datetime.now(UTC)
    async with connection.cloudwatch("eu-west-1") as client:
        found = await client.get_metric_statistics(
            Namespace="StatesCustom",
            MetricName="ActivityActivePercent",
            Dimensions=dimensions,
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=600,
            Statistics=["Average"],
        )
    assert [point["Average"] for point in found["Datapoints"]] == [37.5]
