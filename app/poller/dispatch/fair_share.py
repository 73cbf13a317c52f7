"""Dividing the starts of a turn among queues."""

from collections.abc import Mapping


def fair_shares(demands: Mapping[str, int], most: int) -> dict[str, int]:
    """Return how many starts each queue gets: its demand if there is enough for all, else equal shares.

    Starts that a queue does not need go to the others. With fewer starts than queues, the first queues get one each.
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
    """Return the queue that goes first in the next round: of those with unmet demand, the first with the fewest starts.

    Empty when every demand was met.
    """
    unmet = [queue for queue, demand in demands.items() if given[queue] < demand]
    least = min((given[queue] for queue in unmet), default=0)
    return next((queue for queue in unmet if given[queue] == least), "")
