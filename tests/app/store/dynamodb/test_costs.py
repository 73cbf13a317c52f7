"""What the DynamoDB store costs, as Amazon's own engine counts it: these are the numbers of docs/store.md.

Covers `app.store.dynamodb`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.store import WorkflowChanges, WorkflowQuery
from app.store.dynamodb.items import SHARDS
from app.store.dynamodb.store import DynamoDBStore
from tests import samples
from tests.app.store import backends
from tests.app.store.dynamodb_proxy import Wire, http_session
from tests.app.store.incompressible import noise
from workflow_manager.models import Job, JobStatus, WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

NAME = "sfncli-test:master"

WORKFLOWS = 40


@pytest_asyncio.fixture(loop_scope="session")
async def store(engine: "DynamoDBClient", dynamodb_local_url: str) -> DynamoDBStore:
    """A store on DynamoDB Local, which counts as DynamoDB does, with the definitions that the samples name."""
    store = backends.store_on(engine, await backends.empty_tables(engine, dynamodb_local_url))
    for name in (NAME, "other"):
        await store.create_definition(samples.definition(name))
    return store


@pytest.fixture
def wire(engine: "DynamoDBClient", store: DynamoDBStore) -> Iterator[Wire]:
    """The wire, counting from after the definitions were stored."""
    session = http_session(engine)
    send = session.send
    wire = Wire(engine)
    wire.count()
    yield wire
    session.send = send


async def test_a_small_workflow_costs_eight_write_units_from_start_to_finish(store: DynamoDBStore, wire: Wire) -> None:
    await store.get_definition(NAME)
    workflow = samples.workflow("5f0c8a52-6a2e-4b5e-9d6d-0c8a526a2e4b", input='{"n": 1}', tags={"team": "infra"})
    await store.create_workflow(workflow)
    created = wire.write_units
    await store.update_workflow(
        workflow.id,
        {"status": WorkflowStatus.RUNNING, "started_at": samples.EPOCH, "last_updated": samples.EPOCH},
        revision=0,
    )
    running = wire.write_units
    await store.update_workflow(
        workflow.id,
        {
            "status": WorkflowStatus.SUCCEEDED,
            "resolved_by_user": True,
            "stopped_at": samples.EPOCH,
            "last_updated": samples.EPOCH,
            "observed_at": samples.EPOCH,
            "output": '{"ok": true}',
            "jobs": (),
            "last_job": None,
        },
        revision=1,
    )

    assert (created, running, wire.write_units) == (5, 6, 8)
    assert wire.requests == {"GetItem": 1, "BatchGetItem": 1, "PutItem": 1, "BatchWriteItem": 1, "UpdateItem": 2}


async def test_a_failure_and_its_resolution_cost_four_units_each(store: DynamoDBStore, wire: Wire) -> None:
    await store.create_workflow(samples.workflow("a"))
    await store.update_workflow("a", {"status": WorkflowStatus.FAILED, "stopped_at": samples.EPOCH}, revision=0)
    failed = wire.units["UpdateItem"]
    await store.update_workflow("a", {"resolved_by_user": True}, revision=1)

    assert (failed, wire.units["UpdateItem"] - failed) == (4, 4)


async def test_a_fingerprint_costs_one_unit_more_at_the_end_and_at_the_resolution(
    store: DynamoDBStore, wire: Wire
) -> None:
    await store.create_workflow(samples.workflow("a"))
    ended: WorkflowChanges = {"status": WorkflowStatus.FAILED, "stopped_at": samples.EPOCH, "fingerprint": "1:f"}
    await store.update_workflow("a", ended, revision=0)
    failed = wire.units["UpdateItem"]
    await store.update_workflow("a", {"resolved_by_user": True}, revision=1)

    assert (failed, wire.units["UpdateItem"] - failed) == (5, 5)


async def test_the_failures_of_a_fingerprint_are_read_and_no_others(store: DynamoDBStore, wire: Wire) -> None:
    await _fill(store)
    wire.items.clear()
    wire.requests.clear()

    page = await store.list_workflows(WorkflowQuery(fingerprint="1:3"), limit=10)

    assert len(page.workflows) == WORKFLOWS // 10
    assert (wire.items["Query"], wire.items["BatchGetItem"]) == (WORKFLOWS // 10, WORKFLOWS // 10)
    assert wire.requests["Query"] == 1


async def test_details_that_come_after_the_end_cost_one_unit_more(store: DynamoDBStore, wire: Wire) -> None:
    await store.create_workflow(samples.workflow("a"))
    ended: WorkflowChanges = {
        "status": WorkflowStatus.SUCCEEDED,
        "resolved_by_user": True,
        "stopped_at": samples.EPOCH,
        "details_pending": True,
    }
    await store.update_workflow("a", ended, revision=0)
    await store.update_workflow("a", {**ended, "details_pending": False, "output": "{}"}, revision=1)

    assert wire.units["UpdateItem"] == 1 + 2


async def test_deferred_details_cost_three_units_more(store: DynamoDBStore, wire: Wire) -> None:
    """One to move in the index, one to leave it, one for the details themselves."""
    await store.create_workflow(samples.workflow("a"))
    ended: WorkflowChanges = {
        "status": WorkflowStatus.SUCCEEDED,
        "resolved_by_user": True,
        "stopped_at": samples.EPOCH,
        "details_pending": True,
        "details_deferred": True,
    }
    await store.update_workflow("a", ended, revision=0)
    await store.update_workflow("a", {**ended, "details_pending": False, "output": "{}"}, revision=1)

    assert wire.units["UpdateItem"] == 3 + 2


async def test_known_active_workflows_are_not_read(store: DynamoDBStore, wire: Wire) -> None:
    await _fill(store)
    wire.requests.clear()

    page = await store.list_active_workflows(limit=100, known={f"{number:032x}" for number in range(WORKFLOWS)})

    assert len(page.ids) == WORKFLOWS // 2
    assert wire.requests["BatchGetItem"] == 0


async def test_a_few_jobs_fit_into_the_same_units(store: DynamoDBStore, wire: Wire) -> None:
    jobs = tuple(
        Job(
            id=str(number),
            state="echo",
            type="Task",
            status=JobStatus.SUCCEEDED,
            created_at=samples.EPOCH,
            input='{"n": 1}',
            output="{}",
        )
        for number in (2, 7)
    )
    await store.create_workflow(samples.workflow("a"))
    await store.update_workflow("a", {"jobs": jobs, "last_job": jobs[-1]}, revision=0)

    assert wire.units["UpdateItem"] == 1


async def test_an_update_of_the_status_does_not_pay_for_payloads(store: DynamoDBStore, wire: Wire) -> None:
    await store.create_workflow(samples.workflow("a", input=noise(200_000)))

    await store.update_workflow("a", {"status": WorkflowStatus.RUNNING}, revision=0)

    assert wire.units["UpdateItem"] == 1


async def test_looking_at_a_small_workflow_is_one_read(store: DynamoDBStore, wire: Wire) -> None:
    await store.create_workflow(samples.workflow("a"))
    await store.get_workflow("a")
    wire.requests.clear()

    await store.get_workflow("a")

    assert wire.requests == {"GetItem": 1}
    assert wire.units["GetItem"] == 2


LISTINGS = [
    (WorkflowQuery(), 28),
    (WorkflowQuery(definition_name=NAME), 22),
    (WorkflowQuery(definition_name=NAME, oldest_first=True), 22),
    (WorkflowQuery(statuses=(WorkflowStatus.FAILED,)), 11),
    (WorkflowQuery(statuses=(WorkflowStatus.FAILED,), resolved_by_user=False), 11),
    (WorkflowQuery(statuses=(WorkflowStatus.RUNNING,)), 28),
    (WorkflowQuery(resolved_by_user=False), 39),
    (WorkflowQuery(definition_name=NAME, statuses=(WorkflowStatus.FAILED,)), 11),
]


@pytest.mark.parametrize(("query", "entries"), LISTINGS)
async def test_a_page_reads_its_rows_and_few_entries(
    store: DynamoDBStore, wire: Wire, query: WorkflowQuery, entries: int
) -> None:
    """Of the workflows it reads one more than it shows, to know whether another page follows."""
    await _fill(store)
    wire.items.clear()

    page = await store.list_workflows(query, limit=10)

    assert len(page.workflows) == 10
    assert wire.items["BatchGetItem"] == 11
    assert wire.items["Query"] <= entries


async def test_looking_for_the_beginning_of_an_id_reads_entries_and_the_workflow_that_has_it(
    store: DynamoDBStore, wire: Wire
) -> None:
    await _fill(store)
    wire.items.clear()
    wire.requests.clear()

    page = await store.list_workflows(WorkflowQuery(id_prefix=f"{7:032x}"), limit=2)

    assert [workflow.id for workflow in page.workflows] == [f"{7:032x}"]
    assert (wire.items["Query"], wire.items["BatchGetItem"]) == (WORKFLOWS, 1)
    assert wire.requests["Query"] == SHARDS


async def _fill(store: DynamoDBStore) -> None:
    for number in range(WORKFLOWS):
        workflow = samples.workflow(f"{number:032x}", minutes=number)
        await store.create_workflow(workflow)
        status = WorkflowStatus.FAILED if number % 2 else WorkflowStatus.RUNNING
        fingerprint = f"1:{number % 10}" if status is WorkflowStatus.FAILED else None
        await store.update_workflow(workflow.id, {"status": status, "fingerprint": fingerprint}, revision=0)
