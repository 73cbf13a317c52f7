"""``kill -9`` of the real service on DynamoDB and the embedded AWS: what was acknowledged ends as AWS says, once.

Covers `app.main`.
"""

import asyncio
import random
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.crashes.processes.killed_service import (
    Crowd,
    Victim,
    all_ended,
    command,
    define,
    executions,
    kill_again_and_again,
    service_environment,
)
from tests.fork_server import ForkServer

END_SECONDS: Final = 60.0
"""So long after the last start of the service, every workflow has its final status."""


@pytest.mark.parametrize(
    ("kills", "longest_life"),
    [pytest.param(2, 1.0, id="twice"), pytest.param(30, 3.0, id="30 times", marks=pytest.mark.slow)],
)
async def test_every_acknowledged_workflow_survives_the_death_of_the_service(
    forks: ForkServer, local_aws_url: str, dynamodb: Mapping[str, str], tmp_path: Path, kills: int, longest_life: float
) -> None:
    definition = f"kill-{uuid.uuid4().hex[:8]}"
    environment = service_environment(local_aws_url, dynamodb, definition, WFM_LEASE_SECONDS="3")
    command(forks, "tables", "create", environment=environment)

    async with Victim(forks, environment, tmp_path / "service.log") as victim:
        crowd = Crowd(victim.http, definition)
        await define(victim.http, definition)
        over = asyncio.Event()
        submitting = asyncio.create_task(crowd.submit_until(over))
        back_at = await kill_again_and_again(
            victim, kills=kills, chance=random.Random(kills), longest_life=longest_life
        )
        over.set()
        await submitting
        stored = await all_ended(victim.http, definition, deadline=back_at + END_SECONDS)

    assert sorted(stored) == sorted(crowd.acknowledged)
    assert stored == executions(local_aws_url, definition)
    assert set(stored.values()) == {"succeeded", "failed"}
