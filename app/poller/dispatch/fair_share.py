"""Dividing the starts of a turn among queues."""

from collections.abc import Mapping


def fair_shares(demands: Mapping[str, int], most: int) -> dict[str, int]:
    """Return how many each may start: all that it wants where there is enough, and otherwise equally many.

    What some do not want is given to the others. When there are fewer starts than queues, the first ones get one each.
    """
    given = dict.fromkeys(demands, 0)
    left, wanting = most, [queue for queue, demand in demands.items() if demand > 0]
    while left and wanting:
        share = max(1, left // len(wanting))
        for queue in wanting:
            more = min(share, demands[queue] - given[queue], left)
            given[queue] += more
            left -= more
        wanting = [queue for queue in wanting if given[queue] < demands[queue]]
    return given


def first_left_out(demands: Mapping[str, int], given: Mapping[str, int]) -> str:
    """Return the first of those that got least of those that wanted more: whose turn it is next. ``""``: nobody's."""
    unmet = [queue for queue, demand in demands.items() if given[queue] < demand]
    least = min((given[queue] for queue in unmet), default=0)
    return next((queue for queue in unmet if given[queue] == least), "")
