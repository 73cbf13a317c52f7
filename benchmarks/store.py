"""What the DynamoDB store costs this process: CPU and requests, beside bare calls of aiobotocore with the same bytes.

    python -m benchmarks.store [--rounds 7] [--calls 150] [--endpoint URL]

Without an endpoint it starts DynamoDB Local when that was fetched, else the embedded AWS. Both are processes of their
own, so the CPU time of this one is that of the client. The calls take turns, and the median of the rounds counts.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiobotocore.session import get_session

from app.settings import Settings
from app.store import WorkflowChanges, WorkflowQuery, tables
from app.store.dynamodb.store import DynamoDBStore
from scripts import dynamodb_local
from workflow_manager import aws
from workflow_manager.local import LocalAWS
from workflow_manager.models import Job, JobStatus, Manager, Workflow, WorkflowDefinition, WorkflowStatus

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

FEW, MANY = 4, 32
"""Calls in flight in the lines that say so. Saves in flight at the same time share a request."""

ROWS = 100
"""Workflows on a page."""

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)

DEFINITION = WorkflowDefinition(
    id="bench",
    name="bench",
    version=0,
    created_at=MOMENT,
    manager=Manager.STEP_FUNCTIONS,
    state_machine={"StartAt": "echo", "States": {"echo": {"Type": "Task", "Resource": "echo", "End": True}}},
    default_tags={"team": "infra"},
)

JOB = Job(
    id="2",
    state="echo",
    type="Task",
    status=JobStatus.RUNNING,
    created_at=MOMENT,
    started_at=MOMENT,
    input='{"n": 1}',
    container="worker-1",
)


@dataclass(frozen=True)
class Cost:
    """What one call costs this process."""

    cpu_microseconds: float
    requests: float


@dataclass(frozen=True)
class Line:
    """A kind of call: what to do, how many rows or workflows that is, and what it is compared with."""

    name: str
    call: Callable[[], Awaitable[object]]
    beside: str
    at_once: int = 1
    divisor: int = 1


class Bench:
    """The store and a bare client on one endpoint."""

    def __init__(self, client: "DynamoDBClient", bare: "DynamoDBClient", prefix: str) -> None:
        self._bare = bare
        self._prefix = prefix
        self._store = DynamoDBStore(client, table_prefix=prefix, retention_days=36_500, now=lambda: MOMENT)
        self._item: Any = {}
        self._running: list[Workflow] = []
        self._numbers = itertools.count()
        self.requests = 0
        for counted in (client._client, bare):  # type: ignore[attr-defined]  # noqa: SLF001 - the one that sends
            counted.meta.events.register("before-send.dynamodb", self._count)

    def _count(self, **_: object) -> None:
        self.requests += 1

    @property
    def lines(self) -> Sequence[Line]:
        """Everything that is measured."""
        return [
            Line("bare put_item", self._bare_put, "bare put_item"),
            Line("save", self._save, "bare put_item"),
            *self._at_once(FEW),
            *self._at_once(MANY),
            Line("refresh with a job", self._refresh, "bare put_item"),
            Line("bare get_item", self._bare_get, "bare get_item"),
            Line("look", self._look, "bare get_item"),
            Line("row of a definition's listing", self._list, "bare get_item", divisor=ROWS),
            Line("row of the active list", self._list_active, "bare get_item", divisor=ROWS),
        ]

    def _at_once(self, count: int) -> Sequence[Line]:
        bare = f"bare put_item, {count} at once"
        return [Line(bare, self._bare_put, bare, count), Line(f"save, {count} at once", self._save, bare, count)]

    async def prepare(self) -> None:
        """Store what the calls need, and learn the bytes of a saved workflow."""
        await self._store.create_definition(DEFINITION)
        for _ in range(ROWS + 1):
            await self._save()
        saved = (await self._store.list_workflows(WorkflowQuery(), limit=1)).workflows[0]
        self._running = [saved]
        answer = await self._bare.get_item(TableName=self._table(tables.WORKFLOWS), Key=_key(saved.id))
        self._item = answer["Item"]

    def _table(self, table: tables.Table) -> str:
        return tables.table_name(self._prefix, table)

    async def _bare_put(self) -> None:
        # Into another table, so that the listings stay as they are.
        item = {"scope": {"S": "bare"}, "entry": {"S": str(uuid.uuid4())}, **self._item}
        await self._bare.put_item(TableName=self._table(tables.COORDINATION), Item=item)

    async def _bare_get(self) -> None:
        key = _key(self._item["id"]["S"])
        await self._bare.get_item(TableName=self._table(tables.WORKFLOWS), Key=key, ConsistentRead=True)

    async def _save(self) -> None:
        workflow_id = str(uuid.uuid4())
        created_at = MOMENT + timedelta(milliseconds=next(self._numbers))
        workflow = Workflow(
            id=workflow_id,
            created_at=created_at,
            last_updated=created_at,
            workflow_definition=DEFINITION,
            status=WorkflowStatus.QUEUED,
            namespace="production",
            queue="default",
            input='{"n": 1}',
            tags={"team": "infra"},
            execution_arn=f"arn:aws:states:us-west-2:123456789012:execution:production--bench--0--echo:{workflow_id}",
        )
        await self._store.create_workflow(workflow)

    async def _refresh(self) -> None:
        (workflow,) = self._running
        changes: WorkflowChanges = {
            "status": WorkflowStatus.RUNNING,
            "started_at": MOMENT,
            "jobs": (JOB,),
            "last_job": JOB,
            "last_updated": MOMENT,
            "observed_at": MOMENT,
        }
        self._running = [await self._store.update_workflow(workflow.id, changes, revision=workflow.revision)]

    async def _look(self) -> None:
        await self._store.get_workflow(self._item["id"]["S"])

    async def _list(self) -> None:
        page = await self._store.list_workflows(WorkflowQuery(definition_name=DEFINITION.name), limit=ROWS)
        assert len(page.workflows) == ROWS  # noqa: S101 - or the number means nothing

    async def _list_active(self) -> None:
        page = await self._store.list_active_workflows(limit=ROWS)
        assert len(page.workflows) == ROWS  # noqa: S101


def _key(workflow_id: str) -> Any:
    return {"id": {"S": workflow_id}, "part": {"S": "summary"}}


async def _measure(bench: Bench, line: Line, calls: int) -> Cost:
    requests, began = bench.requests, time.process_time()
    waves = max(1, calls // line.at_once // line.divisor)
    for _ in range(waves):
        if line.at_once == 1:
            await line.call()
        else:
            await asyncio.gather(*(line.call() for _ in range(line.at_once)))
    done = waves * line.at_once * line.divisor
    return Cost((time.process_time() - began) / done * 1e6, (bench.requests - requests) / done)


async def _run(endpoint: str, *, rounds: int, calls: int) -> None:
    async with _clients(endpoint) as (client, bare):
        prefix = f"bench-{uuid.uuid4().hex}"
        await tables.create_tables(client, prefix)
        bench = Bench(client, bare, prefix)
        await bench.prepare()
        costs: dict[str, list[Cost]] = {line.name: [] for line in bench.lines}
        for number in range(rounds + 1):
            for line in bench.lines:
                cost = await _measure(bench, line, calls)
                if number:  # the first round warms up
                    costs[line.name].append(cost)
        _print(bench.lines, {name: _median(some) for name, some in costs.items()})


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.cpu_microseconds for cost in costs),
        statistics.median(cost.requests for cost in costs),
    )


def _print(lines: Sequence[Line], costs: Mapping[str, Cost]) -> None:
    sys.stdout.write(f"{'per call, workflow or row':34}{'CPU':>10}{'requests':>10}{'CPU / bare':>12}\n")
    for line in lines:
        cost = costs[line.name]
        ratio = cost.cpu_microseconds / costs[line.beside].cpu_microseconds
        sys.stdout.write(f"{line.name:34}{cost.cpu_microseconds:7.0f} µs{cost.requests:10.2f}{ratio:12.2f}\n")


@asynccontextmanager
async def _clients(endpoint: str) -> AsyncIterator[tuple["DynamoDBClient", "DynamoDBClient"]]:
    os.environ.update(AWS_ENDPOINT_URL=endpoint, AWS_REGION="us-west-2")
    opening = get_session().create_client(
        "dynamodb",
        region_name="us-west-2",
        endpoint_url=endpoint,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",  # noqa: S106 - nobody checks it
    )
    async with aws.connect(Settings.load().aws).dynamodb() as client, opening as bare:
        yield client, bare


async def _main(endpoint: str | None, *, rounds: int, calls: int) -> None:
    async with AsyncExitStack() as stack:
        if endpoint is None and dynamodb_local.is_there():
            endpoint = stack.enter_context(dynamodb_local.dynamodb_local())
        elif endpoint is None:
            endpoint = (await stack.enter_async_context(LocalAWS())).url
        await _run(endpoint, rounds=rounds, calls=calls)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=150, help="calls, or rows, in each round")
    parser.add_argument("--endpoint", help="of a DynamoDB that may be filled with rubbish")
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.endpoint, rounds=arguments.rounds, calls=arguments.calls))
