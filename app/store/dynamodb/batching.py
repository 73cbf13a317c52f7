"""Calls to DynamoDB that take several requests: batches, pages and repeated transactions."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.store.dynamodb.items import Item
from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

GET_BATCH: Final = 100
WRITE_BATCH: Final = 25
"""Most items of one BatchGetItem and BatchWriteItem."""

TRIES: Final = 8
FIRST_PAUSE_SECONDS: Final = 0.02
"""Each pause may be twice as long as the one before: eight tries last up to five seconds."""

PASSING: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Reasons of a cancelled transaction that say nothing about the items."""

T = TypeVar("T")


class Calls:
    """A client of DynamoDB, and how to repeat what it did only in part."""

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.client = client
        self._sleep = sleep
        self._jitter = jitter

    async def transact(self, actions: Sequence[Any]) -> None:
        """Write all or nothing. A retry of the SDK is harmless: it repeats the same token.

        Raises ``TransactionCancelled`` when a condition does not hold, ``Throttled`` when other transactions stay in
        the way.
        """
        async for _ in self._tries():
            try:
                await self.client.transact_write_items(TransactItems=actions)
            except errors.TransactionCancelled as cancelled:
                codes = {reason.code for reason in cancelled.reasons} - {"None"}
                if not codes <= PASSING:
                    raise
                continue
            return
        raise errors.Throttled("DynamoDB cancelled the transaction again and again; try again later")

    async def get_many(self, table: str, keys: Sequence[Item]) -> list[Item]:
        """Return the items that are there, in no order, each as the last write left it."""
        batches = await asyncio.gather(*(self._get_batch(table, batch) for batch in _batches(keys, GET_BATCH)))
        return [item for batch in batches for item in batch]

    async def write_many(self, table: str, requests: Sequence[Mapping[str, Any]], *, batch: int = WRITE_BATCH) -> None:
        """Put and delete items, ``batch`` with each request; each write is whole, but not all of them together."""
        await asyncio.gather(*(self._write_batch(table, some) for some in _batches(requests, batch)))

    async def query(self, **parameters: Any) -> AsyncIterator[Mapping[str, Any]]:
        """Return the answers of a query, page after page."""
        while True:
            answer: Mapping[str, Any] = await self.client.query(**parameters)
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def _get_batch(self, table: str, keys: Sequence[Item]) -> list[Item]:
        found: list[Any] = []
        wanted: Any = {table: {"Keys": keys, "ConsistentRead": True}}
        async for _ in self._tries():
            answer = await self.client.batch_get_item(RequestItems=wanted)
            found += answer["Responses"].get(table, [])
            wanted = answer["UnprocessedKeys"]
            if not wanted:
                return found
        raise errors.Throttled

    async def _write_batch(self, table: str, requests: Sequence[Mapping[str, Any]]) -> None:
        wanted: Any = {table: requests}
        async for _ in self._tries():
            answer = await self.client.batch_write_item(RequestItems=wanted)
            wanted = answer["UnprocessedItems"]
            if not wanted:
                return
        raise errors.Throttled

    async def _tries(self) -> AsyncIterator[None]:
        for attempt in range(TRIES):
            if attempt:
                await self._sleep(FIRST_PAUSE_SECONDS * 2**attempt * self._jitter())
            yield


def _batches(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (things[start : start + size] for start in range(0, len(things), size))
