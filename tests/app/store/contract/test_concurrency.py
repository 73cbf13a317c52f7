"""Many writers at once: nobody's write is lost, and what has ended stays ended.

Covers `app.store.base`.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from app.store import Store, WorkflowChanges, WorkflowQuery
from tests import samples
from workflow_manager import errors
from workflow_manager.models import ACTIVE_STATUSES, Workflow, WorkflowStatus

WRITERS = 32
WORKFLOWS = 4


@dataclass(frozen=True)
class Write:
    """What a writer was told that it changed."""

    workflow_id: str
    revision: int
    """The one that the write made."""
    changes: WorkflowChanges
    retry: str | None = None


class Writers:
    """Writers that look, change and note what they got through."""

    def __init__(self, store: Store, workflow_ids: Sequence[str]) -> None:
        self._store = store
        self._workflow_ids = workflow_ids
        self.written: list[Write] = []
        self.refused = 0

    async def write(self, number: int, operations: int) -> None:
        """Do some operations, each once: who is refused does not try again."""
        chance = random.Random(number)
        for operation in range(operations):
            workflow = await self._store.get_workflow(chance.choice(self._workflow_ids))
            act = chance.choices([self._refresh, self._resolve, self._resume, self._cancel], [12, 2, 2, 1])[0]
            try:
                await act(workflow, f"{number}-{operation}")
            except errors.VersionConflict:
                self.refused += 1

    async def _refresh(self, workflow: Workflow, name: str) -> None:
        status = workflow.status if workflow.status.terminal else WorkflowStatus.RUNNING
        moment = workflow.last_updated + timedelta(milliseconds=1)
        await self._update(workflow, {"status": status, "status_reason": name, "last_updated": moment})

    async def _resolve(self, workflow: Workflow, name: str) -> None:
        await self._update(workflow, {"resolved_by_user": True, "status_reason": name})

    async def _cancel(self, workflow: Workflow, name: str) -> None:
        await self._update(workflow, {"status": WorkflowStatus.CANCELLED, "status_reason": name})

    async def _resume(self, workflow: Workflow, name: str) -> None:
        resumed = samples.workflow(f"retry-{name}", retry_for=workflow.id)
        await self._store.create_workflow(resumed, ancestors=[workflow])
        self.written.append(Write(workflow.id, workflow.revision + 1, {}, resumed.id))

    async def _update(self, workflow: Workflow, changes: WorkflowChanges) -> None:
        changed = await self._store.update_workflow(workflow.id, changes, revision=workflow.revision)
        self.written.append(Write(workflow.id, changed.revision, changes))


def replayed(workflow: Workflow, writes: Sequence[Write]) -> Workflow:
    """Return a workflow as the writes, in the order of their revisions, must have left it."""
    for write in sorted(writes, key=lambda write: write.revision):
        assert write.revision == workflow.revision + 1, "two writes made one revision, or one was lost"
        status = write.changes.get("status", workflow.status)
        assert workflow.status in ACTIVE_STATUSES or status is workflow.status, "an ended workflow changed its status"
        retries = (*workflow.retries, write.retry) if write.retry else workflow.retries
        workflow = workflow.model_copy(update={**write.changes, "retries": retries, "revision": write.revision})
    return workflow


async def check(store: Store, *, operations: int) -> None:
    """Let writers loose on some workflows and compare what is left with what they were told."""
    await store.create_definition(samples.definition())
    originals = [samples.workflow(f"w{number}", minutes=number) for number in range(WORKFLOWS)]
    for original in originals:
        await store.create_workflow(original)
    writers = Writers(store, [original.id for original in originals])

    await asyncio.gather(*(writers.write(number, operations) for number in range(WRITERS)))

    for original in originals:
        expected = replayed(original, [write for write in writers.written if write.workflow_id == original.id])
        assert await store.get_workflow(original.id) == expected
    retries = {write.retry for write in writers.written if write.retry}
    listed = (await store.list_workflows(WorkflowQuery(), limit=10_000)).workflows
    assert {workflow.id for workflow in listed} == retries | {original.id for original in originals}
    assert len(writers.written) + writers.refused == WRITERS * operations


async def test_no_write_of_many_writers_is_lost(store: Store) -> None:
    await check(store, operations=6)


@pytest.mark.slow
async def test_no_write_of_many_writers_is_lost_in_a_long_run(store: Store) -> None:
    await check(store, operations=300)


async def test_versions_added_at_once_are_contiguous_and_latest_never_goes_back(store: Store) -> None:
    """A hundred writers read the latest version and add the next one, until each has been told its fate."""
    await store.create_definition(samples.definition("a"))
    outcomes: list[int | None] = []
    seen: list[int] = []

    async def add() -> None:
        latest = await store.get_definition("a")
        try:
            await store.add_definition_version(samples.definition("a", version=latest.version + 1))
        except errors.VersionConflict:
            outcomes.append(None)
        else:
            outcomes.append(latest.version + 1)

    async def look() -> None:
        while len(outcomes) < 100:
            seen.append((await store.get_definition("a")).version)
            await asyncio.sleep(0)

    await asyncio.gather(look(), *(add() for _ in range(100)))

    won = sorted(version for version in outcomes if version is not None)
    assert won == list(range(1, len(won) + 1))
    assert won
    assert seen == sorted(seen)
    versions = (await store.list_definitions("a")).definitions
    assert [definition.version for definition in versions] == [*reversed(won), 0]
