"""Clients that know nothing of keys authenticate by their base URL.

Covers `app.access.credentials` and `app.api.generated_clients`.
"""

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.access.authenticator import Authenticator
from tests.rig import Rig
from workflow_manager.models import Binding, NewApiKey, Role

PROGRAM: Final = Path(__file__).parent / "go_userinfo" / "main.go"
GO: Final = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")

SUBMIT = Binding(role=Role.SUBMIT, namespaces=("dev",))


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The host and port of the service, with the key of a submitter before them as a base URL has it."""
    rig = Rig()
    services = rig.services()
    authenticator = Authenticator(key_ring=services.keys, tokens=None, anonymous=(), now=rig.clock.now)
    app.state.services = replace(services, authenticator=authenticator)
    await rig.define()
    issued = await services.keys.create(NewApiKey(name="old", bindings=(SUBMIT,)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, ws="none"))
        serving = asyncio.create_task(server._serve([listener]))
        try:
            yield f"http://anybody:{issued.key}@127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
            await services.keys.settle()


@pytest.mark.slow
@pytest.mark.skipif(GO is None, reason="Go is not installed")
async def test_net_http_of_go_sends_the_user_information_of_its_url(address: str, tmp_path: Path) -> None:
    """Clever's client joins its base URL and the path."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GOCACHE": str(tmp_path / "go"),
        "GOFLAGS": "-mod=mod",
    }

    async def run(base: str) -> list[tuple[int, str]]:
        process = await asyncio.create_subprocess_exec(
            str(GO), "run", str(PROGRAM), base, stdout=asyncio.subprocess.PIPE, env=environment
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return [(int(line[:3]), line[4:]) for line in output.decode().splitlines()]

    listed, started, who = await run(address)
    assert (listed[0], started[0], json.loads(who[1])["kind"]) == (200, 200, "key")
    wrong = await run(address.replace("wfm_", "wfm_0"))
    assert [status for status, _ in wrong] == [400, 400, 401]  # those it has no class for
    assert all("credential is not valid" in text for _, text in wrong)


async def test_httpx_and_so_generated_clients_send_it_too(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        assert (await client.get("/whoami")).json()["kind"] == "key"
    async with httpx.AsyncClient(base_url=address.split("@")[1].join(("http://", ""))) as client:
        refused = await client.get("/workflows", headers={"X-Client-Version": "1"})
    assert (refused.status_code, refused.headers["X-Original-Status"]) == (400, "401")
