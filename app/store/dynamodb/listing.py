"""Listing workflows: their positions from the indexes, then the workflows themselves as the last write left them."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from app.store import paging
from app.store.base import ActivePage, Page, WorkflowQuery
from app.store.dynamodb import recent
from app.store.dynamodb.batching import GET_BATCH, Calls
from app.store.dynamodb.items import PENDING, SHARDS, position, read_position, sendable, text
from app.store.dynamodb.query_plan import (
    Partition,
    Range,
    active_partitions,
    deferred_partitions,
    filter_expression,
    partitions,
)
from app.store.dynamodb.reader import Reader
from app.store.dynamodb.streams import QUERY_ENTRIES, Merge, ReadBudget, Stream
from app.store.tables import BY_DEFINITION
from app.store.unreadable import UnreadableRecords
from workflow_manager.models import Workflow

MAX_ENTRIES: Final = 10_000
ENTRIES_FOR_ROW: Final = 3
"""A page reads no more entries of indexes than the larger of both; then it ends, however few workflows it has found."""

SPARE_ENTRIES: Final = 4
"""Entries that a shard gives beyond its share, so that shards that are not quite even need no second query."""

OLDEST_FIRST: Final = WorkflowQuery(oldest_first=True)


class Listing:
    """Answers queries from the indexes.

    The indexes only say where to look: every workflow is then read from the table, and judged by what it is now.
    """

    def __init__(
        self,
        calls: Calls,
        *,
        workflows: str,
        coordination: str,
        reader: Reader,
        now: Callable[[], datetime],
        unreadable: UnreadableRecords,
    ) -> None:
        self._calls = calls
        self._workflows = workflows
        self._coordination = coordination
        self._reader = reader
        self._now = now
        self._unreadable = unreadable

    async def workflows(
        self,
        query: WorkflowQuery,
        *,
        limit: int,
        page_token: str | None,
        summaries: bool,
        inputs: bool,
        max_bytes: int | None,
    ) -> Page:
        """Return a page of a listing as the contract says."""
        span = Range.of(query, paging.decode(page_token) if page_token else None)
        keys = (query.definition_name, query.fingerprint)
        if span.empty or any(key is not None and not sendable(key) for key in keys):
            return Page([], None)
        merge = Merge(self._streams(partitions(query), query, span, limit), span)
        found: list[Workflow] = []
        seen = 0
        left = max_bytes
        while len(found) <= limit:
            places = await merge.take(_batch(limit + 1 - len(found), seen=seen, found=len(found)))
            if not places:
                stop = merge.stopped_at
                return Page(found, _token(stop, query, found) if stop else None)
            read = await self._reader.find(
                places, summaries=summaries, inputs=inputs, placeholders=True, max_bytes=left
            )
            found += (workflow for workflow in read.workflows.values() if query.matches(workflow))
            seen += len(places)
            if left is not None and (left := left - read.size) <= 0:
                return self._ended(query, found, limit, reached=read.reached or places[-1])
        return self._ended(query, found, limit, reached=places[-1])

    def _ended(self, query: WorkflowQuery, found: Sequence[Workflow], limit: int, *, reached: str) -> Page:
        """Return a page that has no room for more; it was read up to a position."""
        if len(found) <= limit:
            return Page(found, _token(reached, query, found))
        last = found[limit - 1]
        return Page(found[:limit], paging.encode(paging.Position(last.created_at, last.id)))

    async def active(self, *, limit: int, page_token: str | None, known: Container[str]) -> ActivePage:
        """Return a page of the active workflows as the contract says."""
        span = Range.of(OLDEST_FIRST, paging.decode(page_token) if page_token else None)
        merge = Merge(self._streams(active_partitions(), OLDEST_FIRST, span, limit), span)
        places = await merge.take(limit + 1)
        more = len(places) > limit or merge.stopped_at is not None
        page = {place: read_position(place) for place in places[:limit]}
        unknown = [place for place, found in page.items() if found.workflow_id not in known]
        present = await self._present(unknown, _is_active)
        ids = [found.workflow_id for place, found in page.items() if found.workflow_id in known or place in present]
        last = page[places[len(page) - 1]] if page else None
        return ActivePage(ids, list(present.values()), last, paging.encode(last) if last and more else None)

    async def deferred(self, *, limit: int) -> Sequence[Workflow]:
        """Return the oldest of the workflows whose details are deferred."""
        span = Range.of(OLDEST_FIRST, None)
        merge = Merge(self._streams(deferred_partitions(), OLDEST_FIRST, span, limit), span)
        present = await self._present(await merge.take(limit), _is_deferred)
        return list(present.values())

    async def _present(self, places: Sequence[str], matches: Callable[[Workflow], bool]) -> Mapping[str, Workflow]:
        """Return summaries of those workflows that are still what the indexes said, in the order of their places."""
        found = (await self._reader.find(places, summaries=True)).workflows if places else {}
        return {place: workflow for place, workflow in found.items() if matches(workflow)}

    def _streams(self, sources: Sequence[Partition], query: WorkflowQuery, span: Range, limit: int) -> list[Stream]:
        budget = ReadBudget(max(MAX_ENTRIES, ENTRIES_FOR_ROW * limit))
        share = -(-limit // SHARDS) + SPARE_ENTRIES
        # Hardly any entry has the id, so there is no use in beginning with few.
        first_entries = QUERY_ENTRIES if query.id_prefix else None
        stream = partial(
            Stream,
            self._calls,
            after=span.after,
            budget=budget,
            id_prefix=query.id_prefix or "",
            unreadable=self._unreadable,
        )
        streams = [
            stream(
                self._index(source, query, span),
                key="position",
                first_entries=first_entries or (share if source.sharded else limit + 1),
            )
            for source in sources
        ]
        window = position(self._now() - recent.WINDOW, "")
        if sources[0].index is BY_DEFINITION and span.last > window:
            parameters = self._recent(sources[0], query, replace(span, first=max(span.first, window)))
            streams.append(stream(parameters, key="entry", first_entries=first_entries or limit + 1))
        return streams

    def _index(self, source: Partition, query: WorkflowQuery, span: Range) -> dict[str, Any]:
        within = _within(span, hash_key=source.index.hash_key, value=source.value, range_key=source.index.range_key)
        parameters = {"TableName": self._workflows, "IndexName": source.index.name, **within}
        return _merged(parameters, filter_expression(query, source.index))

    def _recent(self, source: Partition, query: WorkflowQuery, span: Range) -> dict[str, Any]:
        within = _within(span, hash_key="scope", value=recent.scope(source.value), range_key="entry")
        parameters = {"TableName": self._coordination, "ConsistentRead": True, **within}
        return _merged(parameters, filter_expression(query, source.index))


def _token(reached: str, query: WorkflowQuery, found: Sequence[Workflow]) -> str:
    """Return the token of the page after a position, which names no workflow that the reader may not see."""
    place = read_position(reached)
    if query.visible is not None:
        shown = [paging.Position(workflow.created_at, workflow.id) for workflow in found[-1:]]
        place = paging.between(place, shown=shown, oldest_first=query.oldest_first)
    return paging.encode(place)


def _batch(wanted: int, *, seen: int, found: int) -> int:
    """Return at how many workflows to look for those wanted, when the filters let through as many as so far."""
    likely = -(-wanted * seen // max(found, 1))
    return max(wanted, min(likely, GET_BATCH))


def _merged(parameters: dict[str, Any], filters: dict[str, Any]) -> dict[str, Any]:
    merged = {name: parameters.get(name, {}) | value for name, value in filters.items() if isinstance(value, dict)}
    return {**parameters, **filters, **merged}


def _within(span: Range, *, hash_key: str, value: str, range_key: str) -> dict[str, Any]:
    return {
        "ProjectionExpression": f"#{range_key}",
        "KeyConditionExpression": f"#{hash_key} = :partition AND #{range_key} BETWEEN :first AND :last",
        "ExpressionAttributeNames": {f"#{hash_key}": hash_key, f"#{range_key}": range_key},
        "ExpressionAttributeValues": {":partition": text(value), ":first": text(span.first), ":last": text(span.last)},
        "ScanIndexForward": span.oldest_first,
    }


def _is_active(workflow: Workflow) -> bool:
    return not workflow.status.terminal or any(getattr(workflow, flag) for flag in PENDING)


def _is_deferred(workflow: Workflow) -> bool:
    return workflow.details_pending and workflow.details_deferred
