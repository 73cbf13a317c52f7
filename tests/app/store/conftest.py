"""The stores that the contract is tested on.

Tests of a session share one event loop, and so one client for each endpoint: opening one takes longer than most tests.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio

from app.store import Store
from app.store.memory import MemoryStore
from scripts.dynamodb_local import is_there
from tests import samples
from tests.app.store import backends
from tests.app.store.dynamodb_proxy import http_session

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

HERE: Final = Path(__file__).parent

NOT_FETCHED: Final = "DynamoDB Local is not there; scripts/fetch-dynamodb-local fetches it"


LEFT_OUT: Final = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the tests of this folder share an event loop, and choose the engine of those on DynamoDB.

    That is Amazon's own, where it was fetched, and otherwise moto's; `make test-all` has both.
    """
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
    if not is_there():
        left_out = [item for item in items if _needs_dynamodb_local(item)]
        config.hook.pytest_deselected(items=left_out)
        config.stash[LEFT_OUT] = len(left_out)
        items[:] = [item for item in items if item not in left_out]
    else:
        for item in items:
            if HERE in item.path.parents and "moto" in item.name:
                item.add_marker(pytest.mark.slow)


def _needs_dynamodb_local(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    return HERE in item.path.parents and ("dynamodb_local_url" in names or "dynamodb-local" in item.name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line what was left out."""
    if left_out := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"{left_out} tests of the store were left out: {NOT_FETCHED}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def moto(local_aws_url: str) -> "AsyncIterator[DynamoDBClient]":
    """The client of the embedded AWS."""
    async with backends.client_of(local_aws_url) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def engine(dynamodb_local_url: str) -> "AsyncIterator[DynamoDBClient]":
    """The client of Amazon's own engine."""
    async with backends.client_of(dynamodb_local_url) as client:
        yield client


@pytest.fixture(params=["local_aws_url", "dynamodb_local_url"], ids=["moto", "dynamodb-local"])
def dynamodb_url(request: pytest.FixtureRequest) -> str:
    """Each endpoint in turn."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def dynamodb(request: pytest.FixtureRequest, dynamodb_url: str, local_aws_url: str) -> "Iterator[DynamoDBClient]":
    """The client of each endpoint in turn; what a test does to its wire ends with it."""
    client: DynamoDBClient = request.getfixturevalue("moto" if dynamodb_url == local_aws_url else "engine")
    session = http_session(client)
    send = session.send
    yield client
    session.send = send


@pytest_asyncio.fixture(loop_scope="session")
async def prefix(dynamodb: "DynamoDBClient", dynamodb_url: str) -> str:
    """The prefix of empty tables."""
    return await backends.empty_tables(dynamodb, dynamodb_url)


@pytest.fixture(params=["memory", "moto", "dynamodb-local"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store of each kind in turn."""
    if request.param == "memory":
        return MemoryStore(now=lambda: samples.EPOCH)
    found = request.getfixturevalue("moto_store" if request.param == "moto" else "dynamodb_local_store")
    assert isinstance(found, Store)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def moto_store(moto: "DynamoDBClient", local_aws_url: str) -> Store:
    """An empty store on the embedded AWS."""
    return backends.store_on(moto, await backends.empty_tables(moto, local_aws_url))


@pytest_asyncio.fixture(loop_scope="session")
async def dynamodb_local_store(engine: "DynamoDBClient", dynamodb_local_url: str) -> Store:
    """An empty store on Amazon's own engine."""
    return backends.store_on(engine, await backends.empty_tables(engine, dynamodb_local_url))
