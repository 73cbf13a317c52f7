"""How many requests there were, by route, and how long they took: counted here, and read by ``app.metrics``."""

from collections.abc import Iterator
from typing import Final, NamedTuple

UNKNOWN: Final = "unknown"
"""Route of requests that fit none: the paths of strangers must not become thousands of labels."""

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Methods that are labels; what else strangers make up counts as unknown, too."""


class Requests(NamedTuple):
    """Requests that are counted together."""

    method: str
    route: str
    status: int
    number: int
    seconds: float


class Traffic:
    """The requests of one application. Two sums cost a fraction of a histogram, and every request pays."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, int], list[float]] = {}

    def __iter__(self) -> Iterator[Requests]:
        for kind, (count, seconds) in list(self._sums.items()):
            yield Requests(*kind, int(count), seconds)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that took so long."""
        if method not in METHODS:
            method = UNKNOWN
        sums = self._sums.get((method, route, status))
        if sums is None:
            self._sums[method, route, status] = [1, seconds]
        else:
            sums[0] += 1
            sums[1] += seconds
