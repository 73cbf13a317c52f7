"""What the DynamoDB store does when the network fails it, or AWS does only part of what was asked.

Covers `app.store.dynamodb`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.store import WorkflowQuery
from app.store.dynamodb.store import DynamoDBStore
from tests import samples
from tests.app.store import backends
from tests.app.store.dynamodb_proxy import Wire
from tests.app.store.incompressible import noise
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


@pytest.fixture
def wire(dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The wire of the store; the SDK does not pause before it tries again."""
    monkeypatch.setattr("aiobotocore.endpoint.asyncio", SimpleNamespace(sleep=lambda _: asyncio.sleep(0)))
    return Wire(dynamodb)


@pytest_asyncio.fixture(loop_scope="session")
async def store(dynamodb: "DynamoDBClient", prefix: str) -> DynamoDBStore:
    """A store with the definition that the samples name."""
    store = backends.store_on(dynamodb, prefix)
    await store.create_definition(samples.definition())
    return store


async def test_a_workflow_whose_answer_was_lost_is_created(store: DynamoDBStore, wire: Wire) -> None:
    wire.lose_answers("PutItem")

    await store.create_workflow(samples.workflow("a"))

    assert wire.requests["PutItem"] == 2
    assert await store.get_workflow("a") == samples.workflow("a")


async def test_an_update_whose_answer_was_lost_counts_once(store: DynamoDBStore, wire: Wire) -> None:
    await store.create_workflow(samples.workflow("a"))
    wire.lose_answers("UpdateItem")

    changed = await store.update_workflow("a", {"output": "{}"}, revision=0)

    assert wire.requests["UpdateItem"] == 2
    assert changed.revision == 1
    assert await store.get_workflow("a") == changed


async def test_an_update_that_lost_its_answer_and_the_race_is_a_conflict(store: DynamoDBStore, wire: Wire) -> None:
    await store.create_workflow(samples.workflow("a"))
    await store.update_workflow("a", {"output": "{}"}, revision=0)
    wire.lose("UpdateItem")

    with pytest.raises(errors.VersionConflict):
        await store.update_workflow("a", {"output": "[]"}, revision=0)


async def test_an_id_that_somebody_else_took_is_a_conflict_also_after_a_lost_request(
    store: DynamoDBStore, wire: Wire
) -> None:
    await store.create_workflow(samples.workflow("a"))
    wire.lose("PutItem")

    with pytest.raises(errors.VersionConflict):
        await store.create_workflow(samples.workflow("a"))


async def test_a_resume_whose_answer_was_lost_links_once(store: DynamoDBStore, wire: Wire) -> None:
    original = samples.workflow("a")
    await store.create_workflow(original)
    wire.lose_answers("TransactWriteItems")

    await store.create_workflow(samples.workflow("b", retry_for="a"), ancestors=[original])

    assert (await store.get_workflow("a")).retries == ("b",)
    assert (await store.get_workflow("b")).retry_for == "a"


async def test_a_version_whose_answer_was_lost_is_added_once(store: DynamoDBStore, wire: Wire) -> None:
    wire.lose_answers("TransactWriteItems")

    await store.add_definition_version(samples.definition(version=1))

    assert [found.version for found in (await store.list_definitions("sfncli-test:master")).definitions] == [1, 0]


async def test_a_discard_whose_answer_was_lost_is_done(store: DynamoDBStore, wire: Wire) -> None:
    await store.create_workflow(samples.workflow("a"))
    wire.lose_answers("TransactWriteItems")

    await store.discard_workflow("a", revision=0)

    with pytest.raises(errors.WorkflowNotFound):
        await store.get_workflow("a")


async def test_no_answer_at_all_is_said_so_and_the_record_is_whole_or_absent(store: DynamoDBStore, wire: Wire) -> None:
    large = noise(50_000)
    wire.lose_answers("PutItem", times=3)

    with pytest.raises(errors.Unavailable):
        await store.create_workflow(samples.workflow("a", input=large))

    assert (await store.get_workflow("a")).input == large


