"""Several processes of the real service on one store.

Covers `app.main` and `app.poller.leadership`.
"""

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.crashes.processes.killed_service import (
    Crowd,
    Victim,
    all_ended,
    command,
    define,
    executions,
    service_environment,
)
from tests.fork_server import ForkServer

LEASE_SECONDS: Final = 2.0
"""Shorter ones are lost on a busy machine without anybody being frozen."""
PATIENCE_SECONDS: Final = 40.0


async def leader_of(*victims: Victim) -> Victim:
    """Return the one that leads, once exactly one does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        leading = [victim for victim in victims if await victim.leads()]
        if len(leading) == 1:
            return leading[0]
        assert time.monotonic() < deadline, f"{len(leading)} lead"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def submitting(crowd: Crowd, *, seconds: float) -> AsyncIterator[None]:
    """Submit during the block, and at least for some seconds."""
    over = asyncio.Event()
    task = asyncio.create_task(crowd.submit_until(over))
    asyncio.get_running_loop().call_later(seconds, over.set)
    yield
    await task


async def test_a_leader_that_is_frozen_for_three_leases_does_no_harm_when_it_comes_back(
    forks: ForkServer, local_aws_url: str, dynamodb: Mapping[str, str], tmp_path: Path
) -> None:
    """For a moment both lead: the one that took over, and the one that does not know yet how long it has slept."""
    definition = f"frozen-{uuid.uuid4().hex[:8]}"
    environment = service_environment(local_aws_url, dynamodb, definition, WFM_LEASE_SECONDS=f"{LEASE_SECONDS:g}")
    command(forks, "tables", "create", environment=environment)
    async with (
        Victim(forks, environment, tmp_path / "a.log") as first,
        Victim(forks, environment, tmp_path / "b.log") as second,
    ):
        await define(first.http, definition)
        frozen = await leader_of(first, second)
        other = second if frozen is first else first
        crowd = Crowd(other.http, definition)
        async with submitting(crowd, seconds=5 * LEASE_SECONDS):
            await asyncio.sleep(LEASE_SECONDS)
            frozen.signal(signal.SIGSTOP)
            await asyncio.sleep(3 * LEASE_SECONDS)
            await leader_of(other)
            frozen.signal(signal.SIGCONT)
        stored = await all_ended(other.http, definition, deadline=time.monotonic() + PATIENCE_SECONDS)
        await leader_of(first, second)

    assert sorted(stored) == sorted(crowd.acknowledged)
    assert stored == executions(local_aws_url, definition)


async def test_a_poller_without_an_api_looks_after_what_an_api_without_a_poller_accepts(
    forks: ForkServer, local_aws_url: str, dynamodb: Mapping[str, str], tmp_path: Path
) -> None:
    definition = f"apart-{uuid.uuid4().hex[:8]}"
    environment = service_environment(local_aws_url, dynamodb, definition)
    command(forks, "tables", "create", environment=environment)
    serving, polling = environment | {"WFM_POLLER_ENABLED": "false"}, environment
    async with (
        Victim(forks, serving, tmp_path / "api.log") as api,
        Victim(forks, polling, tmp_path / "poller.log", verb="poll") as poller,
    ):
        await define(api.http, definition)
        crowd = Crowd(api.http, definition)
        async with submitting(crowd, seconds=1):
            pass
        stored = await all_ended(api.http, definition, deadline=time.monotonic() + PATIENCE_SECONDS)
        ready = (await poller.http.get("/_ready")).status_code
        no_api = (await poller.http.get("/workflows")).status_code
        poller.signal(signal.SIGTERM)
        ended = poller.wait()

    assert set(stored) == set(crowd.acknowledged)
    assert set(stored.values()) == {"succeeded", "failed"}
    assert (ready, no_api, ended) == (200, 404, 0)
