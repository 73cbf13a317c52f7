"""Where credentials are looked for, and how they are refused.

Covers `app.access.credentials` and `app.access.authenticator`.
"""

import base64

import pytest

from app.access.authenticator import Authenticator
from app.access.credentials import credential
from app.access.keys import KeyRing
from app.access.principal import Binding, Role
from app.store.memory import MemoryStore
from tests.rig import Clock
from workflow_manager import errors
from workflow_manager.models import NewApiKey


def _basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([(b"cookie", b"key=x")], None),
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"authorization", b"bearer   abc ")], "abc"),
        ([(b"authorization", _basic("user:abc"))], "abc"),
        ([(b"authorization", _basic(":a:b"))], "a:b"),
        ([(b"x-api-key", b" abc ")], "abc"),
    ],
)
def test_credential(headers: list[tuple[bytes, bytes]], expected: str | None) -> None:
    assert credential(headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"abc")],
        [(b"authorization", b"Digest abc")],
        [(b"authorization", b"Basic !!!")],
        [(b"authorization", b"Basic YQ==")],
        [(b"authorization", _basic("user:"))],
        [(b"authorization", b"Bearer \xff")],
        [(b"authorization", b"Bearer " + b"a" * 65_536)],
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"a" * 8_193)],
        [(b"authorization", b"Bearer a"), (b"x-api-key", b"a")],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
    ],
)
def test_a_credential_that_cannot_be_read_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(errors.NotAuthenticated):
        credential(headers)


READ = Binding(role=Role.READ)


def _authenticator(*, anonymous: tuple[Binding, ...] = ()) -> tuple[Authenticator, KeyRing]:
    clock = Clock()
    ring = KeyRing(MemoryStore(now=clock.now), clock=clock.seconds, now=clock.now)
    return Authenticator(key_ring=ring, tokens=None, anonymous=anonymous, now=clock.now), ring


async def test_without_a_credential_the_caller_is_told_how_to_send_one() -> None:
    authenticator, _ = _authenticator()

    with pytest.raises(errors.NotAuthenticated, match="Authorization: Bearer"):
        await authenticator.authenticate([])


async def test_callers_without_a_credential_may_have_rights() -> None:
    authenticator, ring = _authenticator(anonymous=(READ,))
    issued = await ring.create(NewApiKey(name="a", bindings=(READ,)))

    assert (await authenticator.authenticate([])).subject == "anonymous"
    assert (await authenticator.authenticate([(b"x-api-key", issued.key.encode())])).subject == f"key/{issued.id}"


async def test_a_wrong_credential_is_never_taken_for_none() -> None:
    authenticator, _ = _authenticator(anonymous=(READ,))

    with pytest.raises(errors.NotAuthenticated):
        await authenticator.authenticate([(b"x-api-key", b"wrong")])
