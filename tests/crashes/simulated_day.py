"""A thousand workflows that come and go under AWS's quotas, in virtual time, with every wrong status noted."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self, cast

from app.executor.sfn import quotas
from app.executor.sfn.quotas import Priority
from app.store import WorkflowChanges
from app.store.memory import MemoryStore
from benchmarks.simulated_sfn import MEAN_SECONDS, Run, SimulatedSFN, moment
from tests import samples
from tests.rig import ACCOUNT, Clock, Rig
from workflow_manager.models import QueueLimits, Workflow, WorkflowDefinitionRef, WorkflowStatus

STATUSES: Final = {
    "SUCCEEDED": WorkflowStatus.SUCCEEDED,
    "FAILED": WorkflowStatus.FAILED,
    "ABORTED": WorkflowStatus.CANCELLED,
}


class SimulationClock(Clock):
    """The clock of a simulation."""

    def __init__(self, sfn: SimulatedSFN) -> None:
        super().__init__()
        self._sfn = sfn

    def now(self) -> datetime:
        """Return the present."""
        return self._sfn.now()

    def seconds(self) -> float:
        """Return the present on the clock of the loop."""
        return self._sfn.clock()


class JudgedStore(MemoryStore):
    """Compares every end that is written with what the run really did."""

    def __init__(self, sfn: SimulatedSFN) -> None:
        super().__init__()
        self._sfn = sfn
        self.open: dict[str, Run] = {}
        """Runs whose end is not stored."""
        self.wrong: list[str] = []
        self.ended = 0

    async def update_workflow(self, workflow_id: str, changes: WorkflowChanges, *, revision: int) -> Workflow:
        changed = await super().update_workflow(workflow_id, changes, revision=revision)
        if changed.status.terminal and (run := self.open.pop(workflow_id, None)) is not None:
            self.ended += 1
            if self._sfn.clock() < run.ends or changed.status is not STATUSES[run.ending]:
                self.wrong.append(f"{workflow_id} is {changed.status}: {changed.status_reason}")
        return changed


@dataclass
class _Surroundings:
    clock: Clock
    sfn: SimulatedSFN
    store: MemoryStore


class Day:
    """Everything but HTTP on simulated quotas, and workflows that are submitted all the time."""

    def __init__(self, *, active: int, machines: int, seed: int) -> None:
        clock = asyncio.get_running_loop().time
        self.sfn = SimulatedSFN(clock, seed=seed)
        self.store = JudgedStore(self.sfn)
        self.sfn.on_start = lambda run: self.store.open.__setitem__(run.name, run)
        self._active = active
        self._names = [f"echo-{number:03}" for number in range(machines)]
        around = _Surroundings(SimulationClock(self.sfn), self.sfn, self.store)
        self._rig = Rig(replica_of=cast("Rig", around), quotas=quotas.LARGE, poll_seconds=1.0)
        self.poller = self._rig.poller

    @classmethod
    @asynccontextmanager
    async def live(cls, *, active: int, machines: int, seed: int) -> AsyncIterator[Self]:
        """Poll and submit inside the block."""
        day = cls(active=active, machines=machines, seed=seed)
        await day._fill()
        polling = asyncio.create_task(day.poller.run())
        arriving = asyncio.create_task(day._arrive())
        yield day
        arriving.cancel()
        day.poller.stop()
        await polling

    @property
    def calls(self) -> Counter[str]:
        """Calls so far, refused ones too, by action."""
        return self.sfn.calls.copy()

    @property
    def needed_calls(self) -> int:
        """Calls so far that starts and statuses took, refused ones too; the rest is spare, and fills in details."""
        return sum(count for lane, count in self.sfn.calls_by_lane.items() if lane is not Priority.DETAIL)

    def unseen(self, *, ended_before: float) -> int:
        """Return how many runs ended before a moment, and are still shown as active."""
        return sum(run.ends < ended_before for run in self.store.open.values())

    async def submit(self, number: int, *, queue: str = "default") -> Workflow:
        """Submit a workflow of one of the definitions."""
        reference = WorkflowDefinitionRef(name=self._names[number % len(self._names)])
        return await self._rig.start(workflow_definition=reference, queue=queue)

    async def limit(self, queue: str, **limits: Any) -> None:
        """Change the limits of a queue."""
        await self._rig.queues.put(queue, QueueLimits(**limits))

    async def _fill(self) -> None:
        definitions = [await self._rig.define(name=name) for name in self._names]
        for number in range(self._active):
            definition = definitions[number % len(definitions)]
            machine = ACCOUNT.arn(f"stateMachine:dev--{definition.name}--0--echo")
            name = f"initial-{number:05}"
            started = -self.sfn.random.expovariate(1 / MEAN_SECONDS)
            self.sfn.add(machine, name, started=started)
            await self.store.create_workflow(
                samples.workflow(name).model_copy(
                    update={
                        "created_at": moment(started),
                        "last_updated": moment(started),
                        "workflow_definition": definition,
                        "status": WorkflowStatus.RUNNING,
                        "execution_arn": f"{machine.replace(':stateMachine:', ':execution:')}:{name}",
                    }
                )
            )

    async def _arrive(self) -> None:
        async with asyncio.TaskGroup() as starts:
            while True:
                await asyncio.sleep(self.sfn.random.expovariate(self._active / MEAN_SECONDS))
                reference = WorkflowDefinitionRef(name=self.sfn.random.choice(self._names))
                starts.create_task(self._rig.start(workflow_definition=reference))
