"""Reading workflows: from their items, their parts and the definitions they name to models."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from app import errors
from app.models import Workflow, WorkflowDefinition
from app.store import dynamodb_payloads as payloads
from app.store import items
from app.store.base import summary
from app.store.dynamodb_calls import Calls
from app.store.dynamodb_definitions import DynamoDBDefinitions
from app.store.dynamodb_keys import sendable
from app.store.dynamodb_parts import Parts, generations
from app.store.items import SUMMARY, Item, text
from app.store.unreadable import BROKEN, UnreadableRecords, reason

ALL: Final = frozenset(payloads.INLINE_BYTES)

TRIES: Final = 10
"""Readings of one workflow whose parts are replaced by others again and again meanwhile."""


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
        self, positions: Collection[str], *, summaries: bool, inputs: bool = False, placeholders: bool = False
    ) -> Mapping[str, Workflow]:
        """Return those workflows that are there, by their position in the indexes that named them.

        Those that cannot be read are left out, or shown by ``placeholders``.
        """
        parts = (payloads.IN_LISTINGS | {"input"} if inputs else payloads.IN_LISTINGS) if summaries else ALL
        wanted = {items.read_position(position).workflow_id for position in positions}
        found = await self._calls.get_many(self._table, [summary_key(workflow_id) for workflow_id in wanted])
        now = self._now()
        current = [item for item in found if _position(item) in positions and not items.expired(item, now)]
        workflows = await self._assemble(current, parts, ALL)
        present = {}
        for item, workflow in zip(current, workflows, strict=True):
            whole = workflow or await self._again(item["id"]["S"])
            if isinstance(whole, errors.RecordUnreadable):
                whole = cast("Workflow", whole.placeholder) if placeholders else None
            if whole is not None:
                present[_position(item)] = summary(whole, with_input=inputs) if summaries else whole
        return present

    async def _again(self, workflow_id: str) -> Workflow | errors.RecordUnreadable | None:
        try:
            return await self.get(workflow_id)
        except errors.RecordUnreadable as unreadable:
            return unreadable
        except errors.WorkflowNotFound:
            return None

    async def _assemble(
        self, found: Sequence[Item], parts: Collection[str], inline: Collection[str], *, without_lost: bool = False
    ) -> list[Workflow | errors.RecordUnreadable | None]:
        named = [generations(item["id"]["S"], payloads.detached(item, parts)) for item in found]
        whole = await self._parts.read([generation for some in named for generation in some])
        keys = [_definition_key(item) for item in found]
        definitions = await self._definitions.find({key for key in keys if key is not None})
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


def _payload(name: str, value: bytes | ValueError) -> payloads.Payloads:
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
