"""Starts divided among queues.

Covers `app.poller.dispatch.fair_share`.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.poller.dispatch.fair_share import fair_shares, first_left_out


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
    assert fair_shares(demands, most) == given_out


@given(st.dictionaries(st.text(max_size=2), st.integers(0, 50), max_size=8), st.integers(0, 100))
def test_nothing_is_left_while_somebody_wants_it_and_nobody_gets_more_than_it_wants(
    demands: dict[str, int], most: int
) -> None:
    found = fair_shares(demands, most)

    assert sum(found.values()) == min(most, sum(demands.values()))
    assert all(found[queue] <= demand for queue, demand in demands.items())
    unmet = [found[queue] for queue, demand in demands.items() if found[queue] < demand]
    assert max(found.values(), default=0) - min(unmet, default=most) <= 1


@pytest.mark.parametrize(
    ("demands", "most", "first"),
    [
        ({"a": 5, "b": 5, "c": 5}, 2, "c"),
        ({"a": 5, "b": 5, "c": 5}, 4, "b"),
        ({"a": 5, "b": 1, "c": 5}, 2, "c"),
        ({"a": 5, "b": 5}, 4, "a"),
        ({"a": 1, "b": 1}, 9, ""),
        ({}, 9, ""),
    ],
)
def test_the_first_that_got_less_than_others_begins_the_next_turn(
    demands: dict[str, int], most: int, first: str
) -> None:
    assert first_left_out(demands, fair_shares(demands, most)) == first


@pytest.mark.parametrize(("queues", "most"), [(1, 3), (7, 3), (9, 3), (100, 7), (1_000, 300)])
def test_nobody_waits_longer_than_it_takes_to_serve_everybody_once(queues: int, most: int) -> None:
    names, first = [f"{number:04}" for number in range(queues)], ""
    waited = dict.fromkeys(names, 0)
    for _ in range(2 * queues // most + 2):
        demands = dict.fromkeys(
            [name for name in names if name >= first] + [name for name in names if name < first], 99
        )
        given_out = fair_shares(demands, most)
        first = first_left_out(demands, given_out)
        waited = {name: 0 if given_out[name] else turns + 1 for name, turns in waited.items()}

        assert max(waited.values()) < -(-queues // most)
