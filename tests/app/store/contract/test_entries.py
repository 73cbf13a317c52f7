"""What every store promises about entries.

Covers `app.store.entries`, `app.store.memory_entries` and `app.store.dynamodb.entries`.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.store import Store
from tests import samples
from workflow_manager import errors

LATER = datetime(2100, 1, 1, tzinfo=UTC)


async def _keys(
    store: Store, scope: str = "audit#dev#1", *, after: str | None = None, newest_first: bool = False
) -> list[str]:
    found = await store.list_entries(scope, limit=100, after=after, newest_first=newest_first)
    return [entry.key for entry in found]


async def test_an_entry_is_read_as_it_was_added(store: Store) -> None:
    assert await store.add_entry("audit#dev#1", "a", {"n": [1, None, "é"]}, expires=LATER)

    entry = await store.get_entry("audit#dev#1", "a")
    assert entry is not None
    assert (entry.scope, entry.key, entry.revision, entry.body, entry.expires) == (
        "audit#dev#1",
        "a",
        1,
        {"n": [1, None, "é"]},
        LATER,
    )
    assert await store.get_entry("audit#dev#1", "b") is None
    assert await store.get_entry("audit#dev#2", "a") is None


async def test_an_entry_is_added_once(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.add_entry("s", "a", {"n": n}, expires=LATER) for n in range(10)))

    assert outcomes.count(True) == 1
    entry = await store.get_entry("s", "a")
    assert entry is not None
    assert entry.body == {"n": outcomes.index(True)}


async def test_entries_are_listed_in_both_orders_and_from_a_key_on(store: Store) -> None:
    for key in ("c", "a", "d", "b"):
        await store.add_entry("audit#dev#1", key, {}, expires=LATER)
    await store.add_entry("audit#dev#2", "x", {}, expires=LATER)

    assert await _keys(store) == ["a", "b", "c", "d"]
    assert await _keys(store, newest_first=True) == ["d", "c", "b", "a"]
    assert await _keys(store, after="b") == ["c", "d"]
    assert await _keys(store, after="c", newest_first=True) == ["b", "a"]
    assert await _keys(store, after="bb") == ["c", "d"]
    assert [each.key for each in await store.list_entries("audit#dev#1", limit=2, after="a")] == ["b", "c"]
    assert await _keys(store, "nothing") == []


async def test_an_expired_entry_is_gone_and_its_key_is_free(store: Store) -> None:
    await store.add_entry("s", "a", {"n": 1}, expires=samples.EPOCH)
    await store.add_entry("s", "b", {"n": 1}, expires=LATER)

    assert await store.get_entry("s", "a") is None
    assert await _keys(store, "s") == ["b"]
    with pytest.raises(errors.VersionConflict):
        await store.update_entry("s", "a", {}, revision=1)
    assert await store.add_entry("s", "a", {"n": 2}, expires=LATER)
    assert await _keys(store, "s") == ["a", "b"]


async def test_expired_entries_take_no_place_in_a_page(store: Store) -> None:
    for number in range(8):
        await store.add_entry("s", f"old{number}", {}, expires=samples.EPOCH - timedelta(days=1))
    await store.add_entry("s", "x", {}, expires=LATER)

    assert [each.key for each in await store.list_entries("s", limit=2)] == ["x"]


async def test_an_update_replaces_the_body_at_its_revision(store: Store) -> None:
    await store.add_entry("s", "a", {"n": 1}, expires=LATER)

    changed = await store.update_entry("s", "a", {"n": 2}, revision=1)
    assert (changed.revision, changed.body, changed.expires) == (2, {"n": 2}, LATER)
    assert await store.get_entry("s", "a") == changed
    sooner = LATER - timedelta(days=1)
    assert (await store.update_entry("s", "a", {"n": 3}, revision=2, expires=sooner)).expires == sooner


@pytest.mark.parametrize("revision", [0, 2])
async def test_an_update_at_another_revision_is_refused(store: Store, revision: int) -> None:
    await store.add_entry("s", "a", {"n": 1}, expires=LATER)

    with pytest.raises(errors.VersionConflict):
        await store.update_entry("s", "a", {"n": 2}, revision=revision)
    with pytest.raises(errors.VersionConflict):
        await store.update_entry("s", "b", {"n": 2}, revision=1)


async def test_of_many_updates_at_one_revision_one_wins(store: Store) -> None:
    await store.add_entry("s", "a", {}, expires=LATER)
    outcomes = await asyncio.gather(
        *(store.update_entry("s", "a", {"n": n}, revision=1) for n in range(10)), return_exceptions=True
    )

    assert sum(isinstance(outcome, errors.VersionConflict) for outcome in outcomes) == 9


async def test_a_removed_entry_is_gone_and_a_second_removal_changes_nothing(store: Store) -> None:
    await store.add_entry("s", "a", {"n": 1}, expires=LATER)
    await store.remove_entry("s", "a")
    await store.remove_entry("s", "a")

    assert await store.get_entry("s", "a") is None
    assert await store.add_entry("s", "a", {"n": 2}, expires=LATER)


async def test_entries_and_documents_do_not_meet(store: Store) -> None:
    await store.put_document("a", {"document": True}, revision=0)
    await store.add_entry("documents", "a", {"entry": True}, expires=LATER)

    document = await store.get_document("a")
    assert document is not None
    assert document.body == {"document": True}
    assert [each.key for each in await store.list_documents("a")] == ["a"]
