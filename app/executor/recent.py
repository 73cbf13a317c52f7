"""Memory that does not grow: what was used last is kept, and the rest forgotten."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dictionary that keeps what was used last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return a value if it is kept."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value, and drop the one that was not used for longest when there is no room."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def setdefault(self, key: K, value: V) -> V:
        """Keep a value unless there is one; return the one that is kept."""
        known = self.get(key)
        if known is None:
            self.put(key, value)
        return value if known is None else known

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
