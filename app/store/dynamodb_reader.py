"""Reading workflows: from their items, their parts and the definitions they name to models."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from app import errors
from app.models import Workflow
from app.store import dynamodb_payloads as payloads
from app.store import items
from app.store.base import summary
from app.store.dynamodb_calls import Calls
from app.store.dynamodb_definitions import DynamoDBDefinitions
from app.store.dynamodb_keys import sendable
from app.store.dynamodb_parts import Parts, generations
from app.store.items import SUMMARY, Item, text

ALL: Final = frozenset(payloads.INLINE_BYTES)

TRIES: Final = 10
"""Readings of one workflow whose parts are replaced by others again and again meanwhile."""


class Reader:
    """Reads workflows as the last write left them."""

    def __init__(
        self, calls: Calls, *, table: str, definitions: DynamoDBDefinitions, parts: Parts, now: Callable[[], datetime]
    ) -> None:
        self._calls = calls
        self._table = table
        self._definitions = definitions
        self._parts = parts
        self._now = now

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
        """Return a whole workflow. Raises ``WorkflowNotFound``."""
        for _ in range(TRIES):
            workflow = await self.workflow(await self.item(workflow_id))
            if workflow is not None:
                return workflow
        raise errors.Unavailable(f"workflow {workflow_id} changes faster than it can be read; try again")

    async def workflow(self, item: Item, *, known: Mapping[str, Any] | None = None) -> Workflow | None:
        """Return the workflow of a summary, or None when parts of it are gone: then it was changed meanwhile.

        ``known`` are fields, as ``update_workflow`` has them, whose parts need not be read.
        """
        fields = {name: value for name, value in (known or {}).items() if name in payloads.PAYLOAD_OF}
        unknown = ALL - {payloads.PAYLOAD_OF[name] for name in fields}
        (workflow,) = await self._assemble([item], unknown, unknown)
        return workflow and workflow.model_copy(update=fields)

    async def find(self, positions: Collection[str], *, summaries: bool) -> Mapping[str, Workflow]:
        """Return those workflows that are there, by their position in the indexes that named them."""
        wanted = {items.read_position(position).workflow_id for position in positions}
        found = await self._calls.get_many(self._table, [summary_key(workflow_id) for workflow_id in wanted])
        now = self._now()
        current = [item for item in found if item["position"]["S"] in positions and not items.expired(item, now)]
        workflows = await self._assemble(current, payloads.IN_LISTINGS if summaries else ALL, ALL)
        present = {}
        for item, workflow in zip(current, workflows, strict=True):
            whole = workflow or await self._again(item["id"]["S"])
            if whole is not None:
                present[item["position"]["S"]] = summary(whole) if summaries else whole
        return present

    async def _again(self, workflow_id: str) -> Workflow | None:
        try:
            return await self.get(workflow_id)
        except errors.WorkflowNotFound:
            return None

    async def _assemble(
        self, found: Sequence[Item], parts: Collection[str], inline: Collection[str]
    ) -> list[Workflow | None]:
        named = [generations(item["id"]["S"], payloads.detached(item, parts)) for item in found]
        whole = await self._parts.read([generation for some in named for generation in some])
        definitions = await self._definitions.find({items.definition_key(item) for item in found})
        workflows: list[Workflow | None] = []
        for item, some in zip(found, named, strict=True):
            if not all(generation in whole for generation in some):
                workflows.append(None)
                continue
            raw = payloads.inline(item, inline) | {generation.payload: whole[generation] for generation in some}
            fields: dict[str, Any] = {"input": "", **items.fields(item), **payloads.read_payloads(raw)}
            workflows.append(Workflow(**fields, workflow_definition=definitions[items.definition_key(item)]))
        return workflows


def summary_key(workflow_id: str) -> Item:
    """Return the key of a summary."""
    return {"id": text(workflow_id), "part": text(SUMMARY)}


def no_workflow(workflow_id: str) -> errors.WorkflowNotFound:
    """Return the error that says so."""
    return errors.WorkflowNotFound(f"there is no workflow {workflow_id!r}")
