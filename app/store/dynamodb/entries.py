"""Entries in DynamoDB: a partition for each scope, in the table that replicas tell each other things with."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.store import compression
from app.store.dynamodb import expressions as updates
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.items import AttributeValue, Item, expired, number, sendable, text
from app.store.entries import Entry, EntryStore
from app.store.unreadable import BROKEN, reason
from workflow_manager import errors

ALIVE = "#expires_at > :now"
ABSENT = "attribute_not_exists(#entry) OR #expires_at <= :now"


class DynamoDBEntries(EntryStore):
    """Entries in the coordination table; an expired entry counts as gone before DynamoDB removes it."""

    def __init__(
        self, calls: Calls, *, table: str, now: Callable[[], datetime], new_write_id: Callable[[], str]
    ) -> None:
        self._calls = calls
        self._table = table
        self._now = now
        self._new_write_id = new_write_id

    async def add_entry(self, scope: str, key: str, body: Mapping[str, Any], *, expires: datetime) -> bool:
        write_id = self._new_write_id()
        item = {
            **_key(scope, key),
            "revision": number(1),
            "write_id": text(write_id),
            "expires_at": number(int(expires.timestamp())),
            "body": _packed(body),
        }
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": ABSENT,
            "ExpressionAttributeNames": {"#entry": "entry", "#expires_at": "expires_at"},
            "ExpressionAttributeValues": {":now": self._seconds()},
            **updates.SHOW_FOUND,
        }
        try:
            await self._calls.client.put_item(**put)
        except errors.ConditionFailed as taken:
            return updates.write_id(taken.found) == write_id
        return True

    async def get_entry(self, scope: str, key: str) -> Entry | None:
        if not (sendable(scope) and sendable(key)):
            return None
        answer = await self._calls.client.get_item(TableName=self._table, Key=_key(scope, key), ConsistentRead=True)
        found: Item | None = answer.get("Item")  # type: ignore[assignment]  # less exact
        return None if found is None or expired(found, self._now()) else _read(found)

    async def list_entries(
        self, scope: str, *, limit: int, after: str | None = None, newest_first: bool = False
    ) -> Sequence[Entry]:
        if not sendable(scope):
            return []
        names = {"#scope": "scope", "#expires_at": "expires_at"}
        values: dict[str, AttributeValue] = {":scope": text(_partition(scope)), ":now": self._seconds()}
        condition = "#scope = :scope"
        if after is not None:
            condition += f" AND #entry {'<' if newest_first else '>'} :after"
            names["#entry"], values[":after"] = "entry", text(after)
        pages = self._calls.query(
            TableName=self._table,
            KeyConditionExpression=condition,
            FilterExpression=ALIVE,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
            Limit=limit,
        )
        found: list[Entry] = []
        async for page in pages:
            found += map(_read, page["Items"])
            if len(found) >= limit:
                break
        return found[:limit]

    async def update_entry(
        self, scope: str, key: str, body: Mapping[str, Any], *, revision: int, expires: datetime | None = None
    ) -> Entry:
        write_id = self._new_write_id()
        names = {"#revision": "revision", "#write_id": "write_id", "#body": "body", "#expires_at": "expires_at"}
        values = {
            ":at_revision": number(revision),
            ":revision": number(revision + 1),
            ":write_id": text(write_id),
            ":body": _packed(body),
            ":now": self._seconds(),
        }
        edits = "SET #revision = :revision, #write_id = :write_id, #body = :body"
        if expires is not None:
            edits += ", #expires_at = :expires"
            values[":expires"] = number(int(expires.timestamp()))
        change: dict[str, Any] = {
            "TableName": self._table,
            "Key": _key(scope, key),
            "UpdateExpression": edits,
            "ConditionExpression": f"#revision = :at_revision AND {ALIVE}",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ReturnValues": "ALL_NEW",
            **updates.SHOW_FOUND,
        }
        try:
            answer = await self._calls.client.update_item(**change)
        except errors.ConditionFailed as failure:
            if failure.found is None or updates.write_id(failure.found) != write_id:
                raise errors.VersionConflict(f"entry {key!r} has changed in the meantime") from failure
            return _read(failure.found)
        return _read(answer["Attributes"])

    async def remove_entry(self, scope: str, key: str) -> None:
        await self._calls.client.delete_item(TableName=self._table, Key=_key(scope, key))

    def _seconds(self) -> AttributeValue:
        return number(int(self._now().timestamp()))


def _partition(scope: str) -> str:
    return f"entries#{scope}"


def _key(scope: str, key: str) -> Item:
    return {"scope": text(_partition(scope)), "entry": text(key)}


def _packed(body: Mapping[str, Any]) -> AttributeValue:
    return {"B": compression.pack(json.dumps(body, separators=(",", ":")).encode())}


def _read(item: Mapping[str, AttributeValue]) -> Entry:
    scope, key = item["scope"]["S"].removeprefix(_partition("")), item["entry"]["S"]
    expires = datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC)
    try:
        revision = int(item["revision"]["N"])
        body = json.loads(compression.unpack(item["body"]["B"]))
        if not isinstance(body, dict):
            raise TypeError("its body is no JSON object")
    except BROKEN as broken:
        return Entry(scope, key, 0, {}, expires, unreadable=reason(broken))
    return Entry(scope, key, revision, body, expires)
