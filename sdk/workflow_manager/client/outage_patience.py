"""How long somebody who watches a workflow waits for a service that is away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from workflow_manager import errors, models
from workflow_manager.client.error_mapping import Away
from workflow_manager.client.http import Connection, Sleep

SHORTEST_INTERVAL_SECONDS: Final = 0.2
LONGEST_INTERVAL_SECONDS: Final = 2.0
LONGEST_OUTAGE_INTERVAL_SECONDS: Final = 5.0
INTERVAL_GROWTH: Final = 1.5

OUTAGE_SECONDS: Final = 300.0
"""Longer than a deployment or a restart takes; whoever watches gives up after it."""

Read = Callable[[], Awaitable[models.Workflow]]
OnOutage = Callable[[errors.Unavailable | None], None]
"""Is told of every attempt in vain, and by None that the service is back."""


class Patience:
    """Waits out an outage, but not for longer than so many seconds; tells the watcher of it."""

    def __init__(self, connection: Connection, seconds: float, *, sleep: Sleep, tell: OnOutage | None = None) -> None:
        self._connection = connection
        self._seconds = seconds
        self._sleep = sleep
        self._tell = tell
        self._since: float | None = None

    def lose(self, outage: errors.Unavailable) -> None:
        """Take note of an attempt in vain; raise it when the outage has lasted too long."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._connection.patience_seconds(self._seconds, outage):
            raise outage
        if self._tell is not None:
            self._tell(outage)

    def regain(self) -> None:
        """Take note that the service has answered."""
        if self._since is not None and self._tell is not None:
            self._tell(None)
        self._since = None

    async def read(self, read: Read, *, first: bool = False) -> models.Workflow:
        """Read a workflow, again and again while the service is away.

        When nothing of the workflow was seen before (``first``), only what looks like a restart is waited out: a wrong
        URL is told at once.
        """
        pauses = intervals(LONGEST_OUTAGE_INTERVAL_SECONDS)
        while True:
            try:
                workflow = await read()
            except errors.Unavailable as outage:
                if first and not isinstance(outage, Away | errors.Throttled):
                    raise
                self.lose(outage)
                await self._sleep(next(pauses))
            else:
                self.regain()
                return workflow


def intervals(longest_seconds: float = LONGEST_INTERVAL_SECONDS) -> Iterator[float]:
    """Give pauses that grow, without end."""
    interval = SHORTEST_INTERVAL_SECONDS
    while True:
        yield interval
        interval = min(interval * INTERVAL_GROWTH, longest_seconds)
