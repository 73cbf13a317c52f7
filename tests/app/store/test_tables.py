"""Making and describing the tables.

Covers `app.store.tables`.
"""

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from app.store import Store
from app.store.tables import (
    BY_STATE,
    COORDINATION,
    MISSING,
    TABLES,
    WORKFLOWS,
    create_tables,
    definition,
    describe_tables,
)
from app.store.tables import table_name as name_of
from tests.app.store import backends
from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


@pytest.fixture
def new_prefix() -> str:
    """A prefix without tables."""
    return f"test-{uuid.uuid4().hex}"


async def test_missing_tables_are_described_as_missing(dynamodb: "DynamoDBClient", new_prefix: str) -> None:
    states = await describe_tables(dynamodb, new_prefix)

    assert [state.status for state in states] == [MISSING] * 4
    assert [state.name for state in states] == [name_of(new_prefix, table) for table in TABLES]


async def test_tables_are_made_with_their_indexes_and_expiry(dynamodb: "DynamoDBClient", new_prefix: str) -> None:
    states = await create_tables(dynamodb, new_prefix)

    assert [state.status for state in states] == ["ACTIVE"] * 4
    assert [state.expires for state in states] == [table.expires for table in TABLES]
    for state, table in zip(states, TABLES, strict=True):
        assert state.indexes == {index.name: "ACTIVE" for index in table.indexes}
    described = await dynamodb.describe_table(TableName=name_of(new_prefix, WORKFLOWS))
    assert described["Table"]["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


async def test_point_in_time_recovery_is_on_where_the_endpoint_knows_it(
    dynamodb: "DynamoDBClient", new_prefix: str, dynamodb_url: str, local_aws_url: str
) -> None:
    states = await create_tables(dynamodb, new_prefix)

    assert {state.recoverable for state in states} == {True if dynamodb_url == local_aws_url else None}


async def test_making_the_tables_again_changes_nothing(dynamodb: "DynamoDBClient", new_prefix: str) -> None:
    first = await create_tables(dynamodb, new_prefix)

    assert await create_tables(dynamodb, new_prefix) == first


async def test_two_may_make_the_tables_at_the_same_time(dynamodb: "DynamoDBClient", new_prefix: str) -> None:
    one, other = await asyncio.gather(create_tables(dynamodb, new_prefix), create_tables(dynamodb, new_prefix))

    assert one == other


async def test_a_missing_index_is_added(local_aws_url: str, new_prefix: str) -> None:
    async with backends.client_of(local_aws_url) as client:
        await _add_missing_index(client, new_prefix)


@pytest.mark.slow
async def test_a_missing_index_is_added_by_the_engine_of_amazon(dynamodb_local_url: str, new_prefix: str) -> None:
    """It takes its time to fill an index, as DynamoDB does."""
    async with backends.client_of(dynamodb_local_url) as client:
        await _add_missing_index(client, new_prefix)


async def _add_missing_index(dynamodb: "DynamoDBClient", new_prefix: str) -> None:
    whole = definition(name_of(new_prefix, WORKFLOWS), WORKFLOWS)
    indexes = [index for index in whole["GlobalSecondaryIndexes"] if index["IndexName"] != BY_STATE.name]
    keys = [key for key in whole["AttributeDefinitions"] if key["AttributeName"] != BY_STATE.hash_key]
    await dynamodb.create_table(**(whole | {"GlobalSecondaryIndexes": indexes, "AttributeDefinitions": keys}))
    before = await describe_tables(dynamodb, new_prefix)

    after = await create_tables(dynamodb, new_prefix)

    assert before[2].indexes[BY_STATE.name] == MISSING
    assert after[2].indexes == {index.name: "ACTIVE" for index in WORKFLOWS.indexes}


async def test_a_table_with_other_keys_is_refused_by_name(dynamodb: "DynamoDBClient", new_prefix: str) -> None:
    other: dict[str, Any] = definition(name_of(new_prefix, COORDINATION), COORDINATION)
    other["KeySchema"] = other["KeySchema"][:1]
    other["AttributeDefinitions"] = other["AttributeDefinitions"][:1]
    await dynamodb.create_table(**other)

    with pytest.raises(errors.StartupError, match=name_of(new_prefix, COORDINATION)):
        await create_tables(dynamodb, new_prefix)


async def test_a_store_without_tables_says_what_to_do(dynamodb: "DynamoDBClient", new_prefix: str) -> None:
    with pytest.raises(errors.TableNotFound):
        await dynamodb.describe_table(TableName=name_of(new_prefix, WORKFLOWS))


async def test_a_store_without_one_of_its_tables_says_which_is_missing(dynamodb: "DynamoDBClient") -> None:
    """A service with a wrong prefix, or with forgotten tables, is not to start and answer errors."""
    store = backends.store_on(dynamodb, "nobody-made-these")

    with pytest.raises(errors.StartupError, match="nobody-made-these-workflow-definitions is missing"):
        await store.check()


async def test_a_store_that_is_all_there_passes_its_check(store: Store) -> None:
    await store.check()
