"""Planning a round.

Covers `app.poller.planning`.
"""

from math import inf

import pytest

from app.poller.planning import Forecast, machines_to_list

LARGE = {"lists_per_second": 5.0, "asks_per_second": 30.0}


def even(machines: int, active: int) -> dict[str, int]:
    """Spread active workflows over machines."""
    return {f"m{number:03}": active // machines for number in range(machines)}


def test_nothing_active_needs_nothing_listed() -> None:
    assert machines_to_list({}, **LARGE) == frozenset()


def test_a_few_workflows_are_asked_for_one_by_one() -> None:
    assert machines_to_list(even(3, 3), **LARGE) == frozenset()


def test_a_machine_with_many_workflows_is_listed_and_one_with_few_is_not() -> None:
    assert machines_to_list({"big": 5_000, "small": 2}, **LARGE) == {"big"}


def test_without_quotas_everything_is_asked_for() -> None:
    assert machines_to_list(even(20, 100_000), lists_per_second=inf, asks_per_second=inf) == frozenset()


def test_without_asks_everything_is_listed() -> None:
    assert len(machines_to_list(even(20, 100), lists_per_second=5, asks_per_second=0)) == 20


@pytest.mark.parametrize(
    ("machines", "active"), [(20, 1_000), (200, 1_000), (200, 10_000), (20, 100_000), (200, 100_000)]
)
def test_the_round_is_about_as_short_as_both_budgets_allow(machines: int, active: int) -> None:
    counts = even(machines, active)

    listed = machines_to_list(counts, **LARGE)

    listing = sum(-(-counts[machine] // 1000) for machine in listed) / 5
    asking = sum(count for machine, count in counts.items() if machine not in listed) / 30
    best_step = max(counts.values()) / 30
    assert asking <= listing + 1e-9
    assert listing - asking <= best_step + 0.2


def forecast(**settled: list[int]) -> Forecast[str]:
    """Return a forecast that begins anew after lists settled so many, page by page."""
    known = Forecast(["succeeded", "failed"])
    known.begin()
    for name, pages in settled.items():
        for count in pages:
            known.learn(name, count)
    known.begin()
    return known


def test_the_list_that_settled_most_is_read_first_and_no_further_than_it_pays() -> None:
    lists = forecast(succeeded=[150, 40, 12], failed=[15])
    read = []
    while (name := lists.best(at_least=11)) is not None:
        read.append(name)
        lists.learn(name, {"succeeded": 60, "failed": 0}[name] // read.count(name))

    assert read == ["succeeded", "succeeded", "failed", "succeeded"]


def test_a_list_that_nobody_has_read_yet_promises_everything() -> None:
    assert forecast(succeeded=[1_000]).best(at_least=1_000_000) == "failed"


def test_a_list_without_more_pages_promises_nothing() -> None:
    lists = forecast(succeeded=[100], failed=[1])
    lists.end("succeeded")

    assert lists.best(at_least=2) is None
    assert lists.best(at_least=0.1) == "failed"


def test_a_list_that_settled_nothing_is_looked_at_again_when_much_is_unsettled() -> None:
    assert forecast(succeeded=[0], failed=[0]).best(at_least=0.1) is not None
    assert forecast(succeeded=[0], failed=[0]).best(at_least=1) is None
