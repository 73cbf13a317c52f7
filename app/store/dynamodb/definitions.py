"""Workflow definitions in DynamoDB.

A version is one item, or several when it is large, under ``versions#NAME``. The number of the latest version of every
name is an item under ``latest``: that one partition is the list of names. What a summary shows of a version is a small
item under ``headers#NAME``.
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeAlias

from app.store import compression, paging
from app.store.base import DefinitionPage, DefinitionStore, header
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.cache import SharedDefinitions, starting_at
from app.store.dynamodb.items import (
    AttributeValue,
    DefinitionKey,
    Item,
    definition_placeholder,
    milliseconds,
    moment,
    number,
    sendable,
    text,
)
from app.store.unreadable import BROKEN, UnreadableRecords, reason
from app.store.weights import Scale, held_bytes
from workflow_manager import errors
from workflow_manager.models import Manager, WorkflowDefinition

VersionKey: TypeAlias = tuple[str, int]

MAX_VERSION: Final = 10**16 - 1
"""Room for versions in the sort key, which is as wide as this."""

UNKNOWN_VERSION: Final = -1
MISSING: Final = "this version is missing"

READ_AT_ONCE: Final = 8
"""Versions that a page reads before it looks at its size; each has a megabyte at most."""

MAX_HEADERS: Final = 5_000
"""Versions without their state machines that are kept in memory."""

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
        cache: SharedDefinitions,
        new_write_id: Callable[[], str],
        unreadable: UnreadableRecords,
    ) -> None:
        self._calls = calls
        self._table = table
        self._cache = cache
        self._new_write_id = new_write_id
        self._unreadable = unreadable
        self._headers: dict[DefinitionKey, WorkflowDefinition] = {}

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

    async def list_definitions(
        self,
        name: str | None = None,
        *,
        oldest_first: bool = False,
        limit: int | None = None,
        page_token: str | None = None,
        max_bytes: int | None = None,
        summaries: bool = False,
    ) -> DefinitionPage:
        if name is None:
            keys = await self._latest_keys(page_token)
        else:
            keys = await self._version_keys(name, page_token, oldest_first=oldest_first)
        scale, size = Scale(), 0
        shown: list[WorkflowDefinition] = []
        group = len(keys) if max_bytes is None else READ_AT_ONCE
        most = len(keys) if limit is None else min(limit, len(keys))
        while len(shown) < most and (max_bytes is None or size < max_bytes):
            some = keys[len(shown) : min(len(shown) + group, most)]
            found = await (self.headers(some) if summaries else self.find(some))
            shown += [found[key] for key in some]
            size += sum(scale.definition(found[key]) for key in some) if max_bytes is not None else 0
        if len(shown) == len(keys):
            return DefinitionPage(shown, None)
        return DefinitionPage(shown, paging.encode_key(shown[-1].name if name is None else shown[-1].version))

    async def _version_keys(self, name: str, page_token: str | None, *, oldest_first: bool) -> list[DefinitionKey]:
        latest = await self._latest_version(name)
        after = paging.decode_key(page_token, int) if page_token else None
        if oldest_first:
            versions = range(0 if after is None else max(0, after + 1), latest + 1)
        else:
            versions = range(latest if after is None else min(latest, after - 1), -1, -1)
        return [DefinitionKey(name, version, None) for version in versions]

    async def _latest_keys(self, page_token: str | None) -> list[DefinitionKey]:
        after = paging.decode_key(page_token, str) if page_token else ""
        pages = self._calls.query(
            TableName=self._table,
            KeyConditionExpression="#scope = :latest",
            ExpressionAttributeNames={"#scope": "scope"},
            ExpressionAttributeValues={":latest": text("latest")},
            ConsistentRead=True,
        )
        entries = [(item["entry"]["S"], _version_number(item)) async for page in pages for item in page["Items"]]
        return [DefinitionKey(name, version, None) for name, version in entries if name > after]

    async def headers(self, keys: Collection[DefinitionKey]) -> Mapping[DefinitionKey, WorkflowDefinition]:
        """Return definition versions without their state machines, which are not read.

        Versions written by an earlier release have no header, and are read as a whole, once.
        """
        wanted = {key._replace(start_at=None) for key in keys}
        unknown = [key for key in wanted if key not in self._headers]
        items = [_header_key(key) for key in unknown if sendable(key.name) and 0 <= key.version <= MAX_VERSION]
        found = {key: self._headers[key] for key in wanted if key in self._headers}
        for item in await self._calls.get_many(self._table, items):
            try:
                definition = _read(json.loads(compression.unpack(item["header"]["B"])))
            except BROKEN:
                continue
            found[DefinitionKey(definition.name, definition.version, None)] = definition
        whole = await self.find([key for key in unknown if key not in found])
        found |= {key: header(definition) for key, definition in whole.items()}
        for key in unknown:
            if found[key].unreadable is None:
                self._headers[key] = found[key]
        while len(self._headers) > MAX_HEADERS:
            del self._headers[next(iter(self._headers))]
        return {key: found[key._replace(start_at=None)] for key in keys}

    async def find(self, keys: Collection[DefinitionKey]) -> Mapping[DefinitionKey, WorkflowDefinition]:
        """Return definition versions as workflows name them.

        A missing or unreadable version is replaced by a placeholder, whose ``unreadable`` says why.
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
            raw = compression.unpack(
                b"".join(chunks[key["scope"]["S"], key["entry"]["S"]]["chunk"]["B"] for key in keys)
            )
            definition = _read(json.loads(raw))
        except BROKEN as broken:
            return definition_placeholder(DefinitionKey(name, version, None), reason(broken))
        self._cache.put(definition, size=held_bytes(raw))
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
        chunks = compression.cut(compression.pack(json.dumps(_dump(definition), separators=(",", ":")).encode()))
        items: list[Item] = [
            {**_key(definition.name, definition.version, chunk=index), "chunk": {"B": chunk}}
            for index, chunk in enumerate(chunks)
        ]
        items[0] |= {
            "version": number(definition.version),
            "chunks": number(len(chunks)),
            "write_id": text(write_id),
        }
        small = json.dumps(_dump(header(definition)), separators=(",", ":")).encode()
        key = DefinitionKey(definition.name, definition.version, None)
        items.append({**_header_key(key), "header": {"B": compression.pack(small)}})
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


def _header_key(key: DefinitionKey) -> Item:
    return {"scope": text(f"headers#{key.name}"), "entry": text(f"{key.version:016d}")}


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
