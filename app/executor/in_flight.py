"""Starts under way in this process, by workflow."""

import asyncio
from types import TracebackType


class StartsInFlight:
    """The workflows that this process is starting, so that other tasks can wait for the outcome."""

    def __init__(self) -> None:
        self._under_way: dict[str, list[asyncio.Event]] = {}

    def __contains__(self, workflow_id: str) -> bool:
        return workflow_id in self._under_way

    def under_way(self, workflow_id: str) -> "StartInFlight":
        """Return a context inside which a workflow is being started; several callers may do so at once."""
        return StartInFlight(self._under_way, workflow_id)

    async def finished(self, workflow_id: str) -> None:
        """Wait until this process is not starting a workflow."""
        while starts := self._under_way.get(workflow_id):
            await starts[0].wait()


class StartInFlight:
    """One start under way."""

    __slots__ = ("_finished", "_others", "_workflow_id")

    def __init__(self, others: dict[str, list[asyncio.Event]], workflow_id: str) -> None:
        self._others = others
        self._workflow_id = workflow_id
        self._finished = asyncio.Event()

    def __enter__(self) -> None:
        self._others.setdefault(self._workflow_id, []).append(self._finished)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        starts = self._others[self._workflow_id]
        starts.remove(self._finished)
        if not starts:
            del self._others[self._workflow_id]
        self._finished.set()
