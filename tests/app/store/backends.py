"""The DynamoDBs that the store is tested on: clients and tables."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from unittest import mock

from app.settings import Settings
from app.store import Store
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.items import Item
from app.store.dynamodb.store import DynamoDBStore
from app.store.memory import MemoryStore
from app.store.tables import TABLES, WORKFLOWS, Table, create_tables, table_name
from tests import samples
from workflow_manager import aws, errors
from workflow_manager.models import WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

KEPT_DAYS = 36_500
"""DynamoDB Local removes expired items by the clock of the machine, and samples are of the past."""


@cache
def _connection(url: str) -> aws.AWS:
    # Kept, because a session reads the description of DynamoDB once, and that takes longer than most tests.
    with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": url, "AWS_REGION": "us-west-2"}):
        return aws.connect(Settings.load().aws)


@asynccontextmanager
async def client_of(url: str) -> "AsyncIterator[DynamoDBClient]":
    """Open the service's own client for an endpoint."""
    with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL": url}):
        opening = _connection(url).dynamodb()
        client = await opening.__aenter__()
    try:
        yield client
    finally:
        await opening.__aexit__(None, None, None)


@cache
def _prefix(url: str) -> str:
    return f"test-{uuid.uuid4().hex}"


async def empty_tables(client: "DynamoDBClient", url: str) -> str:
    """Return the prefix of tables that have nothing in them; they are made once for each endpoint."""
    prefix = _prefix(url)
    if await asyncio.gather(*(_empty(client, prefix, table) for table in TABLES)) != [True] * len(TABLES):
        await create_tables(client, prefix)
    return prefix


async def _empty(client: "DynamoDBClient", prefix: str, table: Table) -> bool:
    try:
        found = await scan(client, prefix, table)
    except errors.TableNotFound:
        return False
    keys = [{name: item[name] for name in (table.hash_key, table.range_key)} for item in found]
    requests = [{"DeleteRequest": {"Key": key}} for key in keys]
    await Calls(client).write_many(table_name(prefix, table), requests)
    return True


async def scan(client: "DynamoDBClient", prefix: str, table: Table) -> list[Item]:
    """Return all items of a table."""
    found: list[Any] = []
    parameters: dict[str, Any] = {"TableName": table_name(prefix, table), "ConsistentRead": True}
    while True:
        page = await client.scan(**parameters)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def store_on(client: "DynamoDBClient", prefix: str, *, now: datetime | None = None) -> DynamoDBStore:
    """Return a store of its own on tables that others may use too."""
    moment = now or samples.EPOCH
    return DynamoDBStore(client, table_prefix=prefix, retention_days=KEPT_DAYS, now=lambda: moment)


Damage = Literal["status", "body", "jobs", "definition"]


async def damage(store: Store, workflow_id: str, kind: Damage) -> None:
    """Leave a workflow as a later version of the service, a bad disk, or half a restore would."""
    if isinstance(store, MemoryStore):
        _damage_in_memory(store, workflow_id, kind)
        return
    assert isinstance(store, DynamoDBStore)
    values: dict[str, Any] = {
        "status": ("status", {"S": "paused"}),
        "body": ("body", {"B": b"z no zlib"}),
        "jobs": ("history", {"B": b'r{"jobs":[{"id":1}]}'}),
        "definition": ("version", {"N": "99"}),
    }
    name, value = values[kind]
    await store._client.update_item(
        TableName=table_name(store._table_prefix, WORKFLOWS),
        Key={"id": {"S": workflow_id}, "part": {"S": "summary"}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": value},
    )


def _damage_in_memory(store: MemoryStore, workflow_id: str, kind: Damage) -> None:
    """Leave what the other store shows of such a record: nothing in memory can be damaged."""
    workflow = store._workflows[workflow_id]
    why = "the history is damaged" if kind == "jobs" else f"its {kind} is damaged"
    changes: dict[str, Any] = {"unreadable": why}
    if kind == "definition":
        unknown = {"version": 99, "state_machine": {}, "unreadable": why}
        changes["workflow_definition"] = workflow.workflow_definition.model_copy(update=unknown)
    elif kind == "jobs":
        changes |= {"jobs": (), "last_job": None}
    else:
        changes |= {"status_reason": f"cannot be read: {why}", "tags": {}, "execution_arn": ""}
        changes["status"] = WorkflowStatus.RUNNING
    store._workflows[workflow_id] = workflow.model_copy(update=changes)
