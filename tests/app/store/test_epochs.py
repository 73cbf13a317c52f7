"""Replicas follow changes of documents by one small read a second.

Covers `app.store.epochs`.
"""

import asyncio
from collections.abc import Sequence

import pytest

from app.store.epochs import LATEST_SECONDS, Watched, epoch_key
from app.store.memory import MemoryStore
from tests.rig import Clock
from workflow_manager import errors


class _Store(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.looks = self.loads = 0
        self.down = False

    async def names(self) -> Sequence[str]:
        self.loads += 1
        await asyncio.sleep(0)
        return [document.key for document in await self.list_documents("key/")]

    async def get_document(self, key: str):  # type: ignore[no-untyped-def]  # as the base has it
        self.looks += 1
        if self.down:
            raise errors.Unavailable("the store is down")
        return await super().get_document(key)


def _watched(store: _Store, clock: Clock) -> Watched[Sequence[str]]:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        await asyncio.sleep(0)

    return Watched(store, kind="keys", load=store.names, clock=clock.seconds, sleep=sleep)


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_many_readers_cost_one_look_and_one_load() -> None:
    store, clock = _Store(), Clock()
    watched = _watched(store, clock)

    assert await asyncio.gather(*(watched.get() for _ in range(100))) == [[]] * 100
    assert (store.looks, store.loads) == (1, 1)


async def test_a_change_is_seen_by_the_look_after_a_second_and_nothing_is_loaded_without_one() -> None:
    store, clock = _Store(), Clock()
    watched = _watched(store, clock)
    await watched.get()
    clock.advance(1.1)
    await watched.get()
    await _settle()
    assert (store.looks, store.loads) == (2, 1)

    await store.put_document("key/a", {}, revision=0, raises=epoch_key("keys"))
    clock.advance(1.1)
    await watched.get()
    await _settle()
    assert await watched.get() == ["key/a"]
    assert store.loads == 2


async def test_who_needs_it_current_waits_for_the_look() -> None:
    store, clock = _Store(), Clock()
    watched = _watched(store, clock)
    await watched.get()
    await store.put_document("key/a", {}, revision=0, raises=epoch_key("keys"))

    assert await watched.latest() == ["key/a"]


async def test_those_who_need_it_current_share_looks() -> None:
    store, clock = _Store(), Clock()
    watched = _watched(store, clock)
    await watched.get()
    began = clock.seconds()
    await asyncio.gather(*(watched.latest() for _ in range(100)))
    await asyncio.gather(*(watched.latest() for _ in range(100)))

    assert store.looks == 3
    assert clock.seconds() - began == pytest.approx(0.2)


async def test_a_change_made_here_is_seen_at_once() -> None:
    store, clock = _Store(), Clock()
    watched = _watched(store, clock)
    await watched.get()
    await store.put_document("key/a", {}, revision=0, raises=epoch_key("keys"))
    watched.outdate()

    assert await watched.get() == ["key/a"]


async def test_a_store_that_is_down_is_bridged_for_seconds_and_no_longer() -> None:
    store, clock = _Store(), Clock()
    watched = _watched(store, clock)
    await watched.get()
    store.down = True

    clock.advance(LATEST_SECONDS - 0.1)
    assert await watched.get() == []
    await _settle()
    clock.advance(0.2)
    with pytest.raises(errors.Unavailable):
        await watched.get()
    store.down = False
    assert await watched.get() == []
