"""What the clients of a scenario do, and what they were told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from app.executor.idempotency import keyed_id
from tests.crashes.world import MAX_RUNNING, SECRET, NoAnswer, World
from tests.rig import Rig
from workflow_manager import errors, models
from workflow_manager.models import QueueLimits, Workflow, WorkflowStatus

CLIENTS: Final = 5
ATTEMPTS: Final = 6
ARRIVAL_SECONDS: Final = 6.0
REFUSALS: Final = (errors.RefusedByAWS, errors.AccessDenied)
LIMITS: Final = (
    QueueLimits(),
    QueueLimits(paused=True),
    QueueLimits(max_running=1),
    QueueLimits(max_running=MAX_RUNNING),
    QueueLimits(max_running=2, starts_per_second=0.5),
    QueueLimits(starts_per_second=1),
)


@dataclass
class Ledger:
    """What clients were told."""

    accepted: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    """Workflows that AWS refuses, as every answer to their client said."""
    cancelled: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    """Answers that no client should get."""


class Client:
    """Starts one workflow, and then does what people do with one."""

    def __init__(self, world: World, ledger: Ledger, number: int) -> None:
        self._world = world
        self._ledger = ledger
        self._chance = world.chance
        self._number = number

    async def act(self) -> None:
        """Do it all, at times of its own choice."""
        await asyncio.sleep(self._chance.uniform(0, ARRIVAL_SECONDS))
        key = f"start {self._number}" if self._chance.random() < 0.75 else None
        text = f'{{"n":{self._number}}}'

        def start(rig: Rig) -> Awaitable[Workflow]:
            return rig.start(key=key, input=text, queue=self._world.queue)

        async with asyncio.TaskGroup() as doings:
            if key is not None and self._chance.random() < 0.3:
                doings.create_task(self._cancel(keyed_id(SECRET, key)))
            if key is not None and self._chance.random() < 0.2:
                doings.create_task(self._make(key, start))
            workflow = await self._make(key, start)
            if workflow is None:
                return
            doings.create_task(self._look(workflow.id))
            if self._chance.random() < 0.35:
                doings.create_task(self._cancel(workflow.id))
            for branch in range(self._chance.choice((0, 0, 1, 2))):
                name = f"resume {self._number} {branch}"
                doings.create_task(self._resume(workflow.id, name, force=branch > 0))

    async def _make(self, key: str | None, request: Callable[[Rig], Awaitable[Workflow]]) -> Workflow | None:
        """Have a workflow made; with a key the request is repeated until there is an answer."""
        unknown = False
        for _ in range(ATTEMPTS if key is not None else 1):
            try:
                workflow = await self._world.ask(request)
            except (NoAnswer, errors.Unavailable, errors.VersionConflict):
                unknown = True
                await asyncio.sleep(self._chance.uniform(0, 2))
            except REFUSALS:
                if key is not None and not unknown:
                    self._ledger.refused.add(keyed_id(SECRET, key))
                return None
            except (errors.WorkflowActive, errors.AlreadyResumed, errors.UnknownState):
                return None
            except errors.WorkflowManagerError as surprise:
                self._ledger.surprises.append(f"{type(surprise).__name__}: {surprise.message}")
                return None
            else:
                self._ledger.accepted.add(workflow.id)
                return workflow
        return None

    async def _look(self, workflow_id: str) -> None:
        for _ in range(self._chance.randrange(3)):
            await asyncio.sleep(self._chance.uniform(0, 6))
            await self._told(partial(_get, workflow_id, fetch_history=self._chance.random() < 0.3))
        if self._chance.random() < 0.2:
            await self._told(lambda rig: rig.executor.resolve(workflow_id))

    async def _cancel(self, workflow_id: str) -> None:
        await asyncio.sleep(self._chance.choice((0.0, self._chance.uniform(0, 2), self._chance.uniform(0, 15))))
        for _ in range(ATTEMPTS):
            try:
                await self._world.ask(lambda rig: rig.executor.cancel(workflow_id, "not needed"))
            except (NoAnswer, errors.Unavailable, errors.VersionConflict):
                await asyncio.sleep(self._chance.uniform(0, 2))
            except (errors.WorkflowNotFound, errors.WorkflowEnded, errors.AccessDenied):
                return
            else:
                self._ledger.cancelled.add(workflow_id)
                return

    async def _resume(self, workflow_id: str, key: str, *, force: bool) -> None:
        await self._has_ended(workflow_id)
        overrides = models.WorkflowDefinitionOverrides(start_at="echo")
        await self._make(key, lambda rig: rig.executor.resume(workflow_id, overrides, force=force, idempotency_key=key))

    async def _has_ended(self, workflow_id: str) -> None:
        for _ in range(10):
            seen = await self._told(lambda rig: rig.executor.get(workflow_id))
            if seen is not None and seen.status in {WorkflowStatus.FAILED, WorkflowStatus.CANCELLED}:
                return
            await asyncio.sleep(self._chance.uniform(1, 4))

    async def _told(self, request: Callable[[Rig], Awaitable[Workflow | None]]) -> Workflow | None:
        """Ask for something of a workflow that was accepted: it must be there."""
        try:
            return await self._world.ask(request)
        except (NoAnswer, errors.Unavailable, errors.Conflict):
            return None
        except errors.WorkflowNotFound as lost:
            self._ledger.surprises.append(lost.message)
            return None


class Operator:
    """Changes limits and state resources while clients are at work."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance

    async def act(self) -> None:
        """Do it all, and leave the queue open at the end."""
        for _ in range(self._chance.randrange(1, 5)):
            await asyncio.sleep(self._chance.uniform(0, 12))
            if self._chance.random() < 0.3:
                await self._change_resource()
            else:
                await self._world.limit(self._chance.choice(LIMITS))
        await asyncio.sleep(self._chance.uniform(0, 12))
        await self._world.limit(QueueLimits(max_running=MAX_RUNNING))

    async def _change_resource(self) -> None:
        uri = f"arn:aws:states:us-west-2:123456789012:activity:{self._chance.randrange(3)}"
        resource = models.NewStateResource(name="echo", namespace="dev", uri=uri)
        await self._world.rig().registry.put_state_resource(resource)


def _get(workflow_id: str, rig: Rig, *, fetch_history: bool) -> Awaitable[Workflow]:
    return rig.executor.get(workflow_id, fetch_history=fetch_history)


async def play(world: World) -> Ledger:
    """Let all clients act at once; returns when all are done."""
    ledger = Ledger()
    async with asyncio.TaskGroup() as clients:
        for number in range(CLIENTS):
            clients.create_task(Client(world, ledger, number).act())
        if world.has_operator:
            clients.create_task(Operator(world).act())
    return ledger
