"""Which state machines to list and which workflows to ask for one by one: whatever makes the round shortest."""

from collections.abc import Collection, Iterable, Mapping
from math import ceil, inf
from typing import Final, Generic, TypeVar

L = TypeVar("L")

LIST_PAGE: Final = 1_000
"""Largest page of ListExecutions."""

LEAST_PROMISE: Final = 0.5
"""A page that settled nothing the last time is looked at again when very much is unsettled."""


def machines_to_list(counts: Mapping[str, int], *, lists_per_second: float, asks_per_second: float) -> frozenset[str]:
    """Return the state machines that are swept with ListExecutions; the workflows of all others are asked for singly.

    ``counts`` holds the active workflows of each state machine. Listing and asking go on side by side, each at its own
    rate, so the round is as long as the longer of the two. Small machines cost a whole call to list and little to ask
    for, so they are taken off the list, smallest first, while that shortens the round.
    """
    listing = sum(pages(count) for count in counts.values())
    asking = 0
    listed = set(counts)
    for machine, count in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        longest_if_asked = max(
            _seconds(listing - pages(count), lists_per_second), _seconds(asking + count, asks_per_second)
        )
        if longest_if_asked > _seconds(listing, lists_per_second):
            break
        listing -= pages(count)
        asking += count
        listed.remove(machine)
    return frozenset(listed)


def round_seconds(
    counts: Mapping[str, int], listed: Collection[str], *, lists_per_second: float, asks_per_second: float
) -> float:
    """Return how long it takes to learn every status once, when these state machines are listed."""
    listing = sum(pages(count) for machine, count in counts.items() if machine in listed)
    asking = sum(count for machine, count in counts.items() if machine not in listed)
    return max(_seconds(listing, lists_per_second), _seconds(asking, asks_per_second))


def pages(count: int) -> int:
    """Return the number of calls needed to list this many running executions."""
    return ceil(count / LIST_PAGE)


def _seconds(calls: float, calls_per_second: float) -> float:
    if calls == 0 or calls_per_second == inf:
        return 0.0
    return calls / calls_per_second if calls_per_second > 0 else inf


class Forecast(Generic[L]):
    """Which of several lists to read on: the one whose next page promises most, by what it settled the last time."""

    def __init__(self, lists: Iterable[L]) -> None:
        self._settled: dict[L, list[float]] = {name: [] for name in lists}
        self._next: dict[L, int] = {}

    def begin(self) -> None:
        """Start with the first page of each list."""
        self._next = dict.fromkeys(self._settled, 0)

    def best(self, *, at_least: float) -> L | None:
        """Return the list to read on; None when no next page promises so much, or all lists are at their end."""
        promising = max(self._next, key=self._promise, default=None)
        return promising if promising is not None and self._promise(promising) >= at_least else None

    def learn(self, name: L, settled: int) -> None:
        """Note what the page that was read has settled."""
        page = self._next[name]
        self._settled[name][page : page + 1] = [settled]
        self._next[name] = page + 1

    def end(self, name: L) -> None:
        """Note that a list has no more pages."""
        del self._next[name]

    def _promise(self, name: L) -> float:
        page, settled = self._next[name], self._settled[name]
        if not settled:
            return inf
        # What is older has ended less recently: a page further down settles about half of the one before.
        return max(settled[page] if page < len(settled) else settled[-1] / 2, LEAST_PROMISE)
