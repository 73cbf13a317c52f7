"""Following a workflow: by events of the service, or by polling in growing intervals."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from workflow_manager import errors, models
from workflow_manager.client.decoding import WORKFLOW, decode, decode_content
from workflow_manager.client.error_mapping import ConnectionFailed
from workflow_manager.client.http import Connection, Sleep
from workflow_manager.client.outage_tolerance import (
    LONGEST_OUTAGE_INTERVAL_SECONDS,
    SHORTEST_INTERVAL_SECONDS,
    OutageTolerance,
    Read,
    intervals,
)
from workflow_manager.client.request_parts import flag, workflow_path
from workflow_manager.client.sse import EventParser, ServerEvent

WAIT_SECONDS: Final = 20
"""How long a long poll waits for a change; proxies cut silent requests after 30 or 60 seconds."""

FIRST_EVENT_SECONDS: Final = 10.0
"""A stream without an event for this long at its start is buffered by a proxy."""

SILENCE_SECONDS: Final = 45.0
"""Three heartbeats of the service: a stream that is silent for longer is dead."""


class NoEvents(Exception):
    """The service, or a proxy, provides no stream of events, so it must be polled."""


async def poll_changes(
    read: Read, *, sleep: Sleep, tolerance: OutageTolerance, known: models.Workflow | None = None
) -> AsyncGenerator[models.Workflow, None]:
    """Yield the workflow whenever it differs from what was yielded last; end with its terminal state.

    ``known`` is the state that the caller has already. The interval starts small, grows while nothing changes, and is
    reset by a change. ``tolerance`` waits out outages.
    """
    last = await tolerance.read(read, first=known is None)
    if known is None or _differs(last, known):
        yield last
    pauses = intervals()
    while not last.status.terminal:
        await sleep(next(pauses))
        workflow = await tolerance.read(read)
        if _differs(workflow, last):
            last, pauses = workflow, intervals()
            yield workflow


class LongPoll:
    """Reads a workflow; each read but the first waits at the service for a change, if it supports that."""

    def __init__(self, connection: Connection, workflow_id: str, *, sleep: Sleep) -> None:
        self._connection = connection
        self._path = workflow_path(workflow_id)
        self._sleep = sleep
        self._tag: str | None = None
        self._last: models.Workflow | None = None

    async def read(self) -> models.Workflow:
        """Return the workflow once it has changed, or after ``WAIT_SECONDS``."""
        waits = self._tag is not None
        response = await self._connection.request(
            "GET",
            self._path,
            repeatable=True,
            params=[("fetchHistory", flag(False)), *([("wait", str(WAIT_SECONDS))] if waits else [])],
            headers={"If-None-Match": self._tag} if self._tag is not None else None,
            wait_seconds=WAIT_SECONDS if waits else 0,
            once=True,
            missing=errors.WorkflowNotFound,
        )
        if response.status_code == 304 and self._last is not None:
            return self._last
        self._tag = response.headers.get("ETag")
        self._last = decode(response, WORKFLOW)
        return self._last

    async def sleep(self, seconds: float) -> None:
        """Pause between two reads; only briefly if the reads themselves wait."""
        await self._sleep(seconds if self._tag is None else SHORTEST_INTERVAL_SECONDS)


class EventFollower:
    """Follows a workflow by the events of the service; a broken stream is resumed where it ended."""

    def __init__(self, connection: Connection, workflow_id: str, *, sleep: Sleep, tolerance: OutageTolerance) -> None:
        self._connection = connection
        self._path = f"{workflow_path(workflow_id)}/events"
        self._sleep = sleep
        self._tolerance = tolerance
        self._last_id: str | None = None
        self._pauses = intervals(LONGEST_OUTAGE_INTERVAL_SECONDS)
        self.last: models.Workflow | None = None

    async def changes(self) -> AsyncGenerator[models.Workflow, None]:
        """Yield the workflow now and after every change until it has ended.

        Raises ``NoEvents`` if there is no stream, and ``errors.Unavailable`` if an outage lasts too long.
        """
        while True:
            try:
                async with aclosing(self._stream()) as stream:
                    async for workflow in stream:
                        if self.last is None or _differs(workflow, self.last):
                            self.last = workflow
                            yield workflow
            except errors.Unavailable as outage:
                if self.last is None and not isinstance(outage, ConnectionFailed):
                    raise NoEvents from outage
                if self.last is None or not self.last.status.terminal:
                    self._tolerance.failed(outage)
            if self.last is not None and self.last.status.terminal:
                return
            await self._sleep(next(self._pauses))

    async def _stream(self) -> AsyncGenerator[models.Workflow, None]:
        parser = EventParser()
        headers = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
        async with self._connection.stream(
            self._path, headers=headers, first_seconds=FIRST_EVENT_SECONDS, silence_seconds=SILENCE_SECONDS
        ) as answer:
            if answer is None:
                raise NoEvents
            async for piece in answer:
                self._tolerance.recovered()
                self._pauses = intervals(LONGEST_OUTAGE_INTERVAL_SECONDS)
                for event in parser.feed(piece):
                    self._last_id = event.id
                    if event.kind == "workflow":
                        yield self._read(event)

    def _read(self, event: ServerEvent) -> models.Workflow:
        try:
            return decode_content(event.data, WORKFLOW, source=self._path)
        except errors.Unavailable as strange:
            raise NoEvents from strange


def _differs(one: models.Workflow, other: models.Workflow) -> bool:
    """Compare two states of a workflow, but not the times when they were read."""
    looked_at = {"observed_at": None, "last_updated": one.last_updated}
    return one.model_copy(update=looked_at) != other.model_copy(update=looked_at)
