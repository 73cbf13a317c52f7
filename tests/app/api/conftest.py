"""The API in front of the service on a fake Step Functions."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings
from tests.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """Return the service behind the API."""
    return Rig()


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """Return the application, still without services."""
    return create_app(Settings())


@pytest.fixture
async def api(app: FastAPI, rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the API; crashes of the service are answers, not exceptions of the test."""
    app.state.services = rig.services()
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
