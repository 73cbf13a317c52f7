"""Whether requests should be sent to a replica.

Covers `app.readiness` and `app.api.routes.operations`.
"""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from app.readiness import FRESH_SECONDS, PATIENCE_SECONDS, Readiness
from app.store.memory import MemoryStore
from tests.rig import Clock, LoopClock
from workflow_manager import errors


class JudgedStore(MemoryStore):
    """Counts how often it is asked, and answers as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.trouble: errors.WorkflowManagerError | None = None
        self.before: Callable[[], Awaitable[object]] | None = None

    async def check(self) -> None:
        self.asked += 1
        if self.before is not None:
            await self.before()
        if self.trouble is not None:
            raise self.trouble


def judge(store: JudgedStore, clock: Clock) -> Readiness:
    return Readiness(store, polls=lambda: True, clock=clock.seconds)


@pytest.mark.parametrize(
    "trouble", [errors.NoAnswer(), errors.AccessDenied("not yours"), errors.StartupError("The table is missing.")]
)
async def test_a_replica_whose_store_cannot_be_read_is_not_ready(trouble: errors.WorkflowManagerError) -> None:
    """The reason says why; when the store is back, so is the replica."""
    store, clock = JudgedStore(), Clock()
    readiness = judge(store, clock)
    await readiness.check()
    store.trouble = trouble
    clock.advance(FRESH_SECONDS)
    with pytest.raises(errors.NotReady, match=trouble.message):
        await readiness.check()
    store.trouble = None
    clock.advance(FRESH_SECONDS)
    await readiness.check()


async def test_the_store_is_asked_once_a_second_however_many_ask() -> None:
    store, clock = JudgedStore(), Clock()
    readiness = judge(store, clock)
    await asyncio.gather(*(readiness.check() for _ in range(10)))
    await readiness.check()
    assert store.asked == 1
    clock.advance(FRESH_SECONDS)
    await readiness.check()
    assert store.asked == 2


async def test_a_caller_that_goes_away_leaves_the_answer_to_the_others() -> None:
    store, clock, answer = JudgedStore(), Clock(), asyncio.Event()
    store.before = answer.wait
    readiness = judge(store, clock)
    first, second = asyncio.create_task(readiness.check()), asyncio.create_task(readiness.check())
    await asyncio.sleep(0)
    first.cancel()
    answer.set()
    await second
    assert store.asked == 1


@pytest.mark.looptime
async def test_a_store_that_is_silent_is_not_waited_for() -> None:
    store, clock = JudgedStore(), LoopClock()
    store.before = asyncio.Event().wait
    began = clock.seconds()
    with pytest.raises(errors.NotReady, match="no answer"):
        await judge(store, clock).check()
    assert clock.seconds() - began == PATIENCE_SECONDS


async def test_a_poller_that_stands_still_is_not_ready_whatever_the_store_says() -> None:
    readiness = Readiness(MemoryStore(), polls=lambda: False, clock=Clock().seconds)
    with pytest.raises(errors.NotReady, match="poller"):
        await readiness.check()


async def test_a_replica_that_drains_is_not_ready_and_serves_on(app: FastAPI, api: httpx.AsyncClient) -> None:
    """Its answers close their connections, so that callers come to another one."""
    before = await api.get("/workflows")
    app.state.shutdown.drain()
    try:
        ready, alive, listed = [await api.get(path) for path in ("/_ready", "/_health", "/workflows")]
    finally:
        app.state.shutdown.draining = False
    assert [ready.status_code, alive.status_code, listed.status_code] == [503, 200, 200]
    assert "stopping" in ready.json()["message"]
    assert listed.headers["connection"] == "close"
    assert "connection" not in before.headers
