"""Starts under way in this process, by workflow."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Flights:
    """Knows which workflows are just being started here, so that others can wait for the outcome."""

    def __init__(self) -> None:
        self._under_way: dict[str, list[asyncio.Event]] = {}

    def __contains__(self, workflow_id: str) -> bool:
        return workflow_id in self._under_way

    @contextmanager
    def under_way(self, workflow_id: str) -> Iterator[None]:
        """Note that a workflow is being started inside the block; several callers may do so at once."""
        landed = asyncio.Event()
        self._under_way.setdefault(workflow_id, []).append(landed)
        try:
            yield
        finally:
            flights = self._under_way[workflow_id]
            flights.remove(landed)
            if not flights:
                del self._under_way[workflow_id]
            landed.set()

    async def landed(self, workflow_id: str) -> None:
        """Wait until nobody here is starting a workflow."""
        while flights := self._under_way.get(workflow_id):
            await flights[0].wait()
