"""Bad records of each kind in DynamoDB, and what they must not take along.

Covers `app.store.dynamodb.items` and `app.store.unreadable`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from app.store import WorkflowQuery
from app.store.dynamodb.store import DynamoDBStore
from app.store.tables import COORDINATION, DEFINITIONS, STATE_RESOURCES, WORKFLOWS, Table, table_name
from app.store.unreadable import UnreadableRecords
from tests import samples
from tests.app.store import backends
from tests.app.store.incompressible import noise
from workflow_manager import errors, models
from workflow_manager.models import WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class Bench:
    """A store, and a hand in its tables."""

    def __init__(self, client: "DynamoDBClient", prefix: str) -> None:
        self.client, self.prefix = client, prefix
        self.unreadable = UnreadableRecords()
        self.store = self.another()

    def another(self) -> DynamoDBStore:
        """Return a store that has read nothing yet."""
        return DynamoDBStore(
            self.client,
            table_prefix=self.prefix,
            retention_days=backends.KEPT_DAYS,
            now=lambda: samples.EPOCH,
            unreadable=self.unreadable,
        )

    async def set(self, table: Table, key: Mapping[str, str], name: str, value: Any) -> None:
        """Put a value in the place of an attribute."""
        await self.client.update_item(
            TableName=table_name(self.prefix, table),
            Key={attribute: {"S": text} for attribute, text in key.items()},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": value},
        )

    async def delete(self, table: Table, key: Mapping[str, str]) -> None:
        """Lose an item."""
        await self.client.delete_item(
            TableName=table_name(self.prefix, table), Key={name: {"S": text} for name, text in key.items()}
        )


@pytest_asyncio.fixture(loop_scope="session")
async def bench(engine: "DynamoDBClient", dynamodb_local_url: str) -> Bench:
    """A store with a definition, and two running workflows of it: a and bad."""
    bench = Bench(engine, await backends.empty_tables(engine, dynamodb_local_url))
    await bench.store.create_definition(samples.definition())
    for minutes, name in enumerate(("a", "bad")):
        await bench.store.create_workflow(samples.workflow(name, minutes=minutes, status=WorkflowStatus.RUNNING))
    return bench


def summary_of(workflow_id: str) -> Mapping[str, str]:
    """Return the key of a summary."""
    return {"id": workflow_id, "part": "summary"}


DAMAGES: list[tuple[str, dict[str, Any]]] = [
    ("status", {"S": "paused"}),
    ("status", {"N": "1"}),
    ("resolved", {"S": "no"}),
    ("revision", {"S": "x"}),
    ("body", {"B": b"q from a later version"}),
    ("body", {"B": b"z no zlib"}),
    ("body", {"B": b"r[1]"}),
    ("body", {"B": b'r{"priority":"high"}'}),
    ("body", {"S": "no bytes"}),
    ("version", {"S": "x"}),
    ("started_at", {"N": "1e40"}),
    ("tags", {"L": []}),
    ("retries", {"S": "x"}),
    ("expires_at", {"S": "never"}),
    ("input", {"B": b"q"}),
    ("input", {"S": "gone#1"}),
    ("input", {"S": "no generation"}),
    ("output", {"S": "gone#999999999999"}),
    ("output", {"N": "1"}),
    ("status_reason", {"B": b"r\xff"}),
    ("history", {"B": b'r{"jobs":[{"id":"1","status":"dreaming"}]}'}),
    ("last_job", {"B": b"r{}"}),
    ("start_at", {"S": "no such state"}),
    ("later", {"S": "an attribute of a later version"}),
]


@pytest.mark.parametrize(("name", "value"), DAMAGES, ids=lambda value: str(value)[:40])
async def test_no_damage_to_one_workflow_is_a_damage_to_others(bench: Bench, name: str, value: dict[str, Any]) -> None:
    await bench.set(WORKFLOWS, summary_of("bad"), name, value)

    page = await bench.store.list_workflows(WorkflowQuery(), limit=10)
    active = await bench.store.list_active_workflows(limit=10)

    assert [workflow.id for workflow in page.workflows] == ["bad", "a"]
    assert page.workflows[1].unreadable is None
    assert "a" in active.ids
    if page.workflows[0].unreadable:
        assert bench.unreadable.counts["workflow"] == 1
    else:
        assert name in {"later", "expires_at"}


async def test_a_record_is_logged_and_counted_once(bench: Bench) -> None:
    await bench.set(WORKFLOWS, summary_of("bad"), "status", {"S": "paused"})

    for _ in range(3):
        await bench.store.list_workflows(WorkflowQuery(), limit=10)
        with pytest.raises(errors.RecordUnreadable, match="'paused'"):
            await bench.store.get_workflow("bad")

    assert bench.unreadable.counts == {"workflow": 1}


async def test_an_unreadable_workflow_is_not_overwritten(bench: Bench) -> None:
    await bench.set(WORKFLOWS, summary_of("bad"), "status", {"S": "paused"})

    with pytest.raises(errors.RecordUnreadable):
        await bench.store.update_workflow("bad", {"status": WorkflowStatus.FAILED}, revision=0)
    with pytest.raises(errors.RecordUnreadable):
        await bench.store.update_workflow(
            "bad", {"status": WorkflowStatus.FAILED, "stopped_at": samples.EPOCH}, revision=0
        )
    with pytest.raises(errors.VersionConflict):
        await bench.store.update_workflow("bad", {"status": WorkflowStatus.RUNNING}, revision=0)


async def test_a_part_that_is_lost_is_no_reason_to_lose_the_rest(bench: Bench) -> None:
    large = "x" * 200_000
    await bench.store.create_workflow(samples.workflow("c", minutes=2, input=noise(20_000)))
    await bench.store.update_workflow("c", {"output": large}, revision=0)
    items = await backends.scan(bench.client, bench.prefix, WORKFLOWS)
    for part in [item["part"]["S"] for item in items if item["part"]["S"].startswith("input#")]:
        await bench.delete(WORKFLOWS, {"id": "c", "part": part})

    found = await bench.store.get_workflow("c")
    page = await bench.store.list_workflows(WorkflowQuery(), limit=10)

    assert (found.input, found.output) == ("", large)
    assert found.unreadable == "input: a part of it is missing"
    assert [workflow.id for workflow in page.workflows] == ["c", "bad", "a"]


@pytest.mark.parametrize("position", ["1", "12x#bad", "0999#", "9", "9999999999999"])
async def test_an_index_entry_that_is_no_position_is_passed_over(bench: Bench, position: str) -> None:
    await bench.set(WORKFLOWS, summary_of("bad"), "position", {"S": position})

    for query in (WorkflowQuery(), WorkflowQuery(statuses=(WorkflowStatus.RUNNING,)), WorkflowQuery(oldest_first=True)):
        page = await bench.store.list_workflows(query, limit=1)
        assert [workflow.id for workflow in page.workflows] == ["a"]
    assert list((await bench.store.list_active_workflows(limit=10)).ids) == ["a"]
    assert bench.unreadable.counts["index entry"] == 1


async def test_an_entry_of_a_new_workflow_that_is_no_position_is_passed_over(bench: Bench) -> None:
    await bench.client.put_item(
        TableName=table_name(bench.prefix, COORDINATION),
        Item={"scope": {"S": "recent#sfncli-test:master"}, "entry": {"S": "9999999999999"}},
    )

    page = await bench.store.list_workflows(WorkflowQuery(definition_name="sfncli-test:master"), limit=10)

    assert [workflow.id for workflow in page.workflows] == ["bad", "a"]


VERSION_0 = {"scope": "versions#sfncli-test:master", "entry": f"{0:016d}#0000"}


async def test_a_missing_definition_version_is_a_placeholder_in_every_list(bench: Bench) -> None:
    await bench.store.create_definition(samples.definition("other"))
    await bench.delete(DEFINITIONS, VERSION_0)
    store = bench.another()

    latest = (await store.list_definitions()).definitions
    versions = (await store.list_definitions("sfncli-test:master")).definitions
    page = await store.list_workflows(WorkflowQuery(), limit=10)

    assert [(each.name, each.unreadable) for each in latest] == [
        ("other", None),
        ("sfncli-test:master", "this version is missing"),
    ]
    assert [(each.version, each.state_machine) for each in versions] == [(0, {})]
    assert [workflow.unreadable for workflow in page.workflows] == [
        "version 0 of 'sfncli-test:master': this version is missing"
    ] * 2
    with pytest.raises(errors.RecordUnreadable):
        await store.get_definition("sfncli-test:master")
    with pytest.raises(errors.DefinitionNotFound):
        await store.get_definition("sfncli-test:master", version=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chunk", {"B": b"z no zlib"}),
        ("chunk", {"B": b'r{"manager":"airflow","created_at":0}'}),
        ("chunk", {"S": "no bytes"}),
        ("chunks", {"N": "7"}),
        ("chunks", {"N": "99999999"}),
        ("chunks", {"S": "x"}),
    ],
    ids=str,
)
async def test_a_damaged_definition_version_is_told_from_a_missing_one(
    bench: Bench, name: str, value: dict[str, Any]
) -> None:
    await bench.set(DEFINITIONS, VERSION_0, name, value)
    store = bench.another()

    found = (await store.list_definitions()).definitions

    if name == "chunks" and "S" in value:
        assert found[0].unreadable is None
        return
    assert found[0].unreadable
    for version in (None, 0):
        with pytest.raises(errors.RecordUnreadable) as raised:
            await store.get_definition("sfncli-test:master", version=version)
        assert isinstance(raised.value.placeholder, models.WorkflowDefinition)
    assert (await store.get_workflow("a")).unreadable


async def test_a_damaged_entry_of_the_list_of_names_hides_no_other(bench: Bench) -> None:
    await bench.store.create_definition(samples.definition("other"))
    await bench.set(DEFINITIONS, {"scope": "latest", "entry": "sfncli-test:master"}, "version", {"S": "x"})

    found = (await bench.store.list_definitions()).definitions

    assert [(each.name, each.unreadable is None) for each in found] == [("other", True), ("sfncli-test:master", False)]


async def test_a_state_resource_that_cannot_be_read_is_not_taken_for_none(bench: Bench) -> None:
    resource = models.StateResource(
        name="echo", namespace="dev", uri="arn:x", type=models.resource_type("arn:x"), last_updated=samples.EPOCH
    )
    await bench.store.put_state_resource(resource)
    await bench.set(STATE_RESOURCES, {"namespace": "dev", "name": "echo"}, "type", {"S": "QuantumARN"})

    with pytest.raises(errors.RecordUnreadable, match="state resource dev/echo"):
        await bench.store.find_state_resources("dev", ["echo"])
    await bench.store.put_state_resource(resource)
    assert await bench.store.get_state_resource("dev", "echo") == resource


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("body", {"B": b"z no zlib"}),
        ("body", {"B": b"r[1]"}),
        ("body", {"S": "x"}),
        ("revision", {"S": "x"}),
        ("revision", {"N": "0"}),
        ("revision", {"N": "-7"}),
    ],
    ids=str,
)
async def test_a_document_that_cannot_be_read_can_be_replaced(bench: Bench, name: str, value: dict[str, Any]) -> None:
    await bench.store.put_document("queue/a", {"n": 1}, revision=0)
    await bench.store.put_document("queue/b", {"n": 2}, revision=0)
    await bench.set(COORDINATION, {"scope": "documents", "entry": "queue/a"}, name, value)

    bad, good = await bench.store.list_documents("queue/")
    assert await bench.store.get_document("queue/a") == bad
    replaced = await bench.store.put_document("queue/a", {"n": 3}, revision=bad.revision)

    assert (bad.key, dict(bad.body)) == ("queue/a", {})
    assert bad.unreadable
    assert good.unreadable is None
    assert await bench.store.get_document("queue/a") == replaced
