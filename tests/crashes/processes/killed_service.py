"""A service that is killed again and again, and clients that do not give up."""

import asyncio
import os
import random
import signal
import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import boto3
import httpx

from tests.fork_server import STREAMS, Forked, ForkServer

STATUSES: Final = {"SUCCEEDED": "succeeded", "FAILED": "failed"}
KEYS: Final = {"aws_access_key_id": "embedded", "aws_secret_access_key": "embedded", "region_name": "us-west-2"}

SUBMITS_PER_SECOND: Final = 20.0
RETRY_SECONDS: Final = 0.2
GIVE_UP_SECONDS: Final = 120.0
READY_SECONDS: Final = 60.0
CHECK_SECONDS: Final = 0.05

MACHINE: Final[dict[str, Any]] = {
    "StartAt": "wait",
    "States": {
        "wait": {"Type": "Wait", "Seconds": 1, "Next": "choose"},
        "choose": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.fail", "BooleanEquals": True, "Next": "fail"}],
            "Default": "succeed",
        },
        "fail": {"Type": "Fail", "Error": "Boom", "Cause": "it was to fail"},
        "succeed": {"Type": "Succeed"},
    },
}
"""Takes a second, and fails when it is told to."""


def command(forks: ForkServer, *words: str, environment: Mapping[str, str]) -> None:
    """Run a verb of the command line to its end."""
    with Path(os.devnull).open("r+b") as nothing:
        streams = [nothing.fileno()] * STREAMS
        assert forks.start(words, streams=streams, env={**os.environ, **environment}, tty=False).wait(120) == 0


class Victim:
    """A ``serve`` or ``poll`` process on a port of its own, which takes over the port of the one before."""

    def __init__(self, forks: ForkServer, environment: Mapping[str, str], log: Path, *, verb: str = "serve") -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = int(probe.getsockname()[1])
        self._forks = forks
        self._environment = {**os.environ, **environment}
        self._log = log
        self._verb = verb
        self._process: Forked | None = None
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", timeout=10)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.kill()
        await self.http.aclose()

    async def start(self) -> None:
        """Start the service, and wait until it answers."""
        self._process = process = self._spawn()
        deadline = time.monotonic() + READY_SECONDS
        while not await self._answers():
            assert process.is_running, f"the service ended by itself:\n{self._log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"the service was not ready within {READY_SECONDS:g} s"
            await asyncio.sleep(CHECK_SECONDS)

    def kill(self) -> None:
        """End the process as nothing else would: with SIGKILL."""
        if self._process is not None:
            self._process.kill()

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def wait(self) -> int:
        """Wait for the end of the process; returns its exit code."""
        assert self._process is not None
        return self._process.wait(30)

    async def leads(self) -> bool:
        """Tell whether the poller of the process leads."""
        metrics = (await self.http.get("/metrics")).text
        return "workflow_manager_poller_leading 1.0" in metrics

    def _spawn(self) -> Forked:
        with self._log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            streams = [nothing.fileno(), log.fileno(), log.fileno()]
            words = [self._verb, "--port", str(self._port)]
            return self._forks.start(words, streams=streams, env=self._environment, tty=False)

    async def _answers(self) -> bool:
        try:
            return (await self.http.get("/_health")).status_code == 200
        except httpx.TransportError:
            return False


class Crowd:
    """Clients that submit at a steady rate, each with a key that it repeats until it has an answer."""

    def __init__(self, http: httpx.AsyncClient, definition: str) -> None:
        self._http = http
        self._definition = definition
        self.acknowledged: list[str] = []

    async def submit_until(self, stop: asyncio.Event) -> None:
        """Submit until the event; returns when everybody has an answer."""
        number = 0
        async with asyncio.TaskGroup() as clients:
            while not stop.is_set():
                clients.create_task(self._submit(number))
                number += 1
                await asyncio.sleep(1 / SUBMITS_PER_SECOND)

    async def _submit(self, number: int) -> None:
        key = str(uuid.uuid4())
        body = {
            "workflowDefinition": {"name": self._definition},
            "namespace": "kill",
            "input": {"fail": number % 5 == 0, "number": number},
        }
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                answer = await self._http.post("/workflows", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                pass  # killed before it answered
            else:
                if answer.status_code == 200:
                    self.acknowledged.append(answer.json()["id"])
                    return
                assert answer.status_code >= 500, answer.text
            assert time.monotonic() < deadline, f"no answer to request {number}"
            await asyncio.sleep(RETRY_SECONDS)


def service_environment(aws_url: str, dynamodb: Mapping[str, str], name: str, **settings: str) -> dict[str, str]:
    """Return the environment of services that share tables of their own on an embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_REGION": "us-west-2",
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "WFM_STORE": "dynamodb",
        "WFM_TABLE_PREFIX": name,
        **dynamodb,
        **settings,
    }


async def define(http: httpx.AsyncClient, name: str) -> None:
    """Register the definition that crowds run."""
    answer = await http.post("/workflow-definitions", json={"name": name, "stateMachine": MACHINE})
    assert answer.status_code == 201, answer.text


def executions(aws_url: str, definition: str) -> dict[str, str]:
    """Return the status of every execution of version 0 of a definition, by name; each has run once."""
    client: Any = boto3.client("stepfunctions", endpoint_url=aws_url, **KEYS)  # type: ignore[call-overload]
    plain = f"kill--{definition}--0--wait"  # the tables have a prefix of their own, so a hash follows
    machines = client.get_paginator("list_state_machines").paginate()
    (arn,) = (
        row["stateMachineArn"] for page in machines for row in page["stateMachines"] if row["name"].startswith(plain)
    )
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=arn)
    found = [row for page in pages for row in page["executions"]]
    client.close()
    assert len({row["name"] for row in found}) == len(found)
    return {row["name"]: STATUSES[row["status"]] for row in found}


async def kill_again_and_again(victim: Victim, *, kills: int, chance: random.Random, longest_life: float) -> float:
    """Kill the service at times that nobody expects, and start it again; returns when it was back for the last time."""
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0, longest_life))
        victim.kill()
        await victim.start()
    return time.monotonic()


async def all_ended(http: httpx.AsyncClient, definition: str, *, deadline: float) -> dict[str, str]:
    """Return the status of every workflow of a definition, once all have ended."""
    while True:
        statuses = await _statuses(http, definition)
        open_ones = [status for status in statuses.values() if status in {"queued", "running"}]
        if not open_ones:
            return statuses
        assert time.monotonic() < deadline, f"{len(open_ones)} of {len(statuses)} workflows have not ended in time"
        await asyncio.sleep(RETRY_SECONDS)


async def _statuses(http: httpx.AsyncClient, definition: str) -> dict[str, str]:
    path: str | None = f"/workflows?workflowDefinitionName={definition}&limit=500&summaryOnly=true"
    found: dict[str, str] = {}
    while path:
        answer = await http.get(path)
        assert answer.status_code == 200, answer.text
        found |= {workflow["id"]: workflow["status"] for workflow in answer.json()}
        path = answer.headers.get("X-Next-Page-Path")
    return found
