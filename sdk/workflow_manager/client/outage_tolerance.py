"""How long a follower waits while the service is unavailable."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from workflow_manager import errors, models
from workflow_manager.client.error_mapping import ServiceUnavailable
from workflow_manager.client.http import Connection, Sleep

SHORTEST_INTERVAL_SECONDS: Final = 0.2
LONGEST_INTERVAL_SECONDS: Final = 2.0
LONGEST_OUTAGE_INTERVAL_SECONDS: Final = 5.0
INTERVAL_GROWTH: Final = 1.5

OUTAGE_SECONDS: Final = 300.0
"""How long followers wait by default: longer than a deployment or a restart takes."""

Read = Callable[[], Awaitable[models.Workflow]]
OnOutage = Callable[[errors.Unavailable | None], None]
"""Called with the error of each failed attempt, and with None once the service answers again."""


class OutageTolerance:
    """Waits out an outage of up to ``seconds``; reports it with ``on_outage``."""

    def __init__(
        self, connection: Connection, seconds: float, *, sleep: Sleep, on_outage: OnOutage | None = None
    ) -> None:
        self._connection = connection
        self._seconds = seconds
        self._sleep = sleep
        self._on_outage = on_outage
        self._since: float | None = None

    def failed(self, outage: errors.Unavailable) -> None:
        """Record a failed attempt; raise its error once the outage has lasted too long."""
        now = asyncio.get_running_loop().time()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._connection.outage_limit_seconds(self._seconds, outage):
            raise outage
        if self._on_outage is not None:
            self._on_outage(outage)

    def recovered(self) -> None:
        """Record that the service has answered."""
        if self._since is not None and self._on_outage is not None:
            self._on_outage(None)
        self._since = None

    async def read(self, read: Read, *, first: bool = False) -> models.Workflow:
        """Read a workflow, and retry while the service is unavailable.

        On the ``first`` read only what looks like a restart is waited out, so that a wrong URL is an error at once.
        """
        pauses = intervals(LONGEST_OUTAGE_INTERVAL_SECONDS)
        while True:
            try:
                workflow = await read()
            except errors.Unavailable as outage:
                if first and not isinstance(outage, ServiceUnavailable | errors.Throttled):
                    raise
                self.failed(outage)
                await self._sleep(next(pauses))
            else:
                self.recovered()
                return workflow


def intervals(longest_seconds: float = LONGEST_INTERVAL_SECONDS) -> Iterator[float]:
    """Yield pauses that grow up to ``longest_seconds``, without end."""
    interval = SHORTEST_INTERVAL_SECONDS
    while True:
        yield interval
        interval = min(interval * INTERVAL_GROWTH, longest_seconds)
