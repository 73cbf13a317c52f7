"""Who leads.

Covers `app.poller.leadership`.
"""

from app.poller.leadership import Leadership
from app.store.memory import MemoryStore
from tests.rig import Clock


class Candidates:
    """Candidates that share a store; each has a clock of its own."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def make(self, name: str) -> tuple[Leadership, Clock]:
        """Return a candidate and its clock."""
        clock = Clock()
        return Leadership(self.store, candidate=name, lease_seconds=15, clock=clock.seconds), clock


async def test_the_first_candidate_leads_and_the_second_waits() -> None:
    candidates = Candidates()
    first, _ = candidates.make("a")
    second, _ = candidates.make("b")

    assert await first.step()
    assert not await second.step()


async def test_a_leader_that_renews_keeps_the_lease() -> None:
    candidates = Candidates()
    first, clock = candidates.make("a")
    second, other_clock = candidates.make("b")
    for _ in range(10):
        assert await first.step()
        assert not await second.step()
        clock.advance(5)
        other_clock.advance(5)


async def test_a_lease_that_stands_still_is_taken_over_by_one_candidate() -> None:
    candidates = Candidates()
    first, _ = candidates.make("a")
    second, clock = candidates.make("b")
    third, _ = candidates.make("c")
    await first.step()
    await second.step()
    clock.advance(14.9)
    assert not await second.step()
    clock.advance(0.2)

    assert await second.step()
    assert not await third.step()


async def test_a_frozen_leader_finds_out_by_its_own_clock_and_then_waits() -> None:
    candidates = Candidates()
    frozen, clock = candidates.make("a")
    second, other_clock = candidates.make("b")
    await frozen.step()
    await second.step()
    other_clock.advance(15)
    assert await second.step()

    clock.advance(45)

    assert not frozen.leading
    assert not await frozen.step()


async def test_clocks_that_differ_by_years_do_not_matter() -> None:
    candidates = Candidates()
    first, _ = candidates.make("a")
    second, clock = candidates.make("b")
    clock.advance(10**9)

    assert await first.step()
    assert not await second.step()


async def test_a_leader_that_resigns_is_replaced_at_once() -> None:
    candidates = Candidates()
    first, _ = candidates.make("a")
    second, _ = candidates.make("b")
    await first.step()

    await first.resign()

    assert not first.leading
    assert await second.step()


async def test_of_two_that_take_over_at_once_one_leads() -> None:
    candidates = Candidates()
    first, _ = candidates.make("a")
    second, clock = candidates.make("b")
    third, other_clock = candidates.make("c")
    await first.step()
    await second.step()
    await third.step()
    clock.advance(20)
    other_clock.advance(20)

    assert [await second.step(), await third.step()].count(True) == 1
