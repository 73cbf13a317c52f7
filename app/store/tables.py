"""The DynamoDB tables: as data, with which infrastructure code must agree, and making and describing them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import TableDescriptionTypeDef

EXPIRY: Final = "expires_at"
"""Attribute by which DynamoDB removes items, in every table that has it: seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A global secondary index: of the items that have both of its keys, all keys and what is ``included``."""

    name: str
    hash_key: str
    range_key: str
    included: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; every key is a string. All are billed on demand and have point-in-time recovery."""

    suffix: str
    hash_key: str
    range_key: str
    indexes: tuple[Index, ...] = ()
    expires: bool = False

    @property
    def key_attributes(self) -> tuple[str, ...]:
        """The attributes that are keys of the table or of an index."""
        keys = [self.hash_key, self.range_key]
        for index in self.indexes:
            keys += [index.hash_key, index.range_key]
        return tuple(dict.fromkeys(keys))


DEFINITIONS: Final = Table(suffix="workflow-definitions", hash_key="scope", range_key="entry")

STATE_RESOURCES: Final = Table(suffix="state-resources", hash_key="namespace", range_key="name")

FILTERED: Final = ("namespace", "queue", "tags", "many_tags")
"""What an index needs so that a filter reads no workflow that it then drops; none of it ever changes."""

BY_DEFINITION: Final = Index(name="by-definition", hash_key="definition", range_key="position", included=FILTERED)
BY_TIME: Final = Index(name="by-time", hash_key="timeline", range_key="position", included=("definition", *FILTERED))
BY_STATE: Final = Index(
    name="by-state",
    hash_key="state",
    range_key="position",
    included=("definition", "version", "start_at", *FILTERED),
)
BY_TROUBLE: Final = Index(name="by-trouble", hash_key="troubled", range_key="position", included=("state", *FILTERED))
BY_FAILURE: Final = Index(
    name="by-failure", hash_key="fingerprint", range_key="position", included=("definition", "state", *FILTERED)
)
"""Only workflows with a fingerprint, which failed ones have."""

WORKFLOWS: Final = Table(
    suffix="workflows",
    hash_key="id",
    range_key="part",
    indexes=(BY_DEFINITION, BY_TIME, BY_STATE, BY_TROUBLE, BY_FAILURE),
    expires=True,
)

COORDINATION: Final = Table(suffix="coordination", hash_key="scope", range_key="entry", expires=True)
"""What replicas tell each other: which workflows are new, who leads."""

TABLES: Final = (DEFINITIONS, STATE_RESOURCES, WORKFLOWS, COORDINATION)


READY_SECONDS: Final = 600
CHECK_SECONDS: Final = 0.5
"""How long to wait for a table, and how often to look."""

MISSING: Final = "MISSING"

Sleep = Callable[[float], Awaitable[None]]


def table_name(prefix: str, table: Table) -> str:
    """Return the full name of a table."""
    return f"{prefix}-{table.suffix}"


@dataclass(frozen=True, slots=True)
class TableState:
    """The state of a table."""

    name: str
    status: str
    """As DynamoDB says it, or ``MISSING``; an index can be missing or not ready while the table is ``ACTIVE``."""
    items: int
    size_bytes: int
    """Both are counted by DynamoDB every six hours."""
    indexes: Mapping[str, str]
    """Name to status."""
    expires: bool | None
    """Whether DynamoDB removes expired items; None where the endpoint cannot tell."""
    recoverable: bool | None
    """Whether point-in-time recovery is on; None where the endpoint cannot tell."""


async def create_tables(client: "DynamoDBClient", prefix: str, *, sleep: Sleep = asyncio.sleep) -> Sequence[TableState]:
    """Make what is missing of the tables and indexes, and return once all can be used.

    Existing tables are kept; a second call changes nothing. Raises ``StartupError`` when a table of that name has other
    keys, or is not ready within ``READY_SECONDS``.
    """
    names = [table_name(prefix, table) for table in TABLES]
    await asyncio.gather(*(_ensure(client, name, table, sleep) for name, table in zip(names, TABLES, strict=True)))
    return await describe_tables(client, prefix)


async def describe_tables(client: "DynamoDBClient", prefix: str) -> Sequence[TableState]:
    """Return the state of each table."""
    return await asyncio.gather(*(_state(client, table_name(prefix, table), table) for table in TABLES))


def definition(name: str, table: Table) -> dict[str, Any]:
    """Return the parameters of CreateTable."""
    parameters: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(table),
        "AttributeDefinitions": [_attribute(key) for key in table.key_attributes],
    }
    if table.indexes:
        parameters["GlobalSecondaryIndexes"] = [_index(index) for index in table.indexes]
    return parameters


