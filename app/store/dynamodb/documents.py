"""Small versioned documents in DynamoDB: one partition, so that those with a common prefix can be listed."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.store import compression
from app.store.documents import Document, DocumentStore
from app.store.dynamodb import expressions as updates
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.items import AttributeValue, Item, number, sendable, text
from app.store.unreadable import BROKEN, reason
from workflow_manager import errors

SCOPE: Final = "documents"

UNKNOWN_REVISION: Final = -1
"""Stands for the revision of a document that has none."""


class DynamoDBDocuments(DocumentStore):
    """Keeps documents in the table that replicas tell each other things with."""

    def __init__(self, calls: Calls, *, table: str, new_write_id: Callable[[], str]) -> None:
        self._calls = calls
        self._table = table
        self._new_write_id = new_write_id

    async def get_document(self, key: str) -> Document | None:
        if not sendable(key):
            return None
        answer = await self._calls.client.get_item(TableName=self._table, Key=_key(key), ConsistentRead=True)
        return _read(answer["Item"]) if "Item" in answer else None

    async def put_document(
        self, key: str, body: Mapping[str, Any], *, revision: int, raises: str | None = None
    ) -> Document:
        document = Document(key, max(1, revision + 1), body)
        write_id = self._new_write_id()
        item = {
            **_key(key),
            "revision": number(document.revision),
            "write_id": text(write_id),
            "body": {"B": compression.pack(json.dumps(body, separators=(",", ":")).encode())},
        }
        put: dict[str, Any] = {"TableName": self._table, "Item": item, **_at(revision), **updates.SHOW_FOUND}
        try:
            if raises is None:
                await self._calls.client.put_item(**put)
            else:
                await self._calls.transact([{"Put": put}, self._raise(raises)])
        except errors.ConditionFailed as failure:
            if updates.write_id(failure.found) != write_id:
                raise _changed(key) from failure
        except errors.TransactionCancelled as cancelled:
            if updates.write_id(cancelled.reasons[0].found) != write_id:
                raise _changed(key) from cancelled
        except errors.TransactionConflict as conflict:
            raise _changed(key) from conflict
        return document

    async def delete_document(self, key: str, *, revision: int, raises: str | None = None) -> None:
        delete: dict[str, Any] = {"TableName": self._table, "Key": _key(key), **_at(revision)}
        try:
            if raises is None:
                await self._calls.client.delete_item(**delete)
            else:
                await self._calls.transact([{"Delete": delete}, self._raise(raises)])
        except (errors.ConditionFailed, errors.TransactionCancelled, errors.TransactionConflict) as failure:
            raise _changed(key) from failure

    def _raise(self, key: str) -> Any:
        """Return the action that raises the revision of a document, and makes it if there is none."""
        edits = "SET #revision = if_not_exists(#revision, :none) + :one, #write_id = :write_id, #body = :body"
        return {
            "Update": {
                "TableName": self._table,
                "Key": _key(key),
                "UpdateExpression": edits,
                "ExpressionAttributeNames": {"#revision": "revision", "#write_id": "write_id", "#body": "body"},
                "ExpressionAttributeValues": {
                    ":none": number(0),
                    ":one": number(1),
                    ":write_id": text(self._new_write_id()),
                    ":body": {"B": compression.pack(b"{}")},
                },
            }
        }

    async def list_documents(self, prefix: str) -> list[Document]:
        pages = self._calls.query(
            TableName=self._table,
            KeyConditionExpression="#scope = :scope AND begins_with(#entry, :prefix)",
            ExpressionAttributeNames={"#scope": "scope", "#entry": "entry"},
            ExpressionAttributeValues={":scope": text(SCOPE), ":prefix": text(prefix)},
            ConsistentRead=True,
        )
        return [_read(item) async for page in pages for item in page["Items"]]


def _at(revision: int) -> dict[str, Any]:
    if revision == UNKNOWN_REVISION:
        return {
            "ConditionExpression": (
                "attribute_exists(#entry) AND (NOT attribute_type(#revision, :number) OR #revision < :first)"
            ),
            "ExpressionAttributeNames": {"#entry": "entry", "#revision": "revision"},
            "ExpressionAttributeValues": {":number": text("N"), ":first": number(1)},
        }
    if revision == 0:
        return {"ConditionExpression": "attribute_not_exists(#entry)", "ExpressionAttributeNames": {"#entry": "entry"}}
    return {
        "ConditionExpression": "#revision = :revision",
        "ExpressionAttributeNames": {"#revision": "revision"},
        "ExpressionAttributeValues": {":revision": number(revision)},
    }


def _key(key: str) -> Item:
    return {"scope": text(SCOPE), "entry": text(key)}


def _changed(key: str) -> errors.VersionConflict:
    return errors.VersionConflict(f"document {key!r} has changed in the meantime")


def _revision(digits: str) -> int:
    revision = int(digits)
    if revision < 1:
        raise ValueError(f"its revision is {revision}")
    return revision


def _read(item: Mapping[str, AttributeValue]) -> Document:
    key, revision = item["entry"]["S"], UNKNOWN_REVISION
    try:
        revision = _revision(item["revision"]["N"])
        body = json.loads(compression.unpack(item["body"]["B"]))
        if not isinstance(body, dict):
            raise TypeError("its body is no JSON object")
    except BROKEN as broken:
        return Document(key, revision, {}, unreadable=reason(broken))
    return Document(key, revision, body)
