"""API keys: made once, checked without a read, revoked for every replica.

Covers `app.access.keys`.
"""

import asyncio
import json
from datetime import timedelta

import pytest

from app.access.keys import FORM, KeyRing, digest
from app.access.principal import PrincipalKind
from app.store.memory import MemoryStore
from tests.rig import Clock
from workflow_manager import errors
from workflow_manager.models import Binding, NewApiKey, Role

READER = NewApiKey(name="nightly", bindings=(Binding(role=Role.READ, namespaces=("dev",)),))


class _World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(now=self.clock.now)
        self.ring = self.replica()

    def replica(self) -> KeyRing:
        ring = KeyRing(self.store, clock=self.clock.seconds, now=self.clock.now)
        ring._known._sleep = self._pause
        return ring

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(0)

    async def refused(self, key: str, ring: KeyRing | None = None) -> str:
        with pytest.raises(errors.NotAuthenticated) as raised:
            await (ring or self.ring).authenticate(key)
        return raised.value.message


async def test_a_key_opens_with_its_bindings_and_only_its_digest_is_stored() -> None:
    world = _World()
    issued = await world.ring.create(READER)
    await world.ring.authenticate(issued.key)
    await world.ring.settle()

    found = await world.replica().authenticate(issued.key)
    assert (found.subject, found.kind, found.bindings) == (f"key/{issued.id}", PrincipalKind.KEY, READER.bindings)
    assert FORM.fullmatch(issued.key)
    stored = json.dumps([document.body for document in await world.store.list_documents("")])
    assert issued.key not in stored
    assert issued.key.rpartition("_")[2] not in stored
    assert digest(issued.key) in stored
    assert issued.key not in json.dumps([key.model_dump(mode="json") for key in await world.ring.list()])


async def test_wrong_keys_are_refused_with_the_same_words() -> None:
    world = _World()
    issued = await world.ring.create(READER)
    start, secret = issued.key[:13], issued.key[13:]
    wrong = [
        f"wfm_00000000_{secret}",
        f"{start}{'0' * 43}",
        issued.key[:-1],
        f"{issued.key}0",
        "wfm_",
        "x",
        issued.key.upper(),
        f"{issued.key}\n",
    ]

    assert len({await world.refused(key) for key in wrong}) == 1


async def test_a_revoked_key_is_refused_everywhere_within_ten_seconds() -> None:
    world = _World()
    other = world.replica()
    issued = await world.ring.create(READER)
    await other.authenticate(issued.key)

    await world.ring.revoke(issued.id)
    await world.refused(issued.key)
    world.clock.advance(10)
    await world.refused(issued.key, other)
    with pytest.raises(errors.KeyNotFound):
        await world.ring.revoke(issued.id)


async def test_a_key_in_use_is_refused_two_looks_after_its_revocation() -> None:
    """Nobody waits for the look, so one more request may pass."""
    world = _World()
    other = world.replica()
    issued = await world.ring.create(READER)
    await other.authenticate(issued.key)
    await world.ring.revoke(issued.id)
    world.clock.advance(1.1)
    await other.authenticate(issued.key)
    for _ in range(10):
        await asyncio.sleep(0)

    await world.refused(issued.key, other)


async def test_a_new_key_works_on_other_replicas_at_once() -> None:
    world = _World()
    other = world.replica()
    await world.refused("wfm_00000000_" + "0" * 43, other)
    issued = await world.ring.create(READER)

    assert (await other.authenticate(issued.key)).key_id == issued.id


async def test_a_flood_of_unknown_keys_costs_two_looks() -> None:
    world = _World()
    reads: list[str] = []
    read = world.store.get_document

    async def counted(key: str):  # type: ignore[no-untyped-def]
        reads.append(key)
        return await read(key)

    world.store.get_document = counted  # type: ignore[method-assign]
    await asyncio.gather(*(world.refused(f"wfm_{number:08d}_{'0' * 43}") for number in range(1_000)))
    assert len(reads) == 2


async def test_both_secrets_are_valid_for_the_overlap_of_a_rotation() -> None:
    world = _World()
    other = world.replica()
    first = await world.ring.create(READER)
    await other.authenticate(first.key)
    second = await world.ring.rotate(first.id, overlap=timedelta(hours=1))

    assert (await other.authenticate(second.key)).subject == (await other.authenticate(first.key)).subject
    assert second.previous_secret_until == world.clock.now() + timedelta(hours=1)
    world.clock.advance(3_600)
    await world.refused(first.key, other)
    assert (await other.authenticate(second.key)).key_id == first.id


async def test_a_second_rotation_ends_the_first_secret() -> None:
    world = _World()
    first = await world.ring.create(READER)
    second = await world.ring.rotate(first.id, overlap=timedelta(hours=1))
    await world.ring.rotate(first.id, overlap=timedelta(hours=1))

    await world.refused(first.key)
    await world.ring.authenticate(second.key)


async def test_a_rotation_without_overlap_ends_the_secret_at_once() -> None:
    world = _World()
    first = await world.ring.create(READER)
    await world.ring.rotate(first.id, overlap=timedelta())

    await world.refused(first.key)


async def test_a_key_ends_when_it_expires() -> None:
    world = _World()
    end = world.clock.now() + timedelta(days=1)
    issued = await world.ring.create(READER.model_copy(update={"expires_at": end}))

    assert (await world.ring.authenticate(issued.key)).expires_at == end
    world.clock.advance(86_400)
    assert "expired" in await world.refused(issued.key)


async def test_the_last_use_is_noted_once_an_hour() -> None:
    world = _World()
    issued = await world.ring.create(READER)
    began = world.clock.now()
    for _ in range(3):
        await world.ring.authenticate(issued.key)
        world.clock.advance(600)
    await world.ring.settle()

    (shown,) = await world.ring.list()
    assert shown.last_used_at == began
    document = await world.store.get_document(f"key/{issued.id}")
    assert document is not None
    assert document.revision == 2


async def test_the_note_of_a_use_does_not_bring_a_revoked_key_back() -> None:
    world = _World()
    issued = await world.ring.create(READER)
    await world.ring.authenticate(issued.key)
    await world.ring.revoke(issued.id)
    await world.ring.settle()

    assert await world.ring.list() == []


async def test_a_key_that_cannot_be_read_opens_nothing_and_stops_no_other() -> None:
    world = _World()
    issued = await world.ring.create(READER)
    await world.store.put_document("key/aaaaaaaa", {"secrets": 1}, revision=0, raises="epoch/keys")

    await world.ring.authenticate(issued.key)
    await world.refused("wfm_aaaaaaaa_" + "0" * 43)
    await world.ring.revoke("aaaaaaaa")
