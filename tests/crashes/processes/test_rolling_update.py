"""Replicas are replaced one by one under traffic and no caller notices: real processes, and a balancer that obeys.

Covers `app.main` and `app.readiness`.
"""

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.crashes.processes.killed_service import Victim, command, define, service_environment
from tests.fork_server import ForkServer

CALLERS: Final = 4
PROBE_SECONDS: Final = 0.1
DRAIN_SECONDS: Final = "3"
"""Long enough for a balancer that looks ten times a second on a machine that has other things to do."""

LONGEST_SECONDS: Final = 60.0


class Balancer:
    """Sends requests to the replicas that were ready when it last looked. It keeps connections, and repeats nothing."""

    def __init__(self, replicas: list[Victim]) -> None:
        self._replicas = replicas
        self._ready: list[Victim] = []
        self._turn = 0
        self.answers: dict[Victim, int] = dict.fromkeys(replicas, 0)
        self.failures: list[str] = []

    @asynccontextmanager
    async def under_traffic(self, definition: str) -> AsyncIterator[None]:
        """Let callers start and list workflows, one request after the other each."""
        tasks = [asyncio.create_task(self._look_on())]
        await self.until(self._replicas[0], ready=True)
        tasks += [asyncio.create_task(self._call_on(definition)) for _ in range(CALLERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, replica: Victim, *, ready: bool) -> None:
        """Wait until a replica is among those that get requests, or no longer."""
        await until(lambda: (replica in self._ready) is ready, f"replica that is {'' if ready else 'not '}ready")

    async def until_serving(self, replica: Victim) -> None:
        """Wait until a replica has answered some requests more."""
        enough = self.answers[replica] + 10
        await until(lambda: self.answers[replica] >= enough, "answers of that replica")

    async def _look_on(self) -> None:
        async with httpx.AsyncClient(timeout=2) as probe:
            while True:
                self._ready = [each for each in self._replicas if await _is_ready(probe, each)]
                await asyncio.sleep(PROBE_SECONDS)

    async def _call_on(self, definition: str) -> None:
        body = {"workflowDefinition": {"name": definition}, "namespace": "kill", "input": {"fail": False}}
        while True:
            await self._send("POST", "/workflows", body)
            await self._send("GET", f"/workflows?workflowDefinitionName={definition}&limit=5&summaryOnly=true")

    async def _send(self, method: str, path: str, body: Any = None) -> None:
        self._turn += 1
        replica = self._ready[self._turn % len(self._ready)]
        try:
            answer = await replica.http.request(method, path, json=body)
        except httpx.TransportError as trouble:
            self.failures.append(f"{method} {path}: {trouble!r}")
            return
        if answer.is_success:
            self.answers[replica] += 1
        else:
            self.failures.append(f"{method} {path}: {answer.status_code} {answer.text}")


async def _is_ready(probe: httpx.AsyncClient, replica: Victim) -> bool:
    try:
        return (await probe.get(replica.http.base_url.join("/_ready"))).status_code == 200
    except httpx.TransportError:
        return False


async def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"no {what} within {LONGEST_SECONDS:g} s"
        await asyncio.sleep(0.01)


async def test_a_rolling_update_fails_no_request(
    forks: ForkServer, local_aws_url: str, dynamodb: Mapping[str, str], tmp_path: Path
) -> None:
    """Each replica gets SIGTERM while callers use it, serves on until the balancer has looked away, and comes back."""
    name = f"rolling-{uuid.uuid4().hex[:8]}"
    environment = service_environment(
        local_aws_url, dynamodb, name, WFM_LEASE_SECONDS="3", WFM_DRAIN_SECONDS=DRAIN_SECONDS
    )
    command(forks, "tables", "create", environment=environment)
    async with (
        Victim(forks, environment, tmp_path / "first.log") as first,
        Victim(forks, environment, tmp_path / "second.log") as second,
    ):
        await define(first.http, name)
        balancer = Balancer([first, second])
        async with balancer.under_traffic(name):
            for replaced, other in ((first, second), (second, first)):
                await balancer.until(other, ready=True)
                await balancer.until_serving(replaced)
                replaced.signal(signal.SIGTERM)
                await balancer.until(replaced, ready=False)
                assert await asyncio.to_thread(replaced.wait) == 0
                await balancer.until_serving(other)
                await replaced.start()
                await balancer.until(replaced, ready=True)
                await balancer.until_serving(replaced)

    assert balancer.failures == []


async def test_a_stream_goes_on_while_its_replica_drains(
    forks: ForkServer, local_aws_url: str, dynamodb: Mapping[str, str], tmp_path: Path
) -> None:
    """It shows the end of a workflow that ended after SIGTERM."""
    name = f"drain-{uuid.uuid4().hex[:8]}"
    environment = service_environment(local_aws_url, dynamodb, name, WFM_DRAIN_SECONDS="60")
    command(forks, "tables", "create", environment=environment)
    async with Victim(forks, environment, tmp_path / "service.log") as victim:
        await define(victim.http, name)
        body = {"workflowDefinition": {"name": name}, "namespace": "kill", "input": {"fail": False}}
        workflow_id = (await victim.http.post("/workflows", json=body)).json()["id"]
        async with victim.http.stream("GET", f"/workflows/{workflow_id}/events", timeout=60) as stream:
            lines = stream.aiter_lines()
            assert [line async for line in _first(lines, "data: ")]
            victim.signal(signal.SIGTERM)
            assert [line async for line in _first(lines, '"status":"succeeded"')]
        assert (await victim.http.get("/_ready")).status_code == 503
        victim.signal(signal.SIGTERM)
        assert await asyncio.to_thread(victim.wait) == 0


async def _first(lines: AsyncIterator[str], wanted: str) -> AsyncIterator[str]:
    """Return the first line that holds a text, if there is one."""
    async for line in lines:
        if wanted in line:
            yield line
            return
