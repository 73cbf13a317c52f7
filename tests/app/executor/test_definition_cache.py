"""What is remembered of the store between starts, and for how long.

Covers `app.executor.definition_cache` and `app.executor.lru_cache`.
"""

import asyncio
from collections.abc import Iterable, Mapping

from app.executor.definition_cache import MAX_DEFINITION_BYTES, RESOURCES_GOOD_FOR_SECONDS, DefinitionCache
from app.executor.lru_cache import LRUCache
from app.store.memory import MemoryStore
from tests import samples
from tests.rig import Rig
from workflow_manager import errors, models

NAMES = frozenset({"echo"})


def resource(uri: str) -> models.NewStateResource:
    return models.NewStateResource(name="echo", namespace="dev", uri=uri)


async def _started_with(rig: Rig) -> str:
    """Start a workflow; return the definition of the state machine that runs it."""
    await rig.start()
    (machine,) = rig.sfn.machines.values()
    definition: str = machine["definition"]
    return definition


async def test_a_resource_changed_in_this_process_counts_at_the_next_start() -> None:
    rig = Rig()
    await rig.define()
    await rig.start()

    await rig.registry.put_state_resource(resource("arn:aws:lambda:us-west-2:1:function:mine"))
    assert "function:mine" in await _started_with(rig)
    await rig.registry.delete_state_resource("dev", "echo")
    assert "function:mine" not in await _started_with(rig)


async def test_a_resource_changed_by_another_replica_counts_after_some_seconds() -> None:
    rig = Rig()
    other = Rig(replica_of=rig)
    await rig.define()
    await rig.start()

    await other.registry.put_state_resource(resource("arn:aws:lambda:us-west-2:1:function:mine"))
    assert "function:mine" not in await _started_with(rig)
    rig.clock.advance(RESOURCES_GOOD_FOR_SECONDS)
    assert "function:mine" in await _started_with(rig)


async def test_what_was_read_before_a_change_is_not_remembered_after_it() -> None:
    store = SlowStore()
    definition_cache = DefinitionCache(store, clock=lambda: 0.0)

    reading = asyncio.create_task(definition_cache.uris("dev", NAMES))
    await store.found.wait()
    await store.put_state_resource(_stored("arn:new"))
    definition_cache.forget_resources()
    store.answering.set()

    assert await reading == {}
    assert await definition_cache.uris("dev", NAMES) == {"echo": "arn:new"}


async def test_a_version_is_one_object_for_all_that_ask() -> None:
    store = MemoryStore()
    await store.create_definition(samples.definition("a"))
    definition_cache = DefinitionCache(store, clock=lambda: 0.0)

    latest = await definition_cache.definition("a", version=None)

    assert await definition_cache.definition("a", version=0) is latest


async def test_a_missing_version_is_not_remembered() -> None:
    store = MemoryStore()
    await store.create_definition(samples.definition("a"))
    definition_cache = DefinitionCache(store, clock=lambda: 0.0)
    try:
        await definition_cache.definition("a", version=1)
    except errors.DefinitionNotFound:
        await store.add_definition_version(samples.definition("a", version=1))

    assert (await definition_cache.definition("a", version=1)).version == 1


def test_what_was_not_used_for_longest_is_dropped_first() -> None:
    recent: LRUCache[str, int] = LRUCache(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")

    recent.put("c", 3)

    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_kept_weighs_no_more_than_the_limit() -> None:
    recent: LRUCache[str, str] = LRUCache(10, max_weight=5, weigh=len)
    recent.put("a", "xx")
    recent.put("b", "xx")
    recent.put("a", "xxx")
    assert [recent.get(key) for key in "ab"] == ["xxx", "xx"]

    recent.put("c", "x")

    assert [recent.get(key) for key in "abc"] == [None, "xx", "x"]


def test_one_value_is_kept_whatever_it_weighs() -> None:
    recent: LRUCache[str, str] = LRUCache(10, max_weight=5, weigh=len)
    recent.put("a", "x")

    recent.put("b", "x" * 100)

    assert [recent.get(key) for key in "ab"] == [None, "x" * 100]
    recent.put("c", "x")
    assert len(recent) == 1


async def test_definitions_at_hand_are_held_within_a_limit() -> None:
    store = MemoryStore()
    large = {**samples.ECHO, "Comment": "x" * (MAX_DEFINITION_BYTES // 4)}
    for name in "abcdef":
        await store.create_definition(samples.definition(name, machine=large))
    definition_cache = DefinitionCache(store, clock=lambda: 0.0)

    for name in "abcdef":
        await definition_cache.definition(name, version=0)

    assert len(definition_cache._definitions) < 4


class SlowStore(MemoryStore):
    """Has an answer, and keeps it to itself for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.found = asyncio.Event()
        self.answering = asyncio.Event()

    async def find_state_resources(self, namespace: str, names: Iterable[str]) -> Mapping[str, models.StateResource]:
        answer = await super().find_state_resources(namespace, names)
        self.found.set()
        await self.answering.wait()
        return answer


def _stored(uri: str) -> models.StateResource:
    return models.StateResource(
        name="echo", namespace="dev", uri=uri, type=models.resource_type(uri), last_updated=samples.EPOCH
    )
