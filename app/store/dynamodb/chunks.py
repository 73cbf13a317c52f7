"""Payloads that are too large for the summary of their workflow: items of their own, never changed.

They are written before the summary names their generation and removed after it names another one, so a reader that
follows the summary finds one whole payload, or finds parts gone and reads the summary again.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from app.store import compression
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.items import AttributeValue, Edits, Item, expiry, text
from app.store.dynamodb.payloads import INLINE_BYTES
from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

log = structlog.get_logger(__name__)

LONGEST_RUN: Final = timedelta(days=2 * 366)
"""Parts of an active workflow may go after this and the retention. Step Functions ends a run after one year."""

PARTS_IN_REQUEST: Final = 2
"""More would make a request of over 1 MiB, which holds up the event loop while it is signed and sent."""

OFF_LOOP_BYTES: Final = 256 * 1024
"""Larger payloads are packed in a thread, so that the event loop goes on."""


class Generation(NamedTuple):
    """Names one writing of one payload."""

    workflow_id: str
    payload: str
    parts: str
    """Id of the write and number of parts, as the summary has it."""


class Parts:
    """Writes, reads and removes the parts of payloads."""

    def __init__(self, calls: Calls, *, table: str, retention: timedelta) -> None:
        self._calls = calls
        self._table = table
        self._retention = retention

    @property
    def _client(self) -> "DynamoDBClient":
        return self._calls.client

    async def store(
        self,
        workflow_id: str,
        raw: Mapping[str, bytes | None],
        *,
        write_id: str,
        expires_at: AttributeValue | None,
        now: datetime,
    ) -> Edits:
        """Write the parts of large payloads, and return what the summary is to say about all of them."""
        packed = {name: None if value is None else await _pack(value) for name, value in raw.items()}
        edits: Edits = {}
        requests: list[dict[str, Any]] = []
        for name, blob in packed.items():
            if blob is None or len(blob) <= INLINE_BYTES[name]:
                edits[name] = None if blob is None else {"B": blob}
                continue
            chunks = compression.cut(blob)
            generation = f"{write_id}#{len(chunks)}"
            edits[name] = text(generation)
            expires = expires_at or self.latest_expiry(now)
            for key, chunk in zip(keys([Generation(workflow_id, name, generation)]), chunks, strict=True):
                requests.append({"PutRequest": {"Item": {**key, "chunk": {"B": chunk}, "expires_at": expires}}})
        await self._calls.write_many(self._table, requests, batch=PARTS_IN_REQUEST)
        return edits

    def latest_expiry(self, now: datetime) -> AttributeValue:
        """Return when the parts of a workflow may go that is active now."""
        return expiry(now + LONGEST_RUN, self._retention)

    async def read(self, generations: Collection[Generation]) -> Mapping[Generation, bytes | ValueError]:
        """Return complete payloads, unpacked, or why one cannot be unpacked; incomplete ones are left out."""
        found = {
            (item["id"]["S"], item["part"]["S"]): item.get("chunk", {}).get("B")
            for item in await self._calls.get_many(self._table, keys(generations))
        }
        whole: dict[Generation, bytes | ValueError] = {}
        for generation in generations:
            chunks = [found.get((key["id"]["S"], key["part"]["S"])) for key in keys([generation])]
            if None not in chunks:
                try:
                    whole[generation] = await _unpack(b"".join(chunk for chunk in chunks if chunk is not None))
                except ValueError as damaged:
                    whole[generation] = damaged
        return whole

    async def remove(self, generations: Collection[Generation]) -> None:
        """Remove parts that nothing names any more; what cannot be removed now expires."""
        try:
            await self._calls.write_many(self._table, [{"DeleteRequest": {"Key": key}} for key in keys(generations)])
        except (errors.Unavailable, errors.AWSError) as failure:
            log.warning("old parts not removed; they expire later", action="remove-parts", error=failure.message)

    async def expire(self, generations: Collection[Generation], expires_at: AttributeValue) -> None:
        """Let parts expire with their workflow instead of at the latest possible time."""
        try:
            await asyncio.gather(*(self._expire(key, expires_at) for key in keys(generations)))
        except (errors.Unavailable, errors.AWSError) as failure:
            log.warning(
                "expiry of parts not set; they outlive their workflow", action="expire-parts", error=failure.message
            )

    async def _expire(self, key: Item, expires_at: AttributeValue) -> None:
        await self._client.update_item(
            TableName=self._table,
            Key=key,
            UpdateExpression="SET #expires_at = :expires_at",
            ConditionExpression="attribute_exists(#id)",
            ExpressionAttributeNames={"#expires_at": "expires_at", "#id": "id"},
            ExpressionAttributeValues={":expires_at": expires_at},
        )


def generations(workflow_id: str, detached: Mapping[str, str]) -> list[Generation]:
    """Return the generations that a summary names."""
    return [Generation(workflow_id, name, parts) for name, parts in detached.items()]


def keys(generations: Iterable[Generation]) -> Sequence[Item]:
    """Return the keys of all parts of some payloads, in their order."""
    return [
        {"id": text(workflow_id), "part": text(f"{name}#{write_id}#{index:04d}")}
        for workflow_id, name, generation in generations
        for write_id, _, count in (generation.partition("#"),)
        for index in range(int(count))
    ]


async def _pack(raw: bytes) -> bytes:
    if len(raw) > OFF_LOOP_BYTES:
        return await asyncio.to_thread(compression.pack, raw)
    return compression.pack(raw)


async def _unpack(packed: bytes) -> bytes:
    if len(packed) > OFF_LOOP_BYTES:
        return await asyncio.to_thread(compression.unpack, packed)
    return compression.unpack(packed)
