"""What parsed JSON takes in memory, and that caches go by it.

Covers `app.store.weights`.
"""

import json
import tracemalloc

import pytest

from app.store.dynamodb.cache import SharedDefinitions
from app.store.dynamodb.items import DefinitionKey
from app.store.weights import held_bytes
from tests import samples

SHAPES = {
    "arrays": [[] for _ in range(20_000)],
    "objects": [{} for _ in range(20_000)],
    "small objects": [{"a": number} for number in range(20_000)],
    "numbers": [number / 7 for number in range(20_000)],
    "texts": [f"text {number}" for number in range(20_000)],
    "one text": "x" * 500_000,
    "wide text": "x" * 500_000 + "\N{PILE OF POO}",
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_parsed_json_takes_is_estimated_closely_enough(name: str) -> None:
    text = json.dumps(SHAPES[name], separators=(",", ":")).encode()
    tracemalloc.start()
    parsed = json.loads(text)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert parsed == SHAPES[name]
    assert taken / 2 < held_bytes(text) < taken * 3


def test_the_cache_of_definitions_keeps_fewer_of_those_that_take_much() -> None:
    cache = SharedDefinitions(max_bytes=10 * held_bytes(b"[]," * 1_000))
    for version in range(20):
        cache.put(samples.definition("a", version=version), size=held_bytes(b"[]," * 1_000))

    kept = [version for version in range(20) if cache.get(DefinitionKey("a", version, None)) is not None]

    assert kept == list(range(10, 20))
