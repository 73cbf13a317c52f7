"""Which state machines to list and which workflows to ask for one by one: whatever makes the round shortest."""

from collections.abc import Collection, Mapping
from math import ceil, inf
from typing import Final

LIST_PAGE: Final = 1_000
"""Largest page of ListExecutions."""


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
    """Return the calls that it takes to list so many running executions."""
    return ceil(count / LIST_PAGE)


def _seconds(calls: float, calls_per_second: float) -> float:
    if calls == 0 or calls_per_second == inf:
        return 0.0
    return calls / calls_per_second if calls_per_second > 0 else inf
