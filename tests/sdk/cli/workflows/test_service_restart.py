"""A follow and a wait outlive the service: the real one, killed and started again after half a minute.

Covers `workflow_manager.cli.workflows.follow` and `workflow_manager.cli.workflows.wait`.
"""

import asyncio
import uuid
from pathlib import Path
from typing import Any, Final

import pytest

from tests.crashes.processes.killed_service import Victim, command
from tests.fork_server import ForkServer
from tests.sdk.cli.piped import Piped
from workflow_manager import models
from workflow_manager.client import WorkflowManager

AWAY_SECONDS: Final = 30.0
"""Longer than any number of tries in quick succession."""

MACHINE: Final[dict[str, Any]] = {
    "StartAt": "wait",
    "States": {"wait": {"Type": "Wait", "Seconds": 5, "Next": "done"}, "done": {"Type": "Succeed"}},
}


@pytest.mark.slow
async def test_a_restart_of_the_service_ends_no_watching(
    local_aws_url: str, tmp_path: Path, forks: ForkServer, env: dict[str, str]
) -> None:
    """What happened meanwhile is shown as soon as the service is back."""
    prefix = f"restart-{uuid.uuid4().hex[:8]}"
    environment = {
        "AWS_ENDPOINT_URL": local_aws_url,
        "AWS_REGION": "us-west-2",
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "WFM_STORE": "dynamodb",
        "WFM_TABLE_PREFIX": prefix,
        "WFM_LEASE_SECONDS": "3",
    }
    command(forks, "tables", "create", environment=environment)
    async with Victim(forks, environment, tmp_path / "service.log") as victim:
        url = str(victim.http.base_url)
        async with WorkflowManager(url) as manager:
            started = await start(manager, prefix)
            waiting = asyncio.create_task(manager.wait(started.id))
            following = Piped(forks, ("workflows", started.id, "--follow", "--url", url), env)
            assert started.id in await asyncio.to_thread(following.line)
            victim.kill()
            await asyncio.sleep(AWAY_SECONDS)
            await victim.start()
            assert (await waiting).status is models.WorkflowStatus.SUCCEEDED
            ended = await asyncio.to_thread(following.end, seconds=60)
    assert ended.code == 0
    assert f"succeeded  workflow {started.id} {prefix}:0\n" in ended.out
    away, back = ended.err.splitlines()
    assert away.startswith(f"The service is unavailable; retrying. No response from {url.rstrip('/')}")
    assert back == "The service is available again."


async def start(manager: WorkflowManager, name: str) -> models.Workflow:
    """Define and start a workflow that takes some seconds."""
    await manager.create_definition(models.NewWorkflowDefinitionRequest(name=name, state_machine=MACHINE))
    reference = models.WorkflowDefinitionRef(name=name)
    return await manager.start_workflow(models.StartWorkflowRequest(workflow_definition=reference, namespace="restart"))
