"""How long the DynamoDB store keeps workflows: some time after their end, and as long as they are active.

Covers `app.store.dynamodb.items` and `app.store.dynamodb.writer`.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.executor.observations import reopening
from app.store import WorkflowChanges, WorkflowQuery
from app.store.dynamodb.store import DynamoDBStore
from app.store.tables import EXPIRY, WORKFLOWS
from tests import samples
from tests.app.store import backends
from tests.app.store.incompressible import noise
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

RETENTION = timedelta(days=90)

START = datetime(2150, 1, 1, tzinfo=samples.EPOCH.tzinfo)
"""Far ahead, because DynamoDB Local removes what has expired by the clock of the machine."""


class Clock:
    """Time that a test moves."""

    moment = START

    def now(self) -> datetime:
        """Return the present."""
        return self.moment


@pytest.fixture
def clock() -> Clock:
    """The clock of the store."""
    return Clock()


@pytest_asyncio.fixture(loop_scope="session")
async def store(dynamodb: "DynamoDBClient", prefix: str, clock: Clock) -> DynamoDBStore:
    """A store that keeps ended workflows for the retention."""
    store = DynamoDBStore(dynamodb, table_prefix=prefix, retention_days=RETENTION.days, now=clock.now)
    await store.create_definition(samples.definition())
    return store


def workflow(workflow_id: str, *, input: str = "{}") -> Workflow:  # noqa: A002 - named like the field
    """Return a workflow created at the start."""
    return samples.workflow(workflow_id, input=input, created_at=START, last_updated=START)


async def end(store: DynamoDBStore, workflow_id: str, *, after: timedelta, revision: int = 0) -> Workflow:
    """End a workflow some time after the start."""
    return await store.update_workflow(
        workflow_id,
        {"status": WorkflowStatus.SUCCEEDED, "resolved_by_user": True, "stopped_at": START + after},
        revision=revision,
    )


async def expiries(dynamodb: "DynamoDBClient", prefix: str) -> dict[str, float | None]:
    """Return by kind of item in how many days after the start it expires."""
    return {
        item["part"]["S"].split("#")[0]: (int(item[EXPIRY]["N"]) - START.timestamp()) / 86_400
        if EXPIRY in item
        else None
        for item in await backends.scan(dynamodb, prefix, WORKFLOWS)
    }


async def test_an_active_workflow_never_expires(store: DynamoDBStore, clock: Clock) -> None:
    await store.create_workflow(workflow("a"))
    await store.update_workflow("a", {"status": WorkflowStatus.RUNNING, "started_at": START}, revision=0)

    clock.moment = START + 4 * RETENTION

    assert (await store.get_workflow("a")).status is WorkflowStatus.RUNNING


async def test_the_retention_counts_from_the_end_of_the_run(
    store: DynamoDBStore, dynamodb: "DynamoDBClient", prefix: str
) -> None:
    await store.create_workflow(workflow("a"))
    await end(store, "a", after=timedelta(days=30))

    assert await expiries(dynamodb, prefix) == {"summary": 120}


async def test_details_that_come_later_do_not_move_the_expiry(
    store: DynamoDBStore, dynamodb: "DynamoDBClient", prefix: str, clock: Clock
) -> None:
    await store.create_workflow(workflow("a"))
    await end(store, "a", after=timedelta(days=30))
    clock.moment = START + timedelta(days=35)
    await store.update_workflow("a", {"output": noise(20_000)}, revision=1)
    await store.update_workflow("a", {"resolved_by_user": False}, revision=2)

    assert await expiries(dynamodb, prefix) == {"summary": 120, "output": 120}


async def test_parts_expire_with_their_workflow(store: DynamoDBStore, dynamodb: "DynamoDBClient", prefix: str) -> None:
    await store.create_workflow(workflow("a", input=noise(20_000)))
    longest = (await expiries(dynamodb, prefix))["input"]
    await end(store, "a", after=timedelta(days=1))

    assert longest is not None
    assert longest > 366 + RETENTION.days
    assert await expiries(dynamodb, prefix) == {"summary": 91, "input": 91}


async def test_what_goes_on_after_its_end_does_not_expire_until_it_ends_again(
    store: DynamoDBStore, dynamodb: "DynamoDBClient", prefix: str
) -> None:
    await store.create_workflow(workflow("a", input=noise(20_000)))
    longest = (await expiries(dynamodb, prefix))["input"]
    failed: WorkflowChanges = {"status": WorkflowStatus.FAILED, "stopped_at": START + timedelta(days=1)}
    await store.update_workflow("a", failed, revision=0)

    await store.update_workflow("a", reopening(1, by="outside", now=START), revision=1)
    going_on = await expiries(dynamodb, prefix)
    await end(store, "a", after=timedelta(days=2), revision=2)

    assert going_on == {"summary": None, "input": longest}
    assert await expiries(dynamodb, prefix) == {"summary": 92, "input": 92}


async def test_an_expired_workflow_is_gone_before_dynamodb_removes_it(store: DynamoDBStore, clock: Clock) -> None:
    await store.create_workflow(workflow("a"))
    await end(store, "a", after=timedelta(0))
    clock.moment = START + RETENTION - timedelta(seconds=1)
    assert (await store.get_workflow("a")).id == "a"

    clock.moment += timedelta(seconds=1)

    with pytest.raises(errors.WorkflowNotFound):
        await store.get_workflow("a")
    with pytest.raises(errors.WorkflowNotFound):
        await store.update_workflow("a", {"output": "{}"}, revision=1)
    for query in (WorkflowQuery(), WorkflowQuery(definition_name="sfncli-test:master")):
        assert (await store.list_workflows(query, limit=10)).workflows == []


async def test_the_id_of_an_expired_workflow_is_free(store: DynamoDBStore, clock: Clock) -> None:
    await store.create_workflow(workflow("a", input=noise(20_000)))
    await end(store, "a", after=timedelta(0))
    clock.moment = START + RETENTION
    newer = workflow("a").model_copy(update={"created_at": clock.moment, "input": noise(20_000)})

    await store.create_workflow(newer)

    assert await store.get_workflow("a") == newer
    assert (await store.list_workflows(WorkflowQuery(), limit=10)).workflows == [newer]
