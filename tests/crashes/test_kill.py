"""``kill -9`` of the real service on DynamoDB and the embedded AWS: what was acknowledged ends as AWS says, once."""

import asyncio
import random
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import boto3
import httpx
import pytest

from app.cli import dynamodb_local
from tests.crashes.killing import MACHINE, Crowd, Victim, all_ended, command, kill_again_and_again

END_SECONDS: Final = 60.0
"""So long after the last start of the service, every workflow has its final status."""

STATUSES: Final = {"SUCCEEDED": "succeeded", "FAILED": "failed"}
KEYS: Final = {"aws_access_key_id": "embedded", "aws_secret_access_key": "embedded", "region_name": "us-west-2"}


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Mapping[str, str]]:
    """Yield what points the service to DynamoDB Local; without it, the embedded AWS keeps the tables."""
    if not dynamodb_local.is_there():
        yield {}
        return
    with dynamodb_local.dynamodb_local() as url:
        yield {dynamodb_local.URL_VARIABLE: url}


def executions(aws_url: str, definition: str) -> dict[str, str]:
    """Return the status of every execution of version 0 of a definition, by name."""
    client: Any = boto3.client("stepfunctions", endpoint_url=aws_url, **KEYS)  # type: ignore[call-overload]
    arn = f"arn:aws:states:us-west-2:123456789012:stateMachine:kill--{definition}--0--wait"
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=arn)
    found = [row for page in pages for row in page["executions"]]
    client.close()
    assert len({row["name"] for row in found}) == len(found)
    return {row["name"]: row["status"] for row in found}


@pytest.mark.parametrize(
    ("kills", "longest_life"),
    [pytest.param(4, 1.0, id="4 times"), pytest.param(30, 3.0, id="30 times", marks=pytest.mark.slow)],
)
async def test_every_acknowledged_workflow_survives_the_death_of_the_service(
    local_aws_url: str, dynamodb: Mapping[str, str], tmp_path: Path, kills: int, longest_life: float
) -> None:
    definition = f"kill-{uuid.uuid4().hex[:8]}"
    environment = {
        "AWS_ENDPOINT_URL": local_aws_url,
        "AWS_REGION": "us-west-2",
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "WFM_STORE": "dynamodb",
        "WFM_TABLE_PREFIX": definition,
        "WFM_LEASE_SECONDS": "3",
        **dynamodb,
    }
    command("tables", "create", environment=environment)

    async with Victim(environment, tmp_path / "service.log") as victim:
        crowd = Crowd(victim.http, definition)
        await _define(victim.http, definition)
        over = asyncio.Event()
        submitting = asyncio.create_task(crowd.submit_until(over))
        back_at = await kill_again_and_again(
            victim, kills=kills, chance=random.Random(kills), longest_life=longest_life
        )
        over.set()
        await submitting
        stored = await all_ended(victim.http, definition, deadline=back_at + END_SECONDS)

    assert sorted(stored) == sorted(crowd.acknowledged)
    assert stored == {name: STATUSES[status] for name, status in executions(local_aws_url, definition).items()}
    assert set(stored.values()) == {"succeeded", "failed"}


async def _define(http: httpx.AsyncClient, definition: str) -> None:
    answer = await http.post("/workflow-definitions", json={"name": definition, "stateMachine": MACHINE})
    assert answer.status_code == 201, answer.text
