"""Positions of workflows from several partitions, merged in order and read no further than needed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from app.store.dynamodb.batching import Calls
from app.store.dynamodb.items import POSITION, position_id
from app.store.dynamodb.query_plan import Range
from app.store.unreadable import UnreadableRecords

QUERY_ENTRIES: Final = 1_000
"""Most entries that one query reads."""


class ReadBudget:
    """Counts the entries that the streams of one page read."""

    def __init__(self, entries: int) -> None:
        self._left = entries

    @property
    def spent(self) -> bool:
        """Whether nothing more should be read."""
        return self._left <= 0

    def spend(self, entries: int) -> None:
        """Note that entries were read."""
        self._left -= entries


class Stream:
    """The positions of one partition in order; the deeper it is read, the more each query fetches."""

    def __init__(
        self,
        calls: Calls,
        query: dict[str, Any],
        *,
        key: str,
        after: str | None,
        first_entries: int,
        budget: ReadBudget,
        id_prefix: str = "",
        unreadable: UnreadableRecords,
    ) -> None:
        self._calls = calls
        self._query = query
        self._key = key
        self._after = after
        self._entries = first_entries
        self._budget = budget
        self._id_prefix = id_prefix
        self._unreadable = unreadable
        self._positions: deque[str] = deque()
        self._exhausted = False
        self._reached: str | None = None

    @property
    def stopped_at(self) -> str | None:
        """The position up to which it was read, when the budget let it go no further."""
        return None if self._positions or self._exhausted else self._reached

    async def head(self) -> str | None:
        """Return the next position without taking it; None at the end or when the budget is spent."""
        while not self._positions and not self._exhausted and not (self._budget.spent and self._reached):
            await self._read()
        return self._positions[0] if self._positions else None

    def take(self) -> None:
        """Go on to the position after the head."""
        self._positions.popleft()

    async def _read(self) -> None:
        page: Any = await self._calls.client.query(**self._query, Limit=min(self._entries, QUERY_ENTRIES))
        self._budget.spend(page["ScannedCount"])
        self._entries *= 2
        places = (item[self._key]["S"] for item in page["Items"])
        self._positions.extend(place for place in places if place != self._after and self._fits(place))
        if last := page.get("LastEvaluatedKey"):
            self._query["ExclusiveStartKey"] = last
            place = last[self._key]["S"]
            self._reached = place if POSITION.fullmatch(place) else self._reached or place
        else:
            self._exhausted = True

    def _fits(self, place: str) -> bool:
        if not POSITION.fullmatch(place):
            self._unreadable.note("index entry", place, "it is no position")
            return False
        return not self._id_prefix or position_id(place).startswith(self._id_prefix)


class Merge:
    """The positions of several streams as one, each once."""

    def __init__(self, streams: Sequence[Stream], span: Range) -> None:
        self._streams = streams
        self._first = min if span.oldest_first else max

    @property
    def stopped_at(self) -> str | None:
        """The position up to which all was seen, when the budget ended before the streams did."""
        stops = [stop for stream in self._streams if (stop := stream.stopped_at) is not None]
        return self._first(stops) if stops else None

    async def take(self, count: int) -> list[str]:
        """Return the next positions, at most ``count``; none when there are no more or the budget is spent."""
        return [place async for place in self._take(count)]

    async def _take(self, count: int) -> AsyncIterator[str]:
        await asyncio.gather(*(stream.head() for stream in self._streams))
        for _ in range(count):
            heads = [await stream.head() for stream in self._streams]
            places = [head for head in heads if head is not None]
            if not places:
                return
            place = self._first(places)
            stop = self.stopped_at
            if stop is not None and self._first(place, stop) != place:
                return
            for stream, head in zip(self._streams, heads, strict=True):
                if head == place:
                    stream.take()
            yield place
