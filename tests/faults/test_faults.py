"""The real service while Step Functions and DynamoDB misbehave: what was acknowledged ends as AWS says, once.

Covers `app.executor`, `app.poller`, `app.store` and `workflow_manager.aws`.
"""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from scripts import dynamodb_local
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
from tests.faults.proxy import FAULTS, FaultProxy
from tests.fork_server import ForkServer

KINDS: Final = tuple(FAULTS)
END_SECONDS: Final = 120.0
"""So long after the last fault, every workflow has its final status."""

FAULT_SECONDS: Final = 120.0

INJECTED: Final = 3
"""Requests that each fault of the short leg happens to."""


@pytest.fixture(scope="session")
def dynamodb_url(request: pytest.FixtureRequest, local_aws_url: str) -> str:
    """DynamoDB Local where it was fetched, otherwise the DynamoDB of the embedded AWS."""
    return str(request.getfixturevalue("dynamodb_local_url")) if dynamodb_local.is_there() else local_aws_url


class Stack:
    """A service between two proxies, and clients that do not give up."""

    def __init__(self, sfn: FaultProxy, dynamodb: FaultProxy, victim: Victim, definition: str) -> None:
        self.proxies = {"sfn": sfn, "dynamodb": dynamodb}
        self.victim = victim
        self.definition = definition
        self.crowd = Crowd(victim.http, definition)

    async def suffer(self, service: str, fault: str, *, times: int) -> None:
        """Let a fault happen to some requests, and then no more."""
        async with asyncio.timeout(FAULT_SECONDS):
            await self.proxies[service].inject(fault, times=times)


@asynccontextmanager
async def stack(
    forks: ForkServer, local_aws_url: str, dynamodb_url: str, log: Path, *, seed: int, **settings: str
) -> AsyncIterator[Stack]:
    """Start everything, with clients that submit until the block ends; then all must have come out right."""
    definition = f"fault-{uuid.uuid4().hex[:8]}"
    sfn = FaultProxy(local_aws_url, chance=random.Random(seed))
    dynamodb = FaultProxy(dynamodb_url, chance=random.Random(seed + 1))
    async with sfn.serve(), dynamodb.serve():
        endpoints: Mapping[str, str] = {dynamodb_local.URL_VARIABLE: dynamodb.url}
        environment = service_environment(sfn.url, endpoints, definition, WFM_LEASE_SECONDS="3", **settings)
        await asyncio.to_thread(command, forks, "tables", "create", environment=environment)
        async with Victim(forks, environment, log) as victim:
            await define(victim.http, definition)
            running = Stack(sfn, dynamodb, victim, definition)
            over = asyncio.Event()
            submitting = asyncio.create_task(running.crowd.submit_until(over))
            yield running
            over.set()
            await submitting
            stored = await all_ended(victim.http, definition, deadline=time.monotonic() + END_SECONDS)
            assert sorted(stored) == sorted(running.crowd.acknowledged)
            assert stored == await asyncio.to_thread(executions, local_aws_url, definition)
            assert set(stored.values()) == {"succeeded", "failed"}


@pytest.mark.parametrize("service", ["sfn", "dynamodb"])
async def test_no_fault_loses_doubles_or_forgets_a_workflow(
    forks: ForkServer, local_aws_url: str, dynamodb_url: str, tmp_path: Path, service: str
) -> None:
    async with stack(forks, local_aws_url, dynamodb_url, tmp_path / "service.log", seed=1) as running:
        for fault in KINDS:
            await running.suffer(service, fault, times=INJECTED)


@pytest.mark.slow
@pytest.mark.parametrize("service", ["sfn", "dynamodb"])
@pytest.mark.parametrize("fault", KINDS)
async def test_one_fault_for_long_loses_doubles_or_forgets_no_workflow(
    forks: ForkServer, local_aws_url: str, dynamodb_url: str, tmp_path: Path, service: str, fault: str
) -> None:
    async with stack(forks, local_aws_url, dynamodb_url, tmp_path / "service.log", seed=2) as running:
        await running.suffer(service, fault, times=25)


@pytest.mark.slow
async def test_fifty_kills_with_faults_in_between_lose_double_and_forget_nothing(
    forks: ForkServer, local_aws_url: str, dynamodb_url: str, tmp_path: Path
) -> None:
    chance = random.Random(50)
    async with stack(forks, local_aws_url, dynamodb_url, tmp_path / "service.log", seed=3) as running:
        for _ in range(50):
            service, fault = chance.choice(sorted(running.proxies)), chance.choice(KINDS)
            await running.suffer(service, fault, times=2)
            await kill_again_and_again(running.victim, kills=1, chance=chance, longest_life=1.0)


async def test_the_proxy_changes_nothing_without_a_fault(local_aws_url: str) -> None:
    target = {"X-Amz-Target": "AWSStepFunctions.ListActivities", "Content-Type": "application/x-amz-json-1.0"}
    auth = (
        "AWS4-HMAC-SHA256 Credential=embedded/20260101/us-west-2/states/aws4_request, SignedHeaders=host, Signature=0"
    )
    proxy = FaultProxy(local_aws_url, chance=random.Random(0))
    async with proxy.serve(), httpx.AsyncClient() as client:
        through, direct = [
            await client.post(url, content=b"{}", headers={**target, "Authorization": auth})
            for url in (proxy.url, local_aws_url)
        ]

    assert (through.status_code, through.content) == (direct.status_code, direct.content)
    assert proxy.seen["ListActivities"] == 1
