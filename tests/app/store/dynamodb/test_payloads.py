"""Large inputs, outputs, histories and definitions: all of it is kept, and what is small does not pay for it.

Covers `app.store.dynamodb.payloads` and `app.store.dynamodb.chunks`.
"""

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from app.store import Store, WorkflowQuery
from app.store.dynamodb.store import DynamoDBStore
from app.store.tables import WORKFLOWS
from tests import samples
from tests.app.store import backends
from tests.app.store.dynamodb_proxy import Wire
from tests.app.store.incompressible import noise
from workflow_manager import errors
from workflow_manager.models import Job, JobStatus, WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

LARGEST = 262_144
"""Bytes of an input or output that Step Functions takes."""

ITEM_BYTES = 400 * 1024
"""DynamoDB takes no larger item."""


@pytest_asyncio.fixture(loop_scope="session")
async def large(dynamodb: "DynamoDBClient", prefix: str) -> DynamoDBStore:
    """A store with the definition that the samples name."""
    store = backends.store_on(dynamodb, prefix)
    await store.create_definition(samples.definition())
    return store


def job(number: int, *, padding: int = 40) -> Job:
    """Return a job as a run with many of them has it."""
    moment = samples.EPOCH + timedelta(milliseconds=number)
    return Job(
        id=str(number),
        state=f"state {number % 7}",
        type="Task",
        status=JobStatus.SUCCEEDED,
        created_at=moment,
        started_at=moment,
        stopped_at=moment,
        input=json.dumps({"n": number, "key": noise(padding)}),
        output="{}",
    )


async def test_the_largest_input_and_output_are_kept_whole(large: DynamoDBStore) -> None:
    workflow = samples.workflow("a", input=noise(LARGEST))
    await large.create_workflow(workflow)

    changed = await large.update_workflow("a", {"output": noise(LARGEST)}, revision=0)

    assert changed.input == workflow.input
    assert await large.get_workflow("a") == changed


async def test_every_job_of_the_longest_history_is_kept(large: DynamoDBStore) -> None:
    """A history has 25,000 events at most; a job takes two of them at least."""
    jobs = tuple(job(number) for number in range(12_500))
    await large.create_workflow(samples.workflow("a"))

    await large.update_workflow("a", {"jobs": jobs, "last_job": jobs[-1]}, revision=0)

    stored = await large.get_workflow("a")
    assert stored.jobs == jobs
    assert stored.last_job == jobs[-1]


async def test_no_item_comes_near_the_limit(large: DynamoDBStore, dynamodb: "DynamoDBClient", prefix: str) -> None:
    await large.create_workflow(samples.workflow("a", input=noise(LARGEST), tags={"note": noise(200_000)}))
    await large.update_workflow(
        "a",
        {"output": noise(LARGEST), "jobs": tuple(job(n, padding=100_000) for n in range(20)), "last_job": None},
        revision=0,
    )

    found = await backends.scan(dynamodb, prefix, WORKFLOWS)

    assert len(found) > 4
    assert max(len(item["chunk"]["B"]) for item in found if "chunk" in item) < 0.9 * ITEM_BYTES
    (summary,) = [item for item in found if item["part"]["S"] == "summary"]
    assert len(str(summary)) < 2_000


async def test_a_definition_of_one_megabyte_comes_back_equal(large: DynamoDBStore, dynamodb: "DynamoDBClient") -> None:
    machine: dict[str, Any] = samples.ECHO | {"Comment": noise(1_000_000)}
    definition = samples.definition("large", machine=machine)
    await large.create_definition(definition)

    assert await large.get_definition("large") == definition
    assert (await large.list_definitions("large")).definitions[0] == definition
    assert definition in (await large.list_definitions()).definitions


async def test_a_definition_that_another_process_stored_comes_back_equal(
    large: DynamoDBStore, dynamodb: "DynamoDBClient", prefix: str
) -> None:
    machine: dict[str, Any] = samples.ECHO | {"Comment": noise(1_000_000), "numbers": [1.10, 1e300, -0.0, 2**70, 1]}
    definition = samples.definition("large", machine=machine)
    await backends.store_on(dynamodb, prefix).create_definition(definition)

    stored = await large.get_definition("large")

    assert stored == definition
    assert json.dumps(stored.state_machine) == json.dumps(machine)


async def test_a_resumed_workflow_has_the_pruned_definition(large: DynamoDBStore) -> None:
    machine: dict[str, Any] = {
        "StartAt": "a",
        "States": {"a": {"Type": "Pass", "Next": "b"}, "b": {"Type": "Succeed"}},
    }
    definition = samples.definition("two", machine=machine)
    await large.create_definition(definition)
    pruned = definition.model_copy(update={"state_machine": {"StartAt": "b", "States": {"b": {"Type": "Succeed"}}}})

    await large.create_workflow(samples.workflow("whole", workflow_definition=definition))
    await large.create_workflow(samples.workflow("resumed", workflow_definition=pruned))

    assert (await large.get_workflow("whole")).workflow_definition == definition
    assert (await large.get_workflow("resumed")).workflow_definition == pruned


