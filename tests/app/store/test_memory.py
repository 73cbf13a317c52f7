"""How the memory store keeps workflows: in little memory, and apart from what its callers hold.

Covers `app.store.memory` and `app.store.heavy_jobs`.
"""

import tracemalloc
from typing import Any

import pytest

from app.store.heavy_jobs import HEAVY_BYTES
from app.store.memory import MemoryStore
from tests import samples
from workflow_manager import models

LARGE = HEAVY_BYTES // 4


def job(**fields: Any) -> models.Job:
    """Return a job that has ended."""
    values: dict[str, Any] = {
        "id": "2",
        "state": "echo",
        "type": "Pass",
        "status": models.JobStatus.SUCCEEDED,
        "created_at": samples.EPOCH,
    }
    return models.Job(**(values | fields))


async def stored(*workflows: models.Workflow) -> MemoryStore:
    store = MemoryStore()
    for workflow in workflows:
        await store.create_workflow(workflow)
    return store


async def test_workflows_share_their_definition() -> None:
    store = await stored(*[samples.workflow(name, workflow_definition=samples.definition()) for name in ("1", "2")])

    first, second = [await store.get_workflow(name) for name in ("1", "2")]

    assert first.workflow_definition is second.workflow_definition


async def test_definitions_that_differ_are_not_mixed_up() -> None:
    machine = {**samples.ECHO, "Comment": "another one"}
    other = samples.workflow("2", workflow_definition=samples.definition(machine=machine))
    store = await stored(samples.workflow("1"), other, other.model_copy(update={"id": "3"}, deep=True))

    assert (await store.get_workflow("1")).workflow_definition.state_machine == samples.ECHO
    second, third = [(await store.get_workflow(name)).workflow_definition for name in ("2", "3")]
    assert second.state_machine == machine
    assert second is third


async def test_tags_belong_to_their_reader() -> None:
    tags = {"a": "b"}
    store = await stored(samples.workflow("1", tags=tags))

    (await store.get_workflow("1")).tags["a"] = tags["a"] = "changed"

    assert (await store.get_workflow("1")).tags == {"a": "b"}


HEAVY = [
    pytest.param((job(input="x" * LARGE, output="y" * LARGE),) * 3, id="the same texts in all jobs"),
    pytest.param((job(input="é" * LARGE * 4), job(input="short"), job(output=None)), id="one large text"),
    pytest.param((job(output="\ud800" * LARGE * 8),), id="text that is not proper Unicode"),
]


@pytest.mark.parametrize("jobs", HEAVY)
async def test_heavy_jobs_come_back_as_they_were_put(jobs: tuple[models.Job, ...]) -> None:
    store = await stored(samples.workflow("1", jobs=jobs, last_job=jobs[-1]))

    changed = await store.update_workflow("1", {"status_reason": "changed"}, revision=0)

    assert changed.jobs == (await store.get_workflow("1")).jobs == jobs


async def test_light_jobs_replace_heavy_ones() -> None:
    store = await stored(samples.workflow("1", jobs=(job(input="x" * HEAVY_BYTES * 2),)))

    await store.update_workflow("1", {"jobs": (job(),)}, revision=0)

    assert (await store.get_workflow("1")).jobs == (job(),)


async def test_heavy_jobs_are_held_compressed() -> None:
    """Like those of a loop that passes the same document on."""
    workflow = samples.workflow("w", jobs=(job(input="x" * 100_000, output="x" * 100_000),) * 50)

    tracemalloc.start()
    store = await stored(workflow)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 1_000_000
    assert (await store.get_workflow("w")).jobs == workflow.jobs
