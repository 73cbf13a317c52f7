"""Workflow definitions in DynamoDB.

A version is one item, or several when it is large, under ``versions#NAME``. The number of the latest version of every
name is an item under ``latest``: that one partition is the list of names.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

from app import errors
from app.models import Manager, WorkflowDefinition
from app.store import packing
from app.store.base import DefinitionStore
from app.store.dynamodb_cache import DefinitionCache, starting_at
from app.store.dynamodb_calls import Calls
from app.store.dynamodb_keys import sendable
from app.store.items import (
    AttributeValue,
    DefinitionKey,
    Item,
    definition_placeholder,
    milliseconds,
    moment,
    number,
    text,
)
from app.store.unreadable import BROKEN, UnreadableRecords, reason

VersionKey: TypeAlias = tuple[str, int]

MAX_VERSION: Final = 10**16 - 1
"""Room for versions in the sort key, which is as wide as this."""

UNKNOWN_VERSION: Final = -1
MISSING: Final = "this version is missing"

MAX_CHUNKS: Final = 100
"""More than any definition has: one of a megabyte has three."""

IS_NEW: Final = "attribute_not_exists(#entry)"
IS_NEXT: Final = "#version = :before"


class DynamoDBDefinitions(DefinitionStore):
    """Keeps definition versions; those used last are kept in memory as well, as they never change."""

    def __init__(
        self,
        calls: Calls,
        *,
        table: str,
        cache: DefinitionCache,
        new_write_id: Callable[[], str],
        unreadable: UnreadableRecords,
    ) -> None:
        self._calls = calls
        self._table = table
        self._cache = cache
        self._new_write_id = new_write_id
        self._unreadable = unreadable

    async def create_definition(self, definition: WorkflowDefinition) -> None:
        name, write_id = definition.name, self._new_write_id()
        try:
            await self._calls.transact([self._latest(definition, IS_NEW), *self._version(definition, write_id)])
        except errors.TransactionCancelled as taken:
            if await self._was_written(definition, write_id):
                return
            raise errors.DefinitionExists(f"workflow definition {name!r} exists; update it to add a version") from taken

    async def add_definition_version(self, definition: WorkflowDefinition) -> None:
        if not sendable(definition.name):
            raise _no_definition(definition.name)
        write_id = self._new_write_id()
        try:
            await self._calls.transact([self._latest(definition, IS_NEXT), *self._version(definition, write_id)])
        except errors.TransactionCancelled as lost:
            await self._latest_version(definition.name)
            if await self._was_written(definition, write_id):
                return
            raise errors.VersionConflict(
                f"version {definition.version} of {definition.name!r} is not the next one"
            ) from lost

    async def get_definition(self, name: str, *, version: int | None = None) -> WorkflowDefinition:
        key = DefinitionKey(name, await self._latest_version(name) if version is None else version, None)
        definition = (await self._find([key]))[key]
        if definition.unreadable == MISSING and version is not None:
            raise errors.DefinitionNotFound(f"workflow definition {name!r} has no version {version}")
        if definition.unreadable is not None:
            self._note(key, definition.unreadable)
            raise unreadable_definition(definition)
        return definition

    async def list_definition_versions(self, name: str) -> Sequence[WorkflowDefinition]:
        latest = await self._latest_version(name)
        keys = [DefinitionKey(name, version, None) for version in range(latest, -1, -1)]
        found = await self.find(keys)
        return [found[key] for key in keys]

    async def list_latest_definitions(self) -> Sequence[WorkflowDefinition]:
        keys = []
        async for page in self._calls.query(
            TableName=self._table,
            KeyConditionExpression="#scope = :latest",
            ExpressionAttributeNames={"#scope": "scope"},
            ExpressionAttributeValues={":latest": text("latest")},
            ConsistentRead=True,
        ):
            keys += [DefinitionKey(item["entry"]["S"], _version_number(item), None) for item in page["Items"]]
        found = await self.find(keys)
        return [found[key] for key in keys]

    async def find(self, keys: Collection[DefinitionKey]) -> Mapping[DefinitionKey, WorkflowDefinition]:
        """Return definition versions as workflows name them.

        In the place of one that is missing or cannot be read stands a placeholder, whose ``unreadable`` says why.
        """
        found = await self._find(keys)
        for key, definition in found.items():
            if definition.unreadable is not None:
                self._note(key, definition.unreadable)
        return found

    async def _find(self, keys: Collection[DefinitionKey]) -> Mapping[DefinitionKey, WorkflowDefinition]:
        found = {key: self._cached(key) for key in keys}
        missing = [key for key, definition in found.items() if definition is None]
        loaded = await self._load({(key.name, key.version) for key in missing}) if missing else {}
        for key in missing:
            definition = loaded.get((key.name, key.version)) or definition_placeholder(key, MISSING)
            found[key] = definition if definition.unreadable else self._cached(key) or _cut(definition, key)
        return {key: definition for key, definition in found.items() if definition is not None}

    def _cached(self, key: DefinitionKey) -> WorkflowDefinition | None:
        try:
            return self._cache.get(key)
        except (*BROKEN, errors.InvalidRequest) as broken:
            return definition_placeholder(key, reason(broken))

    def _note(self, key: DefinitionKey, why: str) -> None:
        self._unreadable.note("definition", f"{key.name}:{key.version}", why)

    async def _was_written(self, definition: WorkflowDefinition, write_id: str) -> bool:
        """Tell whether a write happened although its repetition was refused, because the first answer was lost."""
        heads = await self._calls.get_many(self._table, [_key(definition.name, definition.version, chunk=0)])
        return any(head["write_id"]["S"] == write_id for head in heads)

    async def _latest_version(self, name: str) -> int:
        if not sendable(name):
            raise _no_definition(name)
        answer = await self._calls.client.get_item(
            TableName=self._table, Key={"scope": text("latest"), "entry": text(name)}, ConsistentRead=True
        )
        if "Item" not in answer:
            raise _no_definition(name)
        return _version_number(answer["Item"])

    async def _load(self, versions: Collection[VersionKey]) -> Mapping[VersionKey, WorkflowDefinition]:
        wanted = [version for version in versions if sendable(version[0]) and 0 <= version[1] <= MAX_VERSION]
        heads = await self._calls.get_many(self._table, [_key(*version, chunk=0) for version in wanted])
        more = [key for head in heads for key in _further_chunks(head)]
        items = [*heads, *(await self._calls.get_many(self._table, more))]
        chunks = {(item["scope"]["S"], item["entry"]["S"]): item for item in items}
        return {_version_of(head): self._unpack(head, chunks) for head in heads}

    def _unpack(self, head: Item, chunks: Mapping[tuple[str, str], Item]) -> WorkflowDefinition:
        name, version = _version_of(head)
        try:
            keys = [head, *_further_chunks(head)]
            raw = packing.unpack(b"".join(chunks[key["scope"]["S"], key["entry"]["S"]]["chunk"]["B"] for key in keys))
            definition = _read(json.loads(raw))
        except BROKEN as broken:
            return definition_placeholder(DefinitionKey(name, version, None), reason(broken))
        self._cache.put(definition, size=len(raw))
        return definition

    def _latest(self, definition: WorkflowDefinition, condition: str) -> dict[str, Any]:
        item = {"scope": text("latest"), "entry": text(definition.name), "version": number(definition.version)}
        put = {"TableName": self._table, "Item": item, "ConditionExpression": condition}
        if condition == IS_NEW:
            return {"Put": put | {"ExpressionAttributeNames": {"#entry": "entry"}}}
        values = {":before": number(definition.version - 1)}
        names = {"#version": "version"}
        return {"Put": put | {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}}

    def _version(self, definition: WorkflowDefinition, write_id: str) -> list[dict[str, Any]]:
        chunks = packing.cut(packing.pack(json.dumps(_dump(definition), separators=(",", ":")).encode()))
        items: list[Item] = [
            {**_key(definition.name, definition.version, chunk=index), "chunk": {"B": chunk}}
            for index, chunk in enumerate(chunks)
        ]
        items[0] |= {
            "version": number(definition.version),
            "chunks": number(len(chunks)),
            "write_id": text(write_id),
        }
        condition = {"ConditionExpression": IS_NEW, "ExpressionAttributeNames": {"#entry": "entry"}}
        return [{"Put": {"TableName": self._table, "Item": item, **condition}} for item in items]


def unreadable_definition(definition: WorkflowDefinition) -> errors.RecordUnreadable:
    """Return the error that says so."""
    return errors.RecordUnreadable(
        f"version {definition.version} of workflow definition {definition.name!r} cannot be read "
        f"({definition.unreadable}); perhaps a later version of the service wrote it",
        placeholder=definition,
    )


def _cut(definition: WorkflowDefinition, key: DefinitionKey) -> WorkflowDefinition:
    try:
        return starting_at(definition, key.start_at)
    except (*BROKEN, errors.InvalidRequest) as broken:
        return definition_placeholder(key, reason(broken))


def _version_number(item: Mapping[str, AttributeValue]) -> int:
    """Return the version that an entry of the list of names holds; a damaged one names a version that is not there."""
    try:
        return int(item["version"]["N"])
    except BROKEN:
        return UNKNOWN_VERSION


def _version_of(head: Item) -> VersionKey:
    """Return which version a first chunk is of, by its key."""
    return head["scope"]["S"].partition("#")[2], int(head["entry"]["S"].partition("#")[0])


def _further_chunks(head: Item) -> list[Item]:
    """Return the keys of all chunks after the first; none when it does not tell how many there are."""
    try:
        count = min(int(head["chunks"]["N"]), MAX_CHUNKS)
    except BROKEN:
        count = 0
    return [{"scope": head["scope"], "entry": _entry(_version_of(head)[1], chunk)} for chunk in range(1, count)]


def _key(name: str, version: int, *, chunk: int) -> Item:
    return {"scope": text(f"versions#{name}"), "entry": _entry(version, chunk)}


def _entry(version: int, chunk: int) -> AttributeValue:
    return text(f"{version:016d}#{chunk:04d}")


def _dump(definition: WorkflowDefinition) -> dict[str, Any]:
    # With the parser of the standard library, because that of pydantic refuses what is nested deeply.
    values = {**dict(definition), "created_at": milliseconds(definition.created_at)}
    del values["unreadable"]
    return values


def _read(values: dict[str, Any]) -> WorkflowDefinition:
    created_at, manager = moment(values.pop("created_at")), Manager(values.pop("manager"))
    return WorkflowDefinition(**values, created_at=created_at, manager=manager)


def _no_definition(name: str) -> errors.DefinitionNotFound:
    return errors.DefinitionNotFound(f"there is no workflow definition {name!r}")
