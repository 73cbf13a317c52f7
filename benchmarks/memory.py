"""What active workflows cost the memory store: bytes for each, and how long a full garbage collection takes.

    python -m benchmarks.memory [--active 100000]

Beside it stand two naive stores: a dictionary of pydantic models that share their definitions, and one of models that
hold their own. Each is measured in a fresh process. Bytes are counted by tracemalloc; those of the payload (input,
tags, jobs as JSON) are left out.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import NamedTuple

from app.cli import gc_tuning
from app.store.memory import MemoryStore
from workflow_manager.models import Job, JobStatus, Manager, Workflow, WorkflowDefinition, WorkflowStatus

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
MACHINES = 20
COLLECTIONS = 5
STATES = 12
WITH_JOBS = 8
"""One workflow in so many has a job that was seen while it runs; the others were only listed."""

Put = Callable[[Workflow], Awaitable[object]]


class Row(NamedTuple):
    """What one store measured."""

    store: str
    bytes_each: float
    payload_each: float
    longest_collection_seconds: float


def definition(number: int) -> WorkflowDefinition:
    """Return one of the definitions, with a dozen of tasks."""
    tasks = {
        f"state-{state}": {"Type": "Task", "Resource": f"worker-{state}", "Next": f"state-{state + 1}"}
        for state in range(STATES)
    }
    return WorkflowDefinition(
        id=f"definition-{number}",
        name=f"definition-{number}",
        version=0,
        created_at=EPOCH,
        manager=Manager.STEP_FUNCTIONS,
        state_machine={"StartAt": "state-0", "States": tasks | {f"state-{STATES}": {"Type": "Succeed"}}},
        default_tags={"team": "infra"},
    )


def workflow(number: int, of: WorkflowDefinition) -> Workflow:
    """Return a running workflow; every text of it is its own, as if it had come in a request."""
    workflow_id = f"0b3b5c9e-5f0b-4c39-9c55-{number:012}"
    moment = EPOCH + timedelta(seconds=number)
    return Workflow(
        id=workflow_id,
        created_at=moment,
        started_at=moment + timedelta(seconds=1),
        last_updated=moment + timedelta(seconds=2),
        observed_at=moment + timedelta(seconds=2),
        workflow_definition=of,
        status=WorkflowStatus.RUNNING,
        namespace=str(b"production", "ascii"),
        queue=str(b"default", "ascii"),
        input=json.dumps({"customer": number}),
        tags={"team": "infra", "customer": str(number)},
        jobs=(job(moment),) if number % WITH_JOBS == 0 else (),
        execution_arn=f"arn:aws:states:us-west-2:123456789012:execution:production--{of.name}--0--state-0:{workflow_id}",
    )


def job(moment: datetime) -> Job:
    """Return a running job."""
    return Job(id="2", state="state-0", type="Task", status=JobStatus.RUNNING, created_at=moment, input='{"n":1}')


def payload(workflow: Workflow) -> int:
    """Return the bytes of what the caller and the run brought."""
    texts = [workflow.input, *workflow.tags, *workflow.tags.values(), *(job.model_dump_json() for job in workflow.jobs)]
    return sum(len(text.encode()) for text in texts)


def memory_store() -> tuple[object, Put, bool]:
    """Return the store of the service."""
    store = MemoryStore()
    return store, store.create_workflow, True


def naive_store() -> tuple[object, Put, bool]:
    """Return a dictionary of models."""
    kept: dict[str, Workflow] = {}

    async def put(workflow: Workflow) -> None:
        kept[workflow.id] = workflow

    return kept, put, True


def naive_store_of_copies() -> tuple[object, Put, bool]:
    """Return a dictionary of models that each hold their own definition, as a parsed record does."""
    kept, put, _ = naive_store()
    return kept, put, False


async def measure(name: str, make: Callable[[], tuple[object, Put, bool]], active: int) -> Row:
    """Fill a store, and look."""
    definitions = [definition(number) for number in range(MACHINES)]
    kept, put, shared = make()
    gc_tuning.settle()
    tracemalloc.start()
    payloads = 0
    for number in range(active):
        of = definitions[number % MACHINES]
        each = workflow(number, of if shared else of.model_copy(deep=True))
        payloads += payload(each)
        await put(each)
    del each
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    longest = max(_collect() for _ in range(COLLECTIONS))
    del kept
    return Row(name, taken / active - payloads / active, payloads / active, longest)


def _collect() -> float:
    began = time.process_time()
    gc.collect()
    return time.process_time() - began


def _child(connection: Connection, name: str, active: int) -> None:
    connection.send(asyncio.run(measure(name, STORES[name], active)))


STORES: dict[str, Callable[[], tuple[object, Put, bool]]] = {
    "memory store": memory_store,
    "models": naive_store,
    "models with copies": naive_store_of_copies,
}


def in_fresh_process(name: str, active: int) -> Row:
    """Measure one store in a process that did nothing before."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_child, args=(theirs, name, active))
    process.start()
    theirs.close()
    row: Row = ours.recv()
    process.join()
    return row


def main() -> None:
    """Print a row for each store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--active", type=int, default=100_000)
    options = parser.parse_args()
    print(f"{options.active} active workflows of {MACHINES} definitions")
    print(f"{'store':>20} {'bytes each':>11} {'+ payload':>10} {'longest full collection':>24}")
    for name in STORES:
        row = in_fresh_process(name, options.active)
        seconds = row.longest_collection_seconds
        print(f"{row.store:>20} {row.bytes_each:>11.0f} {row.payload_each:>10.0f} {seconds * 1000:>21.1f} ms")


if __name__ == "__main__":
    main()
