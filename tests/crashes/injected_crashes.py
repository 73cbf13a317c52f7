"""Processes that die, requests that are cancelled, and calls that go wrong, at points that a seed chooses."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from tests.crashes import virtual_loop
from workflow_manager import errors

T = TypeVar("T")

LATEST_ACT_SECONDS: Final = 2.5
"""So long after its caller is gone, a call that is on its way can still arrive at AWS."""

HANG_SECONDS: Final = 20.0
"""A call that gets no answer is given up by the client after so long, at the most."""

LONGEST_OUTAGE_SECONDS: Final = 25.0

STARTING: Final = frozenset({"create_state_machine", "update_state_machine", "start_execution"})
"""Calls that AWS refuses for good reasons of its own, and that an outage stops."""

READING: Final = frozenset({"describe_execution", "get_execution_history"})

REFUSALS: Final = (
    errors.RefusedByAWS("InvalidDefinition"),
    errors.AccessDenied("not allowed"),
    errors.AWSError("SomethingNewException"),
)
"""How AWS refuses to start something."""

STORE_FAULTS: Final = ("lost", "early", "late")
AWS_FAULTS: Final = (*STORE_FAULTS, "slow", "hang", "throttled", "forbidden")


@dataclass
class Chaos:
    """What goes wrong, and where."""

    chance: random.Random
    on: bool = True
    points: int = 0
    crashes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        chance = self.chance
        self._aws_faults = chance.choice((0.03, 0.1, 0.3))
        self._store_faults = chance.choice((0.0, 0.02))
        self._weights = {kind: chance.choice((0, 1, 1, 5)) for kind in (*AWS_FAULTS, "refused")} | {"early": 1}
        self._outage_until = chance.uniform(0, LONGEST_OUTAGE_SECONDS) if chance.random() < 0.3 else 0.0
        self._points_between_crashes = chance.choice((30.0, 60.0, 200.0))
        self._may_deny = True
        self._plan()

    def strikes(self) -> bool:
        """Tell whether a crash is due at the next point."""
        if not self.on:
            return False
        self.points += 1
        if self.points < self._next_crash:
            return False
        self._plan()
        return True

    def fault(self, name: str, *, aws: bool) -> str | None:
        """Choose what goes wrong with a call, if anything does."""
        starting = aws and name in STARTING
        circuit_breaker = starting and asyncio.get_running_loop().time() < self._outage_until
        if not circuit_breaker and self.chance.random() >= (self._aws_faults if aws else self._store_faults):
            return None
        if not aws:
            return self.chance.choice(STORE_FAULTS)
        if self._may_deny and name in READING:
            self._may_deny = False
            return "denied"
        # What forbids a start is among the refusals.
        kinds = [*AWS_FAULTS[:-1], "refused"] if starting else [*AWS_FAULTS]
        return self.chance.choices(kinds, [self._weights[kind] for kind in kinds])[0]

    def _plan(self) -> None:
        self._next_crash = self.points + 1 + int(self.chance.expovariate(1 / self._points_between_crashes))


class Process:
    """A process: what belongs to it ends with it, wherever it is, and never does anything again."""

    def __init__(self) -> None:
        self.tasks: virtual_loop.Tasks = WeakKeyDictionary()
        self.requests: virtual_loop.Tasks = WeakKeyDictionary()
        self.alive = True

    def start(self, work: Coroutine[Any, Any, T], *, name: str | None = None) -> "asyncio.Task[T]":
        """Run something in this process."""
        return virtual_loop.start(self, work, name=name)

    def serve(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a request of a client in this process."""
        task = self.start(work)
        self.requests[task] = None
        return task

    def die(self) -> None:
        """End now."""
        self.alive = False
        for task in list(self.tasks):
            task.cancel()


class Wire:
    """Everything between one process and a service: each call passes points at which the process may crash."""

    def __init__(self, service: object, process: Process, chaos: Chaos, *, aws: bool) -> None:
        self._service = service
        self._process = process
        self._chaos = chaos
        self._aws = aws

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._service, name)
        if name == "client":
            return lambda: self

        async def call(*arguments: Any, **named: Any) -> Any:
            await self._point(f"{name}: not sent")
            answer = await self._send(name, lambda: method(*arguments, **named))
            await self._point(f"{name}: not answered")
            return answer

        setattr(self, name, call)
        return call

    async def _send(self, name: str, act: Callable[[], Awaitable[Any]]) -> Any:
        chaos = self._chaos
        if not chaos.on:
            return await act()
        chance = chaos.chance
        if fault := chaos.fault(name, aws=self._aws):
            return await self._fail(fault, act)
        await self._travel(chance.choice((0.0, 0.02, chance.uniform(0, 0.5))), act)
        answer = await act()
        await asyncio.sleep(chance.choice((0.0, 0.03)))
        return answer

    async def _fail(self, fault: str, act: Callable[[], Awaitable[Any]]) -> Any:
        chance = self._chaos.chance
        match fault:
            case "lost":
                await act()
                await asyncio.sleep(chance.uniform(0, 1))
            case "late":
                arrive_later(act, chance.uniform(0, LATEST_ACT_SECONDS))
            case "slow":
                await self._travel(chance.uniform(0, HANG_SECONDS), act)
                return await act()
            case "hang":
                await asyncio.sleep(chance.uniform(0, HANG_SECONDS))
            case "throttled":
                raise errors.Throttled
            case "denied":
                raise errors.ExecutionNotFound
            case "refused":
                raise chance.choice(REFUSALS)
            case "forbidden":
                raise errors.AccessDenied("not allowed")
        raise errors.NoAnswer

    async def _travel(self, seconds: float, act: Callable[[], Awaitable[Any]]) -> None:
        """Be on the way to the service; a caller that goes away may or may not take the call along."""
        chance = self._chaos.chance
        left_at = asyncio.get_running_loop().time()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            left = left_at + seconds - asyncio.get_running_loop().time()
            if left <= LATEST_ACT_SECONDS and chance.random() < 0.5:
                arrive_later(act, max(0.0, left))
            raise

    async def _point(self, where: str) -> None:
        if not self._process.alive:
            raise asyncio.CancelledError
        if not self._chaos.strikes():
            return
        self._chaos.crashes[where] += 1
        task = asyncio.current_task()
        assert task is not None
        if task in self._process.requests and self._chaos.chance.random() < 0.5:
            task.cancel()
        else:
            self._process.die()
        await asyncio.sleep(0)


def arrive_later(act: Callable[[], Awaitable[Any]], seconds: float) -> None:
    """Let a call arrive although nobody waits for its answer."""

    async def arrive() -> None:
        await asyncio.sleep(seconds)
        try:
            await act()
        except errors.WorkflowManagerError:
            return  # the answer is for nobody

    virtual_loop.start(None, arrive(), name="late call")
