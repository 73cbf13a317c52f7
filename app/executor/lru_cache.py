"""A bounded cache that evicts the least recently used values."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LRUCache(Generic[K, V]):
    """A dictionary of at most ``size`` values, which weigh at most ``max_weight`` together.

    One value is kept whatever its weight; ``weigh`` is called once for each value.
    """

    def __init__(
        self, size: int, *, max_weight: int | None = None, weigh: Callable[[V], int] = lambda _value: 0
    ) -> None:
        self._size = size
        self._max_weight = max_weight
        self._weigh = weigh
        self._weight = 0
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._weights: dict[K, int] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """Return a value if it is kept."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value, and evict the least recently used ones while there is no room."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if self._max_weight is not None:
            self._weight -= self._weights.pop(key, 0)
            self._weights[key] = self._weigh(value)
            self._weight += self._weights[key]
        while len(self._kept) > 1 and self._is_too_much():
            dropped, _ = self._kept.popitem(last=False)
            self._weight -= self._weights.pop(dropped, 0)

    def _is_too_much(self) -> bool:
        return len(self._kept) > self._size or (self._max_weight is not None and self._weight > self._max_weight)

    def setdefault(self, key: K, value: V) -> V:
        """Keep a value unless the key has one; return the kept value."""
        known = self.get(key)
        if known is None:
            self.put(key, value)
        return value if known is None else known

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self._weights.clear()
        self._weight = 0
