"""One store, one AWS, processes that come and go, and clients that do not care."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from app.executor.idempotency import SECRET_DOCUMENT
from app.executor.sfn.quotas import Quota
from app.store import WorkflowChanges
from app.store.documents import Document
from app.store.memory import MemoryStore
from tests.crashes.injected_crashes import Chaos, Process, Wire
from tests.crashes.lagging_sfn import LaggingSFN
from tests.fake_sfn import FakeSFN
from tests.rig import Clock, LoopClock, Rig
from workflow_manager import errors
from workflow_manager.models import QueueLimits, Workflow

T = TypeVar("T")

PROCESSES: Final = 2
RESTART_SECONDS: Final = 3.0
"""A process that died is back after so long, at the most."""

PATIENCE_SECONDS: Final = 8.0
"""A client waits for an answer so long, at the most; its request may go on without it."""

POLL_SECONDS: Final = 2.0
HASTY_POLL_SECONDS: Final = 0.7
LEISURELY_POLL_SECONDS: Final = 3.0
"""How often a poller looks; to simulate it takes time, above all its own loop, which has many workers."""

LEASE_SECONDS: Final = 4.0

SECRET: Final = bytes(32)
"""With which the installation makes ids, so that clients can cancel what they have not heard of."""

QUEUE: Final = "slow"
MAX_RUNNING: Final = 2

LIMIT_SETTLED_SECONDS: Final = 15.0
"""A new limit counts for every start after this: others notice it, and starts under way arrive, or have become void."""

ASKING: Final[dict[str, Quota]] = {}
LISTING: Final = {
    "ListExecutions": Quota(1_000, 100),
    "DescribeExecution": Quota(20, 5),
    "GetExecutionHistory": Quota(20, 5),
}
"""Without quotas, workflows are asked for one by one; with these, state machines are listed."""


class NoAnswer(Exception):
    """The client does not know what became of its request."""


class WatchedStore(MemoryStore):
    """Notes every write that takes back the end of a workflow, or resumes one that runs."""

    def __init__(self, sfn: LaggingSFN) -> None:
        super().__init__()
        body = {"secret": SECRET.hex(), "formerUntil": 0.0}
        self._documents[SECRET_DOCUMENT] = Document(SECRET_DOCUMENT, 1, body)
        self._sfn = sfn
        self.records: dict[str, Workflow] = {}
        self.wrong: list[str] = []
        self.most_running: int | None = MAX_RUNNING
        self.limited_at = 0.0

    async def create_workflow(self, workflow: Workflow, *, ancestors: Sequence[Workflow] = ()) -> None:
        await super().create_workflow(workflow, ancestors=ancestors)
        await self._note(workflow.id, *(ancestor.id for ancestor in ancestors))
        if ancestors and self._sfn.runs(ancestors[0].id):
            self.wrong.append(f"{workflow.id} resumes {ancestors[0].id}, whose execution runs")

    async def update_workflow(self, workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        changed = await super().update_workflow(workflow_id, changes, revision=revision)
        await self._note(workflow_id)
        return changed

    async def discard_workflow(self, workflow_id: str, *, revision: int) -> None:
        await super().discard_workflow(workflow_id, revision=revision)
        discarded = self.records.pop(workflow_id)
        if discarded.retry_for is not None:
            await self._note(discarded.retry_for)

    def running_in_queue(self) -> list[str]:
        """Return which of those in the limited queue run."""
        return [
            workflow.id
            for workflow in self.records.values()
            if workflow.queue == QUEUE and not workflow.status.terminal and self._sfn.runs(workflow.id)
        ]

    def check_limit(self, started: str) -> None:
        """Note when a start makes more run in the limited queue than it allows, and has allowed for long enough."""
        if started not in self.records or self.records[started].queue != QUEUE:
            return
        running, settled = self.running_in_queue(), asyncio.get_running_loop().time() - self.limited_at
        if self.most_running is not None and len(running) > self.most_running and settled >= LIMIT_SETTLED_SECONDS:
            self.wrong.append(f"{len(running)} run at the same time in a queue for {self.most_running}")

    async def _note(self, *workflow_ids: str) -> None:
        for workflow_id in workflow_ids:
            before, after = self.records.get(workflow_id), await self.get_workflow(workflow_id)
            self.records[workflow_id] = after
            if before is not None and before.status.terminal and after.status is not before.status:
                self.wrong.append(f"{workflow_id} went from {before.status} to {after.status}")


@dataclass
class _Surroundings:
    """What a rig takes over from another one."""

    clock: Clock
    sfn: FakeSFN
    store: MemoryStore


class Replica:
    """The service in one process."""

    def __init__(self, world: "World") -> None:
        self.process = Process()
        sfn = Wire(world.sfn, self.process, world.chaos, aws=True)
        store = cast("MemoryStore", Wire(world.store, self.process, world.chaos, aws=False))
        surroundings = _Surroundings(world.clock, cast("FakeSFN", sfn), store)
        self.rig = Rig(
            replica_of=cast("Rig", surroundings),
            quotas=world.quotas,
            poll_seconds=world.poll_seconds,
            lease_seconds=LEASE_SECONDS,
        )
        self.poller = self.rig.poller
        polling = self.poller.run() if world.polls_by_itself else self._poll(world)
        self.polling = self.process.start(polling, name="poller")

    async def _poll(self, world: "World") -> None:
        while True:
            with suppress(errors.Unavailable):
                await self.poller.poll_once()
            await asyncio.sleep(world.poll_seconds if world.chaos.on else LEISURELY_POLL_SECONDS)


class World:
    """Everything that a scenario happens in."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = LoopClock()
        self.chaos = Chaos(self.chance)
        self.sfn = LaggingSFN(self.clock.now, self.chance)
        self.store = WatchedStore(self.sfn)
        self.sfn.on_start = self.store.check_limit
        self.quotas = self.chance.choice((ASKING, LISTING))
        self.queue = QUEUE if self.chance.random() < 0.3 else "default"
        self.has_operator = self.queue == QUEUE and self.chance.random() < 0.6
        self.polls_by_itself = self.chance.random() < 0.05
        self.poll_seconds = self.chance.choice((POLL_SECONDS, HASTY_POLL_SECONDS))
        if self.polls_by_itself:
            self.poll_seconds = LEISURELY_POLL_SECONDS
        self.poller_deaths: list[str] = []
        self._replicas: list[Replica] = []
        self._keepers: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Define what is run, and start the processes."""
        rig = self.rig()
        await rig.define()
        await self.limit(QueueLimits(max_running=MAX_RUNNING))
        self.store.limited_at = -LIMIT_SETTLED_SECONDS
        for _ in range(PROCESSES):
            replica = Replica(self)
            self._replicas.append(replica)
            self._keepers.append(asyncio.create_task(self._keep(replica)))

    async def limit(self, limits: QueueLimits) -> None:
        """Change the limits of the queue."""
        self.store.most_running, self.store.limited_at = None, self.clock.seconds()
        await self.rig().queues.put(QUEUE, limits)
        self.store.most_running = 0 if limits.paused else limits.max_running

    def rig(self) -> Rig:
        """Return the service in a process that never fails."""
        return Rig(replica_of=cast("Rig", _Surroundings(self.clock, self.sfn, self.store)))

    async def close(self) -> None:
        """End the processes."""
        for keeper in self._keepers:
            keeper.cancel()
        for replica in self._replicas:
            replica.process.die()
        await asyncio.gather(*self._keepers, *(replica.polling for replica in self._replicas), return_exceptions=True)

    async def ask(self, request: Callable[[Rig], Awaitable[T]]) -> T:
        """Send a request to one of the processes. Raises ``NoAnswer``, and the errors of the service."""
        replica = self.chance.choice(self._replicas)
        task = replica.process.serve(_answer(request, replica.rig))
        done, _ = await asyncio.wait({task}, timeout=self.chance.uniform(1, PATIENCE_SECONDS))
        if not done or task.cancelled():
            task.add_done_callback(_ignore)
            raise NoAnswer
        return task.result()

    async def poll(self) -> None:
        """Let every process poll, twice."""
        await asyncio.sleep(2 * LEISURELY_POLL_SECONDS)

    async def _keep(self, replica: Replica) -> None:
        """Start a process again whenever it has died."""
        while True:
            await asyncio.wait({replica.polling})
            self._replicas.remove(replica)
            if replica.process.alive:
                self.poller_deaths.append(repr(replica.polling.exception()))
                replica.process.die()
            if self._replicas:
                await asyncio.sleep(self.chance.uniform(0, RESTART_SECONDS))
            replica = Replica(self)
            self._replicas.append(replica)


def _ignore(answer: "asyncio.Task[Any]") -> None:
    if not answer.cancelled():
        answer.exception()


async def _answer(request: Callable[[Rig], Awaitable[T]], rig: Rig) -> T:
    return await request(rig)
