"""How stale a status is: the real poller, executor and memory store against simulated quotas, in virtual time.

    python -m benchmarks.poller [--active 1000 --machines 20] [--seconds 900] [--events] [--naive]

A workflow lasts ten minutes on average. Staleness is the time from the end of a run to its status in the store; what
the store does not know at the end of the measurement counts with the time that it was waited for so far. With
``--events`` status changes come by way of EventBridge and SQS as well, one in a thousand lost; with ``--naive`` there
are rows of policies that first come to mind.
"""

import argparse
import asyncio
import logging
import time
import tracemalloc
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import structlog

from app.executor import (
    Account,
    CircuitBreaker,
    DefinitionCache,
    ExecutionLists,
    ExecutionStarter,
    Executor,
    NamespaceRoles,
    Outbox,
    Queues,
    Quotas,
    Reconciler,
    StateMachines,
    throttled,
)
from app.executor.recovery.redriver import Redriver
from app.executor.sfn import quotas
from app.poller import EventConsumer, Leadership, Poller, StatusEventHandler
from app.poller.schedule import PollSchedule
from app.poller.tracking import ActiveSet, Tracked
from app.store import WorkflowChanges
from app.store.memory import MemoryStore
from benchmarks import virtual_time
from benchmarks.naive import DescribeInTurn, ListInTurn, NaivePoller
from benchmarks.simulated_events import SimulatedEvents
from benchmarks.simulated_sfn import EPOCH, MEAN_SECONDS, Run, SimulatedSFN, moment
from workflow_manager.models import (
    Manager,
    StartWorkflowRequest,
    Workflow,
    WorkflowDefinition,
    WorkflowDefinitionRef,
    WorkflowStatus,
)

GRID = [(1_000, 20), (1_000, 200), (10_000, 20), (10_000, 200), (100_000, 20), (100_000, 200)]
ACCOUNT = Account(
    region="us-west-2", account_id="123456789012", roles=NamespaceRoles.same("arn:aws:iam::123456789012:role/x")
)
WARM_UP_SECONDS = 300.0
PAST_SECONDS = 3 * MEAN_SECONDS
"""What ended before counts too: without it the lists of ended runs would be short at first, and settle everything."""


class Policy(StrEnum):
    """Who finds out how runs end."""

    POLLING = "polling"
    EVENTS = "events"
    DESCRIBE_IN_TURN = "naive: describe"
    LIST_IN_TURN = "naive: list"


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

    policy: Policy
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