async def test_a_crash_between_the_parts_and_the_summary_leaves_the_old_whole(store: DynamoDBStore, wire: Wire) -> None:
    before = await _with_output(store, noise(20_000))
    wire.lose("UpdateItem", times=3)

    with pytest.raises(errors.Unavailable):
        await store.update_workflow("a", {"output": noise(20_000)}, revision=before.revision)

    assert await store.get_workflow("a") == before
    after = await store.update_workflow("a", {"output": noise(20_000)}, revision=before.revision)
    assert await store.get_workflow("a") == after


async def test_a_crash_before_old_parts_are_removed_loses_nothing(store: DynamoDBStore, wire: Wire) -> None:
    before = await _with_output(store, noise(20_000))
    wire.lose("BatchWriteItem", times=3, when=lambda body: "DeleteRequest" in str(body))

    newer = noise(20_000)
    after = await store.update_workflow("a", {"output": newer}, revision=before.revision)

    assert after.output == newer
    assert await store.get_workflow("a") == after


async def test_a_workflow_is_created_when_it_cannot_be_entered_as_recent(store: DynamoDBStore, wire: Wire) -> None:
    wire.lose("BatchWriteItem", times=3)

    await store.create_workflow(samples.workflow("a"))

    page = await store.list_workflows(WorkflowQuery(definition_name="sfncli-test:master"), limit=10)
    assert [workflow.id for workflow in page.workflows] == ["a"]


async def test_a_refused_update_leaves_no_parts(store: DynamoDBStore, wire: Wire) -> None:
    await store.create_workflow(samples.workflow("a"))
    removed: list[str] = []
    wire.rewrites["BatchWriteItem"] = lambda body: removed.append(str(body)) if "DeleteRequest" in str(body) else None

    with pytest.raises(errors.VersionConflict):
        await store.update_workflow("a", {"output": noise(20_000)}, revision=7)

    assert len(removed) == 1
    assert "output#" in removed[0]


async def test_a_reader_whom_an_update_takes_the_parts_away_reads_again(store: DynamoDBStore, wire: Wire) -> None:
    before = await _with_output(store, noise(20_000))
    newer = noise(20_000)

    async def overtake(operation: str, _: object) -> None:
        if operation == "BatchGetItem":
            wire.before = None
            await store.update_workflow("a", {"output": newer}, revision=before.revision)

    wire.before = overtake

    assert (await store.get_workflow("a")).output == newer


async def test_a_creation_that_lost_its_answer_and_was_built_upon_is_a_creation(
    store: DynamoDBStore, wire: Wire
) -> None:
    workflow = samples.workflow("a", input=noise(20_000))
    overtake(wire, "PutItem", lambda: store.update_workflow("a", {"status": WorkflowStatus.RUNNING}, revision=0))

    await store.create_workflow(workflow)

    running = workflow.model_copy(update={"status": WorkflowStatus.RUNNING, "revision": 1})
    assert await store.get_workflow("a") == running


async def test_an_update_that_lost_its_answer_and_was_overtaken_keeps_its_parts(
    store: DynamoDBStore, wire: Wire
) -> None:
    """Its caller is told of a conflict, and finds its own change there when it looks again."""
    before = await _with_output(store, noise(20_000))
    newer = noise(20_000)
    overtake(wire, "UpdateItem", lambda: store.update_workflow("a", {"last_updated": samples.EPOCH}, revision=2))

    with pytest.raises(errors.VersionConflict):
        await store.update_workflow("a", {"output": newer}, revision=before.revision)

    stored = await store.get_workflow("a")
    assert (stored.output, stored.revision) == (newer, 3)


def overtake(wire: Wire, operation: str, act: Callable[[], Awaitable[object]]) -> None:
    """Lose the answer of the next request of an operation, and act before it is repeated."""
    wire.lose_answers(operation)
    sent = 0

    async def before(sending: str, _: object) -> None:
        nonlocal sent
        sent += sending == operation
        if sent == 2:
            wire.before = None
            await act()

    wire.before = before


async def _with_output(store: DynamoDBStore, output: str) -> Workflow:
    await store.create_workflow(samples.workflow("a"))
    return await store.update_workflow("a", {"output": output, "status": WorkflowStatus.RUNNING}, revision=0)
