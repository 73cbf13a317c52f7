"""The API under access control, on each kind of store."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from app.access.authenticator import Authenticator
from app.access.principal import Binding
from app.store.dynamodb.store import DynamoDBStore
from scripts.dynamodb_local import is_there
from tests.app.store import backends
from tests.rig import Clock, Rig
from workflow_manager.models import NewApiKey, Role


@pytest.fixture(params=["memory", "dynamodb"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Where the store is; None: in memory."""
    if request.param == "memory":
        return None
    return str(request.getfixturevalue("dynamodb_local_url" if is_there() else "local_aws_url"))


@pytest.fixture
async def rig(store_url: str | None) -> AsyncIterator[Rig]:
    """Return the service behind the API."""
    if store_url is None:
        yield Rig()
        return
    clock = Clock()
    async with backends.client_of(store_url) as client:
        prefix = await backends.empty_tables(client, store_url)
        store = DynamoDBStore(client, table_prefix=prefix, retention_days=backends.KEPT_DAYS, now=clock.now)
        yield Rig(clock=clock, store=cast("Any", store))


@pytest.fixture
def anonymous() -> tuple[Binding, ...]:
    """What callers without a credential may do."""
    return ()


@pytest.fixture
async def api(app: FastAPI, rig: Rig, anonymous: tuple[Binding, ...]) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the API without a credential."""
    services = rig.services()
    authenticator = Authenticator(key_ring=services.keys, tokens=None, anonymous=anonymous, now=rig.clock.now)
    app.state.services = replace(services, authenticator=authenticator)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
        await services.keys.settle()


KeyOf = Callable[..., Awaitable[dict[str, str]]]


@pytest.fixture
def key(app: FastAPI, api: httpx.AsyncClient) -> KeyOf:
    """Make a key, and return the headers that carry it."""

    async def make(role: str, *namespaces: str, definitions: tuple[str, ...] = ("*",)) -> dict[str, str]:
        binding = Binding(role=Role(role), namespaces=namespaces or ("*",), definitions=definitions)
        issued = await app.state.services.keys.create(NewApiKey(name=role, bindings=(binding,)))
        return {"Authorization": f"Bearer {issued.key}"}

    return make
