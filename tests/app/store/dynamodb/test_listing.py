"""Listings that have to look at many entries for a few rows.

Covers `app.store.dynamodb.listing`.
"""

import asyncio
from itertools import product
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.store import WorkflowQuery
from app.store.dynamodb import listing
from app.store.dynamodb.store import DynamoDBStore
from tests import samples
from tests.app.store import backends
from tests.app.store.dynamodb_proxy import Wire
from workflow_manager.models import WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

WORKFLOWS = 60


@pytest_asyncio.fixture(loop_scope="session")
async def store(dynamodb: "DynamoDBClient", prefix: str) -> DynamoDBStore:
    """A store with workflows of which every twentieth is in the slow queue."""
    store = backends.store_on(dynamodb, prefix)
    await store.create_definition(samples.definition())
    await asyncio.gather(
        *(
            store.create_workflow(
                samples.workflow(f"w{number:02}", minutes=number, queue="default" if number % 20 else "slow")
            )
            for number in range(WORKFLOWS)
        )
    )
    return store


async def test_pages_that_end_early_still_lead_to_every_row_once(
    store: DynamoDBStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 10)

    for statuses, name, oldest_first in product(
        [(), (WorkflowStatus.QUEUED,), (WorkflowStatus.SUCCEEDED,)], [None, "sfncli-test:master"], [True, False]
    ):
        query = WorkflowQuery(queue="slow", definition_name=name, statuses=statuses, oldest_first=oldest_first)
        pages = await _pages(store, query)

        expected = [] if WorkflowStatus.SUCCEEDED in statuses else ["w00", "w20", "w40"]
        assert [row for page in pages for row in page] == sorted(expected, reverse=not oldest_first)
        assert [] in pages, "no page ended early, so this test shows nothing"


async def _pages(store: DynamoDBStore, query: WorkflowQuery) -> list[list[str]]:
    pages = []
    token = None
    while True:
        page = await store.list_workflows(query, limit=1, page_token=token)
        pages.append([workflow.id for workflow in page.workflows])
        if (token := page.next_token) is None:
            return pages


async def test_a_page_without_matches_reads_a_bounded_number_of_entries(
    store: DynamoDBStore, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 20)
    wire = Wire(dynamodb)

    page = await store.list_workflows(WorkflowQuery(namespace="production"), limit=2)

    assert page.workflows == []
    assert page.next_token is not None
    assert wire.items["Query"] < WORKFLOWS


async def test_the_largest_page_is_full(store: DynamoDBStore) -> None:
    page = await store.list_workflows(WorkflowQuery(definition_name="sfncli-test:master"), limit=10_000)

    assert len(page.workflows) == WORKFLOWS
    assert page.next_token is None
