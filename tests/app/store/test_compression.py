"""Packing is lossless and never makes anything larger than one byte more.

Covers `app.store.compression`.
"""

from hypothesis import given
from hypothesis import strategies as st

from app.store import compression
from tests.app.store.incompressible import noise


@given(st.binary(max_size=2_000) | st.text(max_size=2_000).map(str.encode))
def test_what_is_packed_can_be_unpacked(raw: bytes) -> None:
    packed = compression.pack(raw)

    assert compression.unpack(packed) == raw
    assert len(packed) <= len(raw) + 1


def test_text_gets_smaller() -> None:
    assert len(compression.pack(b'{"state": "Succeed"}' * 100)) < 200


def test_chunks_fit_into_items_and_join_to_the_whole() -> None:
    packed = compression.pack(noise(2_000_000).encode())

    chunks = compression.cut(packed)

    assert len(chunks) > 1
    assert max(len(chunk) for chunk in chunks) < 400_000
    assert b"".join(chunks) == packed
