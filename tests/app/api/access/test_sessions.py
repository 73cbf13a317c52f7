"""Answers that go on end with their credential.

Covers `app.access.authenticator` and `app.api.routes.events`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi import FastAPI

from app.access.authenticator import Authenticator
from app.access.keys import KeyRing
from app.api.routes.events import _events
from app.api.workflow_feeds import Feeds
from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import Binding, IssuedApiKey, NewApiKey, Role, Workflow


class _World:
    def __init__(self) -> None:
        self.rig = Rig()
        self.keys = KeyRing(self.rig.store, clock=self.rig.clock.seconds, now=self.rig.clock.now)
        self.authenticator = Authenticator(key_ring=self.keys, tokens=None, anonymous=(), now=self.rig.clock.now)

    async def key(self, *, lifetime: timedelta | None = None) -> IssuedApiKey:
        end = None if lifetime is None else self.rig.clock.now() + lifetime
        new = NewApiKey(name="a", bindings=(Binding(role=Role.READ),), expires_at=end)
        return await self.keys.create(new)

    async def session(self, key: IssuedApiKey):  # type: ignore[no-untyped-def]
        headers = [(b"x-api-key", key.key.encode())]
        return self.authenticator.session(headers, await self.authenticator.authenticate(headers))


async def test_a_credential_is_checked_again_each_minute() -> None:
    world = _World()
    key = await world.key()
    session = await world.session(key)
    assert session.seconds_left == 60
    await world.keys.revoke(key.id)

    world.rig.clock.advance(59)
    await session.check()
    world.rig.clock.advance(1)
    with pytest.raises(errors.NotAuthenticated):
        await session.check()


async def test_a_good_credential_goes_on() -> None:
    world = _World()
    session = await world.session(await world.key())
    for _ in range(3):
        world.rig.clock.advance(60)
        assert session.seconds_left == 0
        await session.check()
        assert session.seconds_left == 60


async def test_a_session_ends_when_its_credential_expires() -> None:
    world = _World()
    session = await world.session(await world.key(lifetime=timedelta(seconds=30)))
    assert session.seconds_left == 30
    world.rig.clock.advance(30)

    with pytest.raises(errors.NotAuthenticated, match="expired"):
        await session.check()


async def test_a_silent_store_ends_no_stream_before_its_time() -> None:
    world = _World()
    session = await world.session(await world.key(lifetime=timedelta(seconds=90)))

    async def silent(_key: str) -> None:
        raise errors.Unavailable("the store does not answer")

    world.rig.store.get_document = silent  # type: ignore[assignment, method-assign]
    world.rig.clock.advance(60)
    await session.check()
    world.rig.clock.advance(30)
    with pytest.raises(errors.NotAuthenticated):
        await session.check()


async def test_a_stream_ends_with_its_key() -> None:
    """It ends without an error; who connects again is told."""
    world = _World()
    key = await world.key(lifetime=timedelta(seconds=30))
    session = await world.session(key)
    await world.rig.define()
    workflow = await world.rig.start()

    async def read(*, refresh: bool) -> Workflow:
        return await world.rig.store.get_workflow(workflow.id)

    with Feeds(interval_seconds=0.001).follow(workflow.id, read) as follower:
        stream: AsyncIterator[bytes] = _events(follower, None, session)
        assert (await anext(stream)).startswith(b"retry:")
        assert b"event: workflow" in await anext(stream)
        world.rig.clock.advance(30)
        async with asyncio.timeout(5):
            assert [part async for part in stream] == []


async def test_a_wait_is_answered_401_when_the_key_has_ended_meanwhile(app: FastAPI) -> None:
    world = _World()
    key = await world.key(lifetime=timedelta(seconds=0.05))
    await world.rig.define()
    workflow = await world.rig.start()
    app.state.services = replace(world.rig.services(), keys=world.keys, authenticator=world.authenticator)
    statuses: list[int] = []

    async def forever() -> dict[str, object]:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(int(str(message["status"])))
        world.rig.clock.advance(0)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": "GET",
        "path": f"/workflows/{workflow.id}",
        "raw_path": b"",
        "query_string": b"wait=60",
        "headers": [(b"host", b"localhost"), (b"x-api-key", key.key.encode())],
        "app": app,
    }
    answering = asyncio.create_task(app(scope, forever, send))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    world.rig.clock.advance(1)
    async with asyncio.timeout(10):
        await answering
    assert statuses == [401]