def _index(index: Index) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index),
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.included)},
    }


def _key_schema(keyed: Table | Index) -> list[dict[str, str]]:
    return [
        {"AttributeName": keyed.hash_key, "KeyType": "HASH"},
        {"AttributeName": keyed.range_key, "KeyType": "RANGE"},
    ]


def _attribute(key: str) -> dict[str, str]:
    return {"AttributeName": key, "AttributeType": "S"}


async def _ensure(client: "DynamoDBClient", name: str, table: Table, sleep: Sleep) -> None:
    if await _describe(client, name) is None:
        with suppress(errors.TableBusy):  # another process creates it at the same time
            await client.create_table(**definition(name, table))
    there = await _ready(client, name, sleep)
    if there["KeySchema"] != _key_schema(table):
        raise errors.StartupError(f"table {name} has other keys than workflow-manager needs; use another prefix")
    for index in table.indexes:
        if index.name not in _indexes(there):
            there = await _add_index(client, name, index, sleep)
    await _protect(client, name, sleep)
    if table.expires:
        await _let_expire(client, name)


async def _add_index(client: "DynamoDBClient", name: str, index: Index, sleep: Sleep) -> "TableDescriptionTypeDef":
    # DynamoDB takes one new index at a time.
    keys: Any = [_attribute(index.hash_key), _attribute(index.range_key)]
    updates: Any = [{"Create": _index(index)}]
    with suppress(errors.TableBusy):  # another process adds it at the same time
        await client.update_table(TableName=name, AttributeDefinitions=keys, GlobalSecondaryIndexUpdates=updates)
    return await _ready(client, name, sleep)


async def _ready(client: "DynamoDBClient", name: str, sleep: Sleep) -> "TableDescriptionTypeDef":
    for _ in range(int(READY_SECONDS / CHECK_SECONDS)):
        there = await _describe(client, name)
        if there is not None and {there["TableStatus"], *_indexes(there).values()} == {"ACTIVE"}:
            return there
        await sleep(CHECK_SECONDS)
    raise errors.StartupError(f"table {name} is not ready after {READY_SECONDS} s; run this again to go on waiting")


async def _protect(client: "DynamoDBClient", name: str, sleep: Sleep) -> None:
    """Switch on point-in-time recovery, where the endpoint knows it."""
    for _ in range(int(READY_SECONDS / CHECK_SECONDS)):
        try:
            if not await _recoverable(client, name):
                await client.update_continuous_backups(
                    TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
                )
        except errors.OperationUnknown:
            return
        except errors.TableBusy:  # backups of a new table are not ready at once
            await sleep(CHECK_SECONDS)
            continue
        return
    raise errors.StartupError(f"point-in-time recovery of table {name} cannot be switched on; run this again")


async def _let_expire(client: "DynamoDBClient", name: str) -> None:
    if await _expires(client, name):
        return
    try:
        await client.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRY}
        )
    except errors.RefusedByAWS:
        if not await _expires(client, name):  # else another process switched it on
            raise


async def _state(client: "DynamoDBClient", name: str, table: Table) -> TableState:
    there = await _describe(client, name)
    indexes = {index.name: MISSING for index in table.indexes}
    if there is None:
        return TableState(name, MISSING, 0, 0, indexes, expires=None, recoverable=None)
    try:
        recoverable = await _recoverable(client, name)
    except errors.OperationUnknown:
        recoverable = None
    return TableState(
        name,
        there["TableStatus"],
        there.get("ItemCount", 0),
        there.get("TableSizeBytes", 0),
        indexes | _indexes(there),
        expires=await _expires(client, name),
        recoverable=recoverable,
    )


async def _describe(client: "DynamoDBClient", name: str) -> "TableDescriptionTypeDef | None":
    try:
        return (await client.describe_table(TableName=name))["Table"]
    except errors.TableNotFound:
        return None


def _indexes(there: "TableDescriptionTypeDef") -> dict[str, str]:
    return {index["IndexName"]: index["IndexStatus"] for index in there.get("GlobalSecondaryIndexes", ())}


async def _recoverable(client: "DynamoDBClient", name: str) -> bool:
    answer = await client.describe_continuous_backups(TableName=name)
    recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return recovery.get("PointInTimeRecoveryStatus") == "ENABLED"


async def _expires(client: "DynamoDBClient", name: str) -> bool:
    answer = await client.describe_time_to_live(TableName=name)
    return answer["TimeToLiveDescription"].get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
