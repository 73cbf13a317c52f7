"""How stale a status is: the real poller, executor and memory store against simulated quotas, in virtual time.

    python -m benchmarks.poller [--active 1000 --machines 20] [--seconds 900]

A workflow lasts ten minutes on average. Staleness is the time from the end of a run to its status in the store.
"""

import argparse
import asyncio
import time
from dataclasses import dataclass
from typing import Any, cast

from app.executor import (
    Account,
    ExecutionLists,
    Executor,
    Launcher,
    Observer,
    Queues,
    Quotas,
    StateMachines,
    paced,
    quotas,
)
from app.models import (
    Manager,
    StartWorkflowRequest,
    Workflow,
    WorkflowDefinition,
    WorkflowDefinitionRef,
    WorkflowStatus,
)
from app.poller import Leadership, Poller
from app.store import WorkflowChanges
from app.store.memory import MemoryStore
from benchmarks import virtual_time
from benchmarks.simulated_sfn import EPOCH, MEAN_SECONDS, Run, SimulatedSFN, moment

GRID = [(1_000, 20), (1_000, 200), (10_000, 20), (10_000, 200), (100_000, 20), (100_000, 200)]
ACCOUNT = Account(region="us-west-2", account_id="123456789012", role_arn="arn:aws:iam::123456789012:role/x")
WARM_UP_SECONDS = 300.0


class RecordingStore(MemoryStore):
    """Notes when the end of a run arrives."""

    def __init__(self, sfn: SimulatedSFN) -> None:
        super().__init__()
        self._sfn = sfn
        self.staleness: list[float] = []
        self.pending: dict[str, Run] = {}
        self.measuring_since = 0.0

    async def update_workflow(self, workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        before = (await self.get_workflow(workflow_id)).status
        changed = await super().update_workflow(workflow_id, changes, revision=revision)
        if changed.status.terminal and not before.terminal:
            run = self._sfn.runs[workflow_id]
            self.pending.pop(workflow_id, None)
            if run.ends >= self.measuring_since:
                self.staleness.append(self._sfn.clock() - run.ends)
        return changed


@dataclass(frozen=True)
class Row:
    """What one setting measured."""

    active: int
    machines: int
    ended: int
    late: int
    p50: float
    p99: float
    worst: float
    calls: dict[str, int]
    throttled: int
    real_seconds: float


async def simulate(active: int, machines: int, seconds: float, *, seed: int = 1) -> Row:
    """Run one setting for a while after it has warmed up."""
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    sfn = SimulatedSFN(loop.time, seed=seed)
    store = RecordingStore(sfn)
    sfn.on_start = lambda run: store.pending.__setitem__(run.name, run)
    limits = Quotas(quotas.LARGE, clock=loop.time)
    client = paced(cast("Any", sfn), limits)
    observer = Observer(client, store, now=sfn.now)
    launcher = Launcher(client, store, StateMachines(client, role_arn=ACCOUNT.role_arn), ACCOUNT)
    executor = Executor(client, store, launcher, observer, Queues(store, now=sfn.now), now=sfn.now)
    definitions = [await _define(store, f"d{number:03}") for number in range(machines)]
    await _fill(sfn, store, launcher, definitions, active)
    poller = Poller(
        store,
        executor,
        observer,
        ExecutionLists(client),
        limits,
        Queues(store, now=sfn.now),
        Leadership(store, candidate="bench", lease_seconds=15.0, clock=loop.time),
        now=sfn.now,
        clock=loop.time,
        interval_seconds=1.0,
    )
    polling = asyncio.create_task(poller.run())
    arriving = asyncio.create_task(_arrive(sfn, executor, definitions, active / MEAN_SECONDS))
    await asyncio.sleep(WARM_UP_SECONDS)
    store.measuring_since = loop.time()
    store.staleness.clear()
    calls, throttled = sfn.calls.copy(), sfn.throttled.total()
    await asyncio.sleep(seconds)
    waiting = [
        loop.time() - run.ends for run in store.pending.values() if store.measuring_since <= run.ends < loop.time()
    ]
    arriving.cancel()
    poller.stop()
    await polling
    ages = sorted(store.staleness + waiting)
    return Row(
        active=active,
        machines=machines,
        ended=len(ages),
        late=len(waiting),
        p50=ages[len(ages) // 2],
        p99=ages[int(len(ages) * 0.99)],
        worst=ages[-1],
        calls=dict(sfn.calls - calls),
        throttled=sfn.throttled.total() - throttled,
        real_seconds=time.perf_counter() - began,
    )


async def _define(store: MemoryStore, name: str) -> WorkflowDefinition:
    machine = {"StartAt": "echo", "States": {"echo": {"Type": "Task", "Resource": "echo", "End": True}}}
    definition = WorkflowDefinition(
        id=name,
        name=name,
        version=0,
        created_at=EPOCH,
        manager=Manager.STEP_FUNCTIONS,
        state_machine=machine,
        default_tags={},
    )
    await store.create_definition(definition)
    return definition


async def _fill(
    sfn: SimulatedSFN, store: MemoryStore, launcher: Launcher, definitions: list[WorkflowDefinition], active: int
) -> None:
    for number in range(active):
        definition = definitions[number % len(definitions)]
        machine = await launcher.state_machine(definition, namespace="bench")
        workflow_id = f"initial-{number:08}"
        started = -sfn.random.expovariate(1 / MEAN_SECONDS)
        sfn.add(machine.arn, workflow_id, started=started)
        await store.create_workflow(
            Workflow(
                id=workflow_id,
                created_at=moment(started),
                last_updated=moment(started),
                workflow_definition=definition,
                status=WorkflowStatus.RUNNING,
                namespace="bench",
                queue="default",
                input="{}",
                tags={},
                execution_arn=machine.execution_arn(workflow_id),
            )
        )


async def _arrive(
    sfn: SimulatedSFN, executor: Executor, definitions: list[WorkflowDefinition], per_second: float
) -> None:
    async with asyncio.TaskGroup() as starts:
        while True:
            await asyncio.sleep(sfn.random.expovariate(per_second))
            name = sfn.random.choice(definitions).name
            request = StartWorkflowRequest(workflow_definition=WorkflowDefinitionRef(name=name), namespace="bench")
            starts.create_task(executor.start(request))


def main() -> None:
    """Print a row for every setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--active", type=int)
    parser.add_argument("--machines", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=900.0)
    options = parser.parse_args()
    grid = [(options.active, options.machines)] if options.active else GRID
    print(
        f"{'active':>8} {'machines':>8} {'ended':>8} {'p50 s':>7} {'p99 s':>7} {'worst s':>8} {'calls/wf':>8} {'throttled':>9}"
    )
    for active, machines in grid:
        row = virtual_time.run(simulate(active, machines, options.seconds))
        per_workflow = sum(row.calls.values()) / max(1, row.ended)
        print(
            f"{row.active:>8} {row.machines:>8} {row.ended:>8} {row.p50:>7.1f} {row.p99:>7.1f} {row.worst:>8.1f} "
            f"{per_workflow:>8.2f} {row.throttled:>9}   {row.calls} ({row.real_seconds:.0f} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
