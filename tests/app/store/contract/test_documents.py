"""What every store promises about documents.

Covers `app.store.base` and `app.store.documents`.
"""

import asyncio

import pytest

from app.store.documents import Document, DocumentStore
from workflow_manager import errors


async def test_a_document_that_nobody_wrote_is_not_there(store: DocumentStore) -> None:
    assert await store.get_document("queue/a") is None


async def test_a_document_is_read_as_the_last_write_left_it(store: DocumentStore) -> None:
    await store.put_document("queue/a", {"n": 1, "list": ["x"], "nothing": None}, revision=0)
    await store.put_document("queue/a", {"n": 2.5, "deep": {"é": True}}, revision=1)

    assert await store.get_document("queue/a") == Document("queue/a", 2, {"n": 2.5, "deep": {"é": True}})


@pytest.mark.parametrize("revision", [0, 2, 99])
async def test_a_write_at_another_revision_is_refused(store: DocumentStore, revision: int) -> None:
    await store.put_document("queue/a", {"n": 1}, revision=0)

    with pytest.raises(errors.VersionConflict):
        await store.put_document("queue/a", {"n": 2}, revision=revision)
    document = await store.get_document("queue/a")
    assert document is not None
    assert document.body == {"n": 1}


async def test_a_first_write_needs_revision_zero(store: DocumentStore) -> None:
    with pytest.raises(errors.VersionConflict):
        await store.put_document("queue/a", {}, revision=1)


async def test_a_removed_document_is_gone_and_can_be_written_anew(store: DocumentStore) -> None:
    await store.put_document("queue/a", {"n": 1}, revision=0)
    await store.delete_document("queue/a", revision=1)

    assert await store.get_document("queue/a") is None
    assert await store.list_documents("queue/") == []
    assert await store.put_document("queue/a", {"n": 2}, revision=0) == Document("queue/a", 1, {"n": 2})


@pytest.mark.parametrize("revision", [1, 3])
async def test_a_document_is_removed_only_at_its_revision(store: DocumentStore, revision: int) -> None:
    await store.put_document("queue/a", {"n": 1}, revision=0)
    await store.put_document("queue/a", {"n": 2}, revision=1)

    with pytest.raises(errors.VersionConflict):
        await store.delete_document("queue/a", revision=revision)
    assert await store.get_document("queue/a") == Document("queue/a", 2, {"n": 2})


async def test_a_document_that_is_not_there_cannot_be_removed(store: DocumentStore) -> None:
    with pytest.raises(errors.VersionConflict):
        await store.delete_document("queue/a", revision=1)


async def test_of_a_write_and_a_removal_at_one_revision_one_wins(store: DocumentStore) -> None:
    await store.put_document("queue/a", {"n": 1}, revision=0)

    outcomes = await asyncio.gather(
        store.put_document("queue/a", {"n": 2}, revision=1),
        store.delete_document("queue/a", revision=1),
        return_exceptions=True,
    )

    assert [isinstance(outcome, errors.VersionConflict) for outcome in outcomes].count(True) == 1


async def test_of_many_writers_at_one_revision_one_wins(store: DocumentStore) -> None:
    outcomes = await asyncio.gather(
        *(store.put_document("lease/poller", {"holder": str(n)}, revision=0) for n in range(20)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Document) for outcome in outcomes) == 1


async def test_documents_are_listed_by_prefix_and_key(store: DocumentStore) -> None:
    for key in ("queue/b", "lease/poller", "queue/a"):
        await store.put_document(key, {"key": key}, revision=0)

    assert [document.key for document in await store.list_documents("queue/")] == ["queue/a", "queue/b"]
    assert await store.list_documents("nothing/") == []


async def test_a_write_raises_another_document_in_the_same_step(store: DocumentStore) -> None:
    await store.put_document("key/a", {"n": 1}, revision=0, raises="epoch/keys")
    await store.put_document("key/a", {"n": 2}, revision=1, raises="epoch/keys")
    await store.delete_document("key/a", revision=2, raises="epoch/keys")

    assert await store.get_document("epoch/keys") == Document("epoch/keys", 3, {})
    assert await store.get_document("key/a") is None


async def test_a_write_that_is_refused_raises_nothing(store: DocumentStore) -> None:
    await store.put_document("key/a", {"n": 1}, revision=0)

    with pytest.raises(errors.VersionConflict):
        await store.put_document("key/a", {"n": 2}, revision=0, raises="epoch/keys")
    with pytest.raises(errors.VersionConflict):
        await store.delete_document("key/a", revision=7, raises="epoch/keys")
    assert await store.get_document("epoch/keys") is None


async def test_writes_of_different_documents_at_the_same_time_all_raise_their_epoch(store: DocumentStore) -> None:
    await asyncio.gather(*(store.put_document(f"key/{n}", {}, revision=0, raises="epoch/keys") for n in range(5)))

    epoch = await store.get_document("epoch/keys")
    assert epoch is not None
    assert epoch.revision == 5
