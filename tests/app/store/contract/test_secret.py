"""The secret of an installation, on every store: made once, whoever needs it first.

Covers `app.store.base` and `app.executor.idempotency`.
"""

import asyncio

import pytest

from app.executor.idempotency import SECRET_DOCUMENT, SecretKeeper
from app.store import Store
from tests import samples
from workflow_manager import errors


def keeper(store: Store) -> SecretKeeper:
    """Return a replica's keeper."""
    return SecretKeeper(store, now=lambda: samples.EPOCH)


async def test_replicas_that_need_the_secret_at_the_same_time_agree(store: Store) -> None:
    found = await asyncio.gather(*(keeper(store).get() for _ in range(8)))

    assert len(set(found)) == 1
    document = await store.get_document(SECRET_DOCUMENT)
    assert document is not None
    assert document.revision == 1


async def test_a_restart_finds_the_secret_that_was_made(store: Store) -> None:
    assert await keeper(store).get() == await keeper(store).get()


async def test_a_new_installation_knows_no_former_keys(store: Store) -> None:
    assert (await keeper(store).get()).former_until == samples.EPOCH


async def test_an_installation_with_workflows_takes_former_keys_into_account_for_a_while(store: Store) -> None:
    await store.create_definition(samples.definition())
    await store.create_workflow(samples.workflow("a"))

    assert (await keeper(store).get()).former_until > samples.EPOCH


@pytest.mark.parametrize("body", [{}, {"secret": "no hex", "formerUntil": 0.0}, {"secret": "00"}], ids=str)
async def test_a_secret_that_cannot_be_read_is_never_replaced(store: Store, body: dict[str, object]) -> None:
    await store.put_document(SECRET_DOCUMENT, body, revision=0)

    with pytest.raises(errors.Unavailable, match="restore it"):
        await keeper(store).get()

    document = await store.get_document(SECRET_DOCUMENT)
    assert document is not None
    assert document.revision == 1
