"""What a listing of summaries reads of DynamoDB, and what it does not.

Covers `app.store.dynamodb.reader`.
"""

from typing import TYPE_CHECKING, Any

from app.store import WorkflowQuery
from tests import samples
from tests.app.store import backends
from tests.app.store.dynamodb_proxy import Request, Wire, http_session
from tests.app.store.incompressible import noise

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class Keys:
    """Notes which items are asked for."""

    def __init__(self, wire: Wire) -> None:
        self.parts: list[str] = []
        self.scopes: list[str] = []
        wire.before = self.note

    async def note(self, operation: str, body: Request) -> None:
        """Note the keys of a request."""
        if operation != "BatchGetItem":
            return
        for table in body["RequestItems"].values():
            for key in table["Keys"]:
                self.parts += [key["part"]["S"]] if "part" in key else []
                self.scopes += [key["scope"]["S"]] if "scope" in key else []


async def test_summaries_read_neither_payloads_nor_state_machines(
    engine: "DynamoDBClient", dynamodb_local_url: str
) -> None:
    prefix = await backends.empty_tables(engine, dynamodb_local_url)
    machine: dict[str, Any] = samples.ECHO | {"Comment": noise(500_000)}
    store = backends.store_on(engine, prefix)
    await store.create_definition(samples.definition(machine=machine))
    for number in range(3):
        await store.create_workflow(samples.workflow(f"w{number}", input=noise(100_000), output=noise(100_000)))
    cold = backends.store_on(engine, prefix)
    send = http_session(engine).send
    keys = Keys(Wire(engine))

    page = await cold.list_workflows(WorkflowQuery(), limit=10, summaries=True)
    await cold.list_active_workflows(limit=10)
    await cold.list_definitions(summaries=True)
    http_session(engine).send = send

    assert len(page.workflows) == 3
    assert set(keys.parts) == {"summary"}
    assert set(keys.scopes) == {"headers#sfncli-test:master"}


async def test_a_version_without_a_header_is_read_as_a_whole(engine: "DynamoDBClient", dynamodb_local_url: str) -> None:
    """Earlier versions of the service wrote none."""
    prefix = await backends.empty_tables(engine, dynamodb_local_url)
    store = backends.store_on(engine, prefix)
    await store.create_definition(samples.definition())
    await engine.delete_item(
        TableName=f"{prefix}-workflow-definitions",
        Key={"scope": {"S": "headers#sfncli-test:master"}, "entry": {"S": f"{0:016d}"}},
    )

    (found,) = (await backends.store_on(engine, prefix).list_definitions(summaries=True)).definitions

    assert found == samples.definition().model_copy(update={"state_machine": {}})
