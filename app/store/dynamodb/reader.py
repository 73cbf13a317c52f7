"""Reading workflows: from their items, their parts and the definitions they name to models."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from app.store.base import summary
from app.store.dynamodb import items, payloads
from app.store.dynamodb.batching import Calls
from app.store.dynamodb.chunks import Generation, Parts, generations
from app.store.dynamodb.definitions import DynamoDBDefinitions
from app.store.dynamodb.items import SUMMARY, Item, sendable, text
from app.store.unreadable import BROKEN, UnreadableRecords, reason
from app.store.weights import Scale
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowDefinition

ALL: Final = frozenset(payloads.INLINE_BYTES)

TRIES: Final = 10
"""Readings of one workflow whose parts are replaced by others again and again meanwhile."""


IN_SUMMARIES: Final = ALL - {"input", "output", "variables", "execution_input"}
"""Payloads that a summary is made from when they are small; the last job is in the history then."""

PARTS_AT_ONCE: Final = 16
"""Parts that a page reads before it looks at its size: they have five megabytes, packed."""

LARGE_AT_ONCE: Final = 4
"""Reads of large payloads under way at the same time."""


class Found(NamedTuple):
    """Workflows by their position, in the order asked for."""

    workflows: Mapping[str, Workflow]
    size: int
    """About their size as JSON in bytes, if that was asked for."""
    reached: str | None
    """The last position that was read, when there was no room for all."""


class Reader:
    """Reads workflows as the last write left them."""

    def __init__(
        self,
        calls: Calls,
        *,
        table: str,
        definitions: DynamoDBDefinitions,
        parts: Parts,
        now: Callable[[], datetime],
        unreadable: UnreadableRecords,
    ) -> None:
        self._calls = calls
        self._table = table
        self._definitions = definitions
        self._parts = parts
        self._now = now
        self._unreadable = unreadable
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def item(self, workflow_id: str) -> Item:
        """Return the summary of a workflow. Raises ``WorkflowNotFound``."""
        if sendable(workflow_id):
            answer = await self._calls.client.get_item(
                TableName=self._table, Key=summary_key(workflow_id), ConsistentRead=True
            )
            found: Item | None = answer.get("Item")  # type: ignore[assignment]  # less exact
            if found is not None and not items.expired(found, self._now()):
                return found
        raise no_workflow(workflow_id)

    async def get(self, workflow_id: str) -> Workflow:
        """Return a whole workflow. Raises ``WorkflowNotFound``, ``RecordUnreadable``."""
        seen: Item = {}
        for _ in range(TRIES):
            item = await self.item(workflow_id)
            # A part that is missing although the summary has not changed was not replaced: it is lost.
            workflow = await self.workflow(item, without_lost=item == seen)
            if workflow is not None:
                return workflow
            seen = item
        raise errors.Unavailable(f"workflow {workflow_id} changes faster than it can be read; try again")

    async def workflow(
        self, item: Item, *, known: Mapping[str, Any] | None = None, without_lost: bool = False
    ) -> Workflow | None:
        """Return the workflow of a summary, or None when parts of it are gone: then it was changed meanwhile.

        ``known`` are fields, as ``update_workflow`` has them, whose parts need not be read. Raises
        ``RecordUnreadable``.
        """
        fields = {name: value for name, value in (known or {}).items() if name in payloads.PAYLOAD_OF}
        unknown = ALL - {payloads.PAYLOAD_OF[name] for name in fields}
        (workflow,) = await self._assemble([item], unknown, unknown, without_lost=without_lost)
        if isinstance(workflow, errors.RecordUnreadable):
            raise workflow
        return workflow and workflow.model_copy(update=fields)

    def fields(self, item: Item) -> dict[str, Any]:
        """Return the fields that a summary holds. Raises ``RecordUnreadable``."""
        try:
            return items.fields(item)
        except BROKEN as broken:
            raise self._unreadable_workflow(item, broken) from broken

    async def find(
        self,
        positions: Sequence[str],
        *,
        summaries: bool,
        inputs: bool = False,
        placeholders: bool = False,
        max_bytes: int | None = None,
    ) -> Found:
        """Return those workflows that are there, by their position in the indexes that named them.

        Unreadable workflows are left out, or returned as ``placeholders``. It stops soon after ``max_bytes`` of JSON.
        """
        wanted = dict.fromkeys(items.read_position(position).workflow_id for position in positions)
        found = await self._calls.get_many(self._table, [summary_key(workflow_id) for workflow_id in wanted])
        now = self._now()
        there = {_position(item): item for item in found if not items.expired(item, now)}
        current = [there[position] for position in positions if position in there]
        parts = payloads.IN_LISTINGS | ({"input"} if inputs else frozenset()) if summaries else ALL
        scale, size = Scale(), 0
        present: dict[str, Workflow] = {}
        for group in [current] if max_bytes is None else _groups(current, parts):
            for item, whole in zip(group, await self._read(group, parts, placeholders=placeholders), strict=True):
                if whole is not None:
                    workflow = summary(whole, with_input=inputs) if summaries else whole
                    present[_position(item)] = workflow
                    size += 0 if max_bytes is None else scale.workflow(workflow)
            if max_bytes is not None and size >= max_bytes:
                return Found(present, size, None if group[-1] is current[-1] else _position(group[-1]))
        return Found(present, size, None)

    async def _read(
        self, found: Sequence[Item], parts: Collection[str], *, placeholders: bool
    ) -> list[Workflow | None]:
        """Return workflows with some of their parts; without all, they are to be summaries."""
        inline = ALL if parts is ALL else IN_SUMMARIES.union(parts)
        workflows: list[Workflow | None] = []
        assembled = await self._assemble(found, parts, inline, headers=parts is not ALL)
        for item, workflow in zip(found, assembled, strict=True):
            whole = workflow or await self._again(item["id"]["S"])
            if isinstance(whole, errors.RecordUnreadable):
                whole = cast("Workflow", whole.placeholder) if placeholders else None
            workflows.append(whole)
        return workflows

    async def _again(self, workflow_id: str) -> Workflow | errors.RecordUnreadable | None:
        try:
            return await self.get(workflow_id)
        except errors.RecordUnreadable as unreadable:
            return unreadable
        except errors.WorkflowNotFound:
            return None

    async def _assemble(
        self,
        found: Sequence[Item],
        parts: Collection[str],
        inline: Collection[str],
        *,
        without_lost: bool = False,
        headers: bool = False,
    ) -> list[Workflow | errors.RecordUnreadable | None]:
        named = [generations(item["id"]["S"], payloads.detached(item, parts)) for item in found]
        whole: Mapping[Generation, bytes | ValueError] = {}
        if any(named):
            # Many who look at large workflows at the same time must not hold all of them at the same time.
            async with self._large:
                whole = await self._parts.read([generation for some in named for generation in some])
        keys = [_definition_key(item) for item in found]
        versions = {key for key in keys if key is not None}
        definitions = await (self._definitions.headers(versions) if headers else self._definitions.find(versions))
        workflows: list[Workflow | errors.RecordUnreadable | None] = []
        for item, some, key in zip(found, named, keys, strict=True):
            if not without_lost and not all(generation in whole for generation in some):
                workflows.append(None)
                continue
            lost = ValueError("a part of it is missing")
            raw = payloads.inline(item, inline) | {each.payload: whole.get(each, lost) for each in some}
            workflows.append(self._workflow(item, raw, definitions.get(key) if key else None))
        return workflows

    def _workflow(
        self, item: Item, raw: Mapping[str, bytes | ValueError], definition: WorkflowDefinition | None
    ) -> Workflow | errors.RecordUnreadable:
        """Return a workflow with those of its payloads that can be read, or why it cannot be read at all."""
        fields: dict[str, Any] = {}
        wrong = [f"{name}: its form is unknown" for name in ALL if name in item and not _known_form(item[name])]
        # The last job of a history is whole, the one beside it is not.
        for name in sorted(raw, key=lambda name: name == "history"):
            try:
                fields |= _payload(name, raw[name])
            except BROKEN as broken:
                wrong.append(f"{name}: {reason(broken)}")
        try:
            if definition is None:
                raise KeyError("definition")
            workflow = Workflow(**{"input": "", **items.fields(item), **fields}, workflow_definition=definition)
        except BROKEN as broken:
            return self._unreadable_workflow(item, broken)
        if definition.unreadable is not None:
            wrong.append(f"version {definition.version} of {definition.name!r}: {definition.unreadable}")
        if not wrong:
            return workflow
        self._unreadable.note("workflow", workflow.id, "; ".join(wrong))
        return workflow.model_copy(update={"unreadable": "; ".join(wrong)})

    def _unreadable_workflow(self, item: Item, broken: Exception) -> errors.RecordUnreadable:
        workflow_id, why = item["id"]["S"], reason(broken)
        self._unreadable.note("workflow", workflow_id, why)
        return errors.RecordUnreadable(
            f"workflow {workflow_id} cannot be read ({why}); perhaps a later version of the service wrote it",
            placeholder=items.placeholder(item, why),
        )


def _groups(found: Sequence[Item], names: Collection[str]) -> list[list[Item]]:
    """Divide summaries into groups that have few parts together."""
    groups: list[list[Item]] = []
    left = 0
    for item in found:
        parts = sum(int(parts.rpartition("#")[2]) for parts in payloads.detached(item, names).values())
        if not groups or parts > left:
            groups.append([])
            left = PARTS_AT_ONCE
        groups[-1].append(item)
        left -= parts
    return groups


def _payload(name: str, value: bytes | ValueError) -> payloads.StoredPayloads:
    if isinstance(value, ValueError):
        raise value
    return payloads.read_payload(name, value)


def _known_form(value: items.AttributeValue) -> bool:
    return "B" in value or payloads.GENERATION.fullmatch(value.get("S", "")) is not None


def _position(item: Item) -> str:
    return str(item.get("position", {}).get("S", ""))


def _definition_key(item: Item) -> items.DefinitionKey | None:
    try:
        return items.definition_key(item)
    except BROKEN:
        return None


def summary_key(workflow_id: str) -> Item:
    """Return the key of a summary."""
    return {"id": text(workflow_id), "part": text(SUMMARY)}


def no_workflow(workflow_id: str) -> errors.WorkflowNotFound:
    """Return the error that says so."""
    return errors.WorkflowNotFound(f"there is no workflow {workflow_id!r}")