async def test_workflows_of_one_definition_share_one_copy_of_it(large: DynamoDBStore) -> None:
    for name in ("a", "b"):
        await large.create_workflow(samples.workflow(name))

    one, other = (await large.list_workflows(WorkflowQuery(), limit=2)).workflows

    assert one.workflow_definition is other.workflow_definition


async def test_a_reader_never_sees_half_of_a_history(large: DynamoDBStore) -> None:
    """Each writing has other jobs and as many as the output says."""
    await large.create_workflow(samples.workflow("a"))
    done = asyncio.Event()

    async def write() -> None:
        for revision in range(12):
            jobs = tuple(job(number, padding=3_000) for number in range(20 + revision))
            await large.update_workflow(
                "a", {"jobs": jobs, "last_job": jobs[-1], "output": str(len(jobs))}, revision=revision
            )
        done.set()

    async def read() -> int:
        seen = 0
        while not done.is_set():
            workflow = await large.get_workflow("a")
            assert len(workflow.jobs) == int(workflow.output or "0")
            (listed,) = (await large.list_workflows(WorkflowQuery(), limit=1)).workflows
            assert len(listed.jobs) == int(listed.output or "0")
            seen += 1
        return seen

    _, *seen = await asyncio.gather(write(), read(), read())
    assert all(seen)


async def test_replaced_parts_are_removed(large: DynamoDBStore, dynamodb: "DynamoDBClient", prefix: str) -> None:
    await large.create_workflow(samples.workflow("a"))
    for revision in range(3):
        await large.update_workflow("a", {"output": noise(20_000)}, revision=revision)

    found = await backends.scan(dynamodb, prefix, WORKFLOWS)
    assert sorted(item["part"]["S"].split("#")[0] for item in found) == ["output", "summary"]


async def test_a_discarded_workflow_leaves_no_parts(
    large: DynamoDBStore, dynamodb: "DynamoDBClient", prefix: str
) -> None:
    await large.create_workflow(samples.workflow("a", input=noise(20_000)))

    await large.discard_workflow("a", revision=0)

    assert await backends.scan(dynamodb, prefix, WORKFLOWS) == []


async def test_a_listing_of_summaries_reads_no_parts(large: DynamoDBStore, dynamodb: "DynamoDBClient") -> None:
    jobs = tuple(job(number, padding=1_000) for number in range(20))
    await large.create_workflow(samples.workflow("a", input=noise(20_000)))
    await large.update_workflow("a", {"jobs": jobs, "last_job": jobs[3]}, revision=0)
    await large.list_workflows(WorkflowQuery(), limit=1, summaries=True)  # which reads the head of the definition once
    wire = Wire(dynamodb)

    (listed,) = (await large.list_workflows(WorkflowQuery(), limit=1, summaries=True)).workflows

    assert wire.requests["BatchGetItem"] == 1
    assert (listed.input, listed.jobs) == ("", ())
    assert listed.last_job == jobs[3].model_copy(update={"input": None, "output": None})


async def test_a_listing_of_summaries_with_inputs_reads_their_parts_and_no_others(
    large: DynamoDBStore, dynamodb: "DynamoDBClient"
) -> None:
    jobs = tuple(job(number, padding=1_000) for number in range(20))
    given = noise(20_000)
    await large.create_workflow(samples.workflow("a", input=given))
    await large.update_workflow("a", {"jobs": jobs, "last_job": jobs[3], "output": noise(20_000)}, revision=0)
    await large.list_workflows(WorkflowQuery(), limit=1, summaries=True)  # which reads the head of the definition once
    wire = Wire(dynamodb)

    (listed,) = (await large.list_workflows(WorkflowQuery(), limit=1, summaries=True, inputs=True)).workflows

    assert wire.requests["BatchGetItem"] == 2
    assert (listed.input, listed.jobs, listed.output) == (given, (), None)


@pytest.mark.parametrize("fields", [{"input": ""}, {"input": "\x00é\U0001f600" * 900}, {"tags": {"": "x", "é": ""}}])
async def test_odd_text_is_kept(large: DynamoDBStore, fields: dict[str, Any]) -> None:
    workflow = samples.workflow("a", **fields)
    await large.create_workflow(workflow)

    assert await large.get_workflow("a") == workflow


@pytest.mark.parametrize("odd", ["", "x" * 5_000, "\ud800", "\x00"])
async def test_names_that_cannot_be_keys_are_not_found(store: Store, odd: str) -> None:
    with pytest.raises(errors.WorkflowNotFound):
        await store.get_workflow(odd)
    with pytest.raises(errors.WorkflowNotFound):
        await store.update_workflow(odd, {"status": WorkflowStatus.RUNNING}, revision=0)
    with pytest.raises(errors.DefinitionNotFound):
        await store.get_definition(odd)
    with pytest.raises(errors.DefinitionNotFound):
        await store.get_definition(odd, version=0)
    with pytest.raises(errors.StateResourceNotFound):
        await store.get_state_resource("dev", odd)
    with pytest.raises(errors.StateResourceNotFound):
        await store.delete_state_resource(odd, "x")
    assert await store.find_state_resources(odd, [odd, "x"]) == {}
    assert (await store.list_workflows(WorkflowQuery(definition_name=odd), limit=1)).workflows == []
