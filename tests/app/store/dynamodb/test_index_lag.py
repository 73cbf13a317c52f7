"""What readers see while the indexes of DynamoDB lag behind their table.

Covers `app.store.dynamodb.recent` and `app.store.dynamodb.listing`.
"""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from app.store import WorkflowQuery
from app.store.dynamodb.store import DynamoDBStore
from tests import samples
from tests.app.store import backends
from tests.app.store.dynamodb_proxy import Request, Wire
from workflow_manager.models import Workflow, WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

NAME = "sfncli-test:master"

NOW = datetime(2150, 1, 1, tzinfo=samples.EPOCH.tzinfo)
"""Far ahead, because DynamoDB Local removes what has expired by the clock of the machine."""


@pytest_asyncio.fixture(loop_scope="session")
async def writer(dynamodb: "DynamoDBClient", prefix: str) -> DynamoDBStore:
    """A store that writes."""
    store = backends.store_on(dynamodb, prefix, now=NOW)
    await store.create_definition(samples.definition())
    return store


@pytest.fixture
def reader(dynamodb: "DynamoDBClient", prefix: str, writer: DynamoDBStore) -> DynamoDBStore:
    """Another store on the same tables, which lists."""
    return backends.store_on(dynamodb, prefix, now=NOW)


def workflow(workflow_id: str, *, minutes: int = 0, **fields: Any) -> Workflow:
    """Return a workflow that was just created."""
    return samples.workflow(workflow_id, created_at=NOW - timedelta(minutes=10 - minutes), **fields)


def freeze_indexes(dynamodb: "DynamoDBClient") -> Wire:
    """Let every index stay empty from now on."""

    def find_nothing(body: Request) -> None:
        if "IndexName" in body:
            body["ExpressionAttributeValues"][":partition"] = {"S": "nothing"}

    return Wire(dynamodb, rewrites={"Query": find_nothing})


async def listed(store: DynamoDBStore, query: WorkflowQuery, *, limit: int = 10) -> list[str]:
    """Return the ids of all pages."""
    page = await store.list_workflows(query, limit=limit)
    ids = [found.id for found in page.workflows]
    while page.next_token:
        page = await store.list_workflows(query, limit=limit, page_token=page.next_token)
        ids += [found.id for found in page.workflows]
    return ids


@pytest.mark.parametrize("oldest_first", [True, False])
async def test_a_listing_by_definition_shows_what_any_process_just_created(
    writer: DynamoDBStore, reader: DynamoDBStore, dynamodb: "DynamoDBClient", *, oldest_first: bool
) -> None:
    freeze_indexes(dynamodb)
    await asyncio.gather(*(writer.create_workflow(workflow(f"w{n}", minutes=n)) for n in range(7)))

    ids = await listed(reader, WorkflowQuery(definition_name=NAME, oldest_first=oldest_first), limit=3)

    assert ids == sorted(ids, reverse=not oldest_first) == ids
    assert len(ids) == 7


async def test_so_it_does_with_filters(
    writer: DynamoDBStore, reader: DynamoDBStore, dynamodb: "DynamoDBClient"
) -> None:
    freeze_indexes(dynamodb)
    await writer.create_workflow(workflow("a", queue="slow", tags={"team": "infra"}))
    await writer.create_workflow(workflow("b", tags={"team": "infra", "note": "x" * 600}))
    await writer.create_workflow(workflow("c"))

    assert await listed(reader, WorkflowQuery(definition_name=NAME, queue="slow")) == ["a"]
    assert await listed(reader, WorkflowQuery(definition_name=NAME, tags={"team": "infra"})) == ["b", "a"]
    assert await listed(reader, WorkflowQuery(definition_name=NAME, namespace="production")) == []


async def test_an_index_that_still_has_the_old_status_shows_no_wrong_one(
    writer: DynamoDBStore, reader: DynamoDBStore, dynamodb: "DynamoDBClient"
) -> None:
    """The entry of the active workflow is still in the index when it ends; here it never was anywhere else."""
    await writer.create_workflow(workflow("a"))
    wire = Wire(dynamodb)
    ended = asyncio.Event()

    async def end_first(operation: str, _: Request) -> None:
        if operation == "BatchGetItem" and not ended.is_set():
            ended.set()
            await writer.update_workflow("a", {"status": WorkflowStatus.SUCCEEDED}, revision=0)

    wire.before = end_first

    assert (await reader.list_active_workflows(limit=10)).workflows == []
    assert ended.is_set()


async def test_a_row_shows_what_the_last_write_left(
    writer: DynamoDBStore, reader: DynamoDBStore, dynamodb: "DynamoDBClient"
) -> None:
    await writer.create_workflow(workflow("a"))
    changed = await writer.update_workflow("a", {"output": "{}"}, revision=0)

    (row,) = (await reader.list_workflows(WorkflowQuery(definition_name=NAME), limit=10)).workflows

    assert row == changed


async def test_workflows_created_at_once_are_entered_with_few_requests(
    writer: DynamoDBStore, dynamodb: "DynamoDBClient"
) -> None:
    wire = Wire(dynamodb)

    await asyncio.gather(*(writer.create_workflow(workflow(f"w{n}")) for n in range(40)))

    assert wire.requests["PutItem"] == 40
    assert wire.requests["BatchWriteItem"] <= 10
