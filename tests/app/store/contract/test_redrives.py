"""A terminal status is final within a redrive.

Covers `app.store.base`.
"""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from app.executor.observations import reopening
from app.store import Store, WorkflowChanges, WorkflowQuery
from tests import samples
from tests.app.store.incompressible import noise
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

AGAIN = samples.EPOCH + timedelta(hours=1)
REDRIVEN = reopening(1, by="night shift", now=AGAIN)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _definition(store: Store) -> None:
    """Store the definition that the sample workflows name."""
    await store.create_definition(samples.definition())


async def ended(store: Store, status: WorkflowStatus = WorkflowStatus.FAILED, **fields: Any) -> Workflow:
    """Return a workflow that has ended."""
    await store.create_workflow(samples.workflow("a", **fields))
    changes: WorkflowChanges = {
        "status": status,
        "stopped_at": samples.EPOCH,
        "status_reason": noise(5_000),
        "error": "Boom",
        "output": noise(5_000),
        "resolved_by_user": status is not WorkflowStatus.FAILED,
    }
    return await store.update_workflow("a", changes, revision=0)


async def listed(store: Store, *statuses: WorkflowStatus) -> list[str]:
    """Return the ids of the workflows of some statuses."""
    found = await store.list_workflows(WorkflowQuery(statuses=statuses), limit=10)
    return [workflow.id for workflow in found.workflows]


async def test_a_workflow_was_not_redriven_unless_it_says_so(store: Store) -> None:
    workflow = await ended(store)

    assert (workflow.redrives, workflow.redriven_at, workflow.redriven_by) == (0, None, None)


@pytest.mark.parametrize("status", [WorkflowStatus.FAILED, WorkflowStatus.CANCELLED])
async def test_a_redrive_reopens_what_has_ended(store: Store, status: WorkflowStatus) -> None:
    before = await ended(store, status, input=f'{{"x": "{noise(300_000)}"}}')

    changed = await store.update_workflow("a", REDRIVEN, revision=1)

    assert changed == before.model_copy(update={**REDRIVEN, "revision": 2})
    assert (changed.stopped_at, changed.status_reason, changed.error, changed.output) == (None,) * 4
    assert await store.get_workflow("a") == changed
    assert (await store.list_active_workflows(limit=10)).ids == ["a"]
    assert await listed(store, status) == []
    assert await listed(store, WorkflowStatus.RUNNING) == ["a"]
    assert (await store.list_workflows(WorkflowQuery(), limit=1, summaries=True)).workflows[0].redrives == 1


@pytest.mark.parametrize("redrives", [None, 0, 1])
async def test_only_one_more_redrive_reopens(store: Store, redrives: int | None) -> None:
    await ended(store)
    await store.update_workflow("a", REDRIVEN, revision=1)
    await store.update_workflow("a", {"status": WorkflowStatus.FAILED, "stopped_at": AGAIN}, revision=2)
    changes: WorkflowChanges = {"status": WorkflowStatus.RUNNING}
    if redrives is not None:
        changes["redrives"] = redrives

    with pytest.raises(errors.VersionConflict):
        await store.update_workflow("a", changes, revision=3)
    assert (await store.get_workflow("a")).status is WorkflowStatus.FAILED


@pytest.mark.parametrize("status", [WorkflowStatus.RUNNING, WorkflowStatus.FAILED])
async def test_what_succeeded_is_never_reopened(store: Store, status: WorkflowStatus) -> None:
    await ended(store, WorkflowStatus.SUCCEEDED)

    with pytest.raises(errors.VersionConflict):
        await store.update_workflow("a", {**REDRIVEN, "status": status}, revision=1)
    assert (await store.get_workflow("a")).status is WorkflowStatus.SUCCEEDED


async def test_of_two_who_redrive_at_once_one_wins(store: Store) -> None:
    await ended(store)
    await store.update_workflow("a", REDRIVEN, revision=1)

    with pytest.raises(errors.VersionConflict):
        await store.update_workflow("a", REDRIVEN, revision=1)


async def test_a_redriven_run_can_have_ended_again_before_it_was_seen(store: Store) -> None:
    await ended(store)
    well: WorkflowChanges = {
        **REDRIVEN,
        "status": WorkflowStatus.SUCCEEDED,
        "stopped_at": AGAIN,
        "resolved_by_user": True,
        "output": "{}",
    }

    changed = await store.update_workflow("a", well, revision=1)

    assert (changed.status, changed.output, changed.redrives) == (WorkflowStatus.SUCCEEDED, "{}", 1)
    assert (await store.list_active_workflows(limit=10)).ids == []
    assert await listed(store, WorkflowStatus.FAILED) == []


async def test_a_redrive_that_was_not_made_is_taken_back(store: Store) -> None:
    """The end comes back, and with it the number of redrives."""
    await ended(store)
    await store.update_workflow("a", {**REDRIVEN, "status": WorkflowStatus.QUEUED}, revision=1)
    back: WorkflowChanges = {"status": WorkflowStatus.FAILED, "stopped_at": samples.EPOCH, "redrives": 0}

    changed = await store.update_workflow("a", {**back, "redriven_at": None, "redriven_by": None}, revision=2)

    assert (changed.status, changed.redrives, changed.redriven_by) == (WorkflowStatus.FAILED, 0, None)
    assert await store.get_workflow("a") == changed
    assert await listed(store, WorkflowStatus.FAILED) == ["a"]
    assert (await store.list_active_workflows(limit=10)).ids == []