async def simulate(policy: Policy, active: int, machines: int, seconds: float, *, seed: int = 1) -> Row:
    """Run one setting for a while after it has warmed up."""
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    sfn = SimulatedSFN(loop.time, seed=seed)
    store = RecordingStore(sfn)
    sfn.on_start = lambda run: store.pending.__setitem__(run.name, run)
    limits = Quotas(quotas.LARGE, clock=loop.time)
    client = throttled(sfn.client(), limits)
    reconciler = Reconciler(client, store, now=sfn.now)
    definition_cache = DefinitionCache(store, clock=loop.time)
    starter = ExecutionStarter(client, definition_cache, StateMachines(client, clock=loop.time), ACCOUNT)
    queues, circuit_breaker = Queues(store, clock=sfn.clock), CircuitBreaker(clock=loop.time)
    redriver = Redriver(client, store, reconciler, now=sfn.now)
    outbox = Outbox(store, starter, reconciler, queues, limits, circuit_breaker, redriver, now=sfn.now)
    executor = Executor(client, store, definition_cache, reconciler, outbox, now=sfn.now)
    definitions = [await _define(store, f"d{number:03}") for number in range(machines)]
    background: list[Background] = _pollers(policy, store, outbox, reconciler, ExecutionLists(client), limits, sfn)
    if policy is Policy.EVENTS:
        background.append(_consumer(sfn, store, reconciler, cast("Poller", background[0]), seed=seed))
    await _fill(sfn, store, starter, definitions, active)
    tasks = [asyncio.create_task(each.run()) for each in background]
    arriving = asyncio.create_task(_arrive(sfn, executor, definitions, active / MEAN_SECONDS))
    await asyncio.sleep(WARM_UP_SECONDS)
    store.measuring_since = loop.time()
    store.staleness.clear()
    calls, refused = sfn.calls.copy(), sfn.throttled.total()
    await asyncio.sleep(seconds)
    waiting = [
        loop.time() - run.ends for run in store.pending.values() if store.measuring_since <= run.ends < loop.time()
    ]
    arriving.cancel()
    for each in background:
        each.stop()
    await asyncio.gather(*tasks)
    ages = sorted(store.staleness + waiting)
    return Row(
        policy=policy,
        active=active,
        machines=machines,
        ended=len(ages),
        late=len(waiting),
        p50=ages[len(ages) // 2],
        p99=ages[int(len(ages) * 0.99)],
        worst=ages[-1],
        calls=dict(sfn.calls - calls),
        throttled=sfn.throttled.total() - refused,
        real_seconds=time.perf_counter() - began,
    )


Background = Poller | EventConsumer | NaivePoller


def _pollers(
    policy: Policy,
    store: MemoryStore,
    outbox: Outbox,
    reconciler: Reconciler,
    lists: ExecutionLists,
    limits: Quotas,
    sfn: SimulatedSFN,
) -> list[Background]:
    match policy:
        case Policy.DESCRIBE_IN_TURN:
            return [DescribeInTurn(store, reconciler, lists)]
        case Policy.LIST_IN_TURN:
            return [ListInTurn(store, reconciler, lists)]
    leadership = Leadership(store, candidate="bench", lease_seconds=15.0, clock=sfn.clock)
    return [
        Poller(
            store,
            outbox,
            reconciler,
            lists,
            limits,
            Queues(store, clock=sfn.clock),
            CircuitBreaker(clock=sfn.clock),
            leadership,
            now=sfn.now,
            clock=sfn.clock,
            interval_seconds=1.0,
        )
    ]


def _consumer(
    sfn: SimulatedSFN, store: RecordingStore, reconciler: Reconciler, poller: Poller, *, seed: int
) -> EventConsumer:
    events = SimulatedEvents(seed=seed)

    def announce(run: Run) -> None:
        store.pending[run.name] = run
        events.announce(run)

    sfn.on_start = announce
    return EventConsumer(
        cast("Any", events),
        StatusEventHandler(store, reconciler, poller),
        queue_url="https://sqs.example/q",
        now=lambda: moment(asyncio.get_running_loop().time()),
    )


def memory_per_workflow(active: int, machines: int) -> float:
    """Return the bytes that the poller keeps for each active workflow."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    following = ActiveSet()
    agenda = PollSchedule(following, interval_seconds=1.0)
    for number in range(active):
        machine = f"arn:aws:states:us-west-2:123456789012:stateMachine:bench--d{number % machines:03}--0--echo"
        workflow_id = f"00000000-0000-4000-8000-{number:012}"
        agenda.track(Tracked(workflow_id, machine, "default", WorkflowStatus.RUNNING, 1, float(number), float(number)))
    agenda.plan(0.0, lists_per_second=5.0, asks_per_second=35.0)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / active


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
    sfn: SimulatedSFN, store: MemoryStore, starter: ExecutionStarter, definitions: list[WorkflowDefinition], active: int
) -> None:
    for definition in definitions:
        machine = await starter.state_machine(definition, namespace="bench")
        starts_per_second = active / MEAN_SECONDS / len(definitions)
        sfn.add_past(machine.arn, starts_per_second=starts_per_second, seconds=PAST_SECONDS)
    for number in range(active):
        definition = definitions[number % len(definitions)]
        machine = await starter.state_machine(definition, namespace="bench")
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
    parser.add_argument("--events", action="store_true", help="status changes come as events, too")
    parser.add_argument("--naive", action="store_true", help="rows of naive policies beside each")
    options = parser.parse_args()
    grid = [(options.active, options.machines)] if options.active else GRID
    policies = [Policy.EVENTS if options.events else Policy.POLLING]
    if options.naive:
        policies += [Policy.DESCRIBE_IN_TURN, Policy.LIST_IN_TURN]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(HEADING)
    for active, machines in grid:
        for policy in policies:
            row = virtual_time.run(simulate(policy, active, machines, options.seconds))
            planned = policy in {Policy.POLLING, Policy.EVENTS}
            print(_line(row, memory_per_workflow(active, machines) if planned else None), flush=True)


HEADING = (
    f"{'policy':<15} {'active':>7} {'machines':>8} {'ended':>7} {'unseen':>6} {'p50 s':>7} {'p99 s':>7} {'worst s':>8} "
    f"{'calls/wf':>8} {'throttled':>9} {'bytes/wf':>8}"
)


def _line(row: Row, memory: float | None) -> str:
    per_workflow = sum(row.calls.values()) / max(1, row.ended)
    return (
        f"{row.policy:<15} {row.active:>7} {row.machines:>8} {row.ended:>7} {row.late:>6} {row.p50:>7.1f} "
        f"{row.p99:>7.1f} {row.worst:>8.1f} {per_workflow:>8.2f} {row.throttled:>9} "
        f"{'' if memory is None else round(memory):>8}   {row.calls} ({row.real_seconds:.0f} s)"
    )


if __name__ == "__main__":
    main()
