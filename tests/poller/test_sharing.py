"""Starts divided among queues."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.poller.sharing import shares


@pytest.mark.parametrize(
    ("demands", "most", "given_out"),
    [
        ({"a": 3, "b": 4}, 10, {"a": 3, "b": 4}),
        ({"a": 100, "b": 0, "c": 0}, 10, {"a": 10, "b": 0, "c": 0}),
        ({"a": 100, "b": 100}, 10, {"a": 5, "b": 5}),
        ({"a": 100, "b": 2, "c": 100}, 10, {"a": 4, "b": 2, "c": 4}),
        ({"a": 5, "b": 5, "c": 5}, 2, {"a": 1, "b": 1, "c": 0}),
        ({"a": 1}, 0, {"a": 0}),
        ({}, 10, {}),
    ],
)
def test_each_gets_what_it_wants_or_equally_much(demands: dict[str, int], most: int, given_out: dict[str, int]) -> None:
    assert shares(demands, most) == given_out


@given(st.dictionaries(st.text(max_size=2), st.integers(0, 50), max_size=8), st.integers(0, 100))
def test_nothing_is_left_while_somebody_wants_it_and_nobody_gets_more_than_it_wants(
    demands: dict[str, int], most: int
) -> None:
    found = shares(demands, most)

    assert sum(found.values()) == min(most, sum(demands.values()))
    assert all(found[queue] <= demand for queue, demand in demands.items())
    unmet = [found[queue] for queue, demand in demands.items() if found[queue] < demand]
    assert max(found.values(), default=0) - min(unmet, default=most) <= 1
