"""How the client watches a workflow change: told by the service, or by asking again in growing intervals."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Final

from app import errors, models
from app.client.answers import WORKFLOW
from app.client.events import EventParser
from app.client.http import Connection, Sleep, decode, decode_content
from app.client.requests import flag, workflow_path

SHORTEST_INTERVAL_SECONDS: Final = 0.2
LONGEST_INTERVAL_SECONDS: Final = 2.0
INTERVAL_GROWTH: Final = 1.5
MAX_FAILED_READS: Final = 15
"""Reads in a row that may fail before the watcher gives up: enough for a restart of the service."""

WAIT_SECONDS: Final = 20
"""How long one request waits for a change; proxies cut silent ones after 30 or 60 seconds."""

FIRST_EVENT_SECONDS: Final = 10.0
"""A stream that says nothing for so long at its start is held back by something in between."""

SILENCE_SECONDS: Final = 45.0
"""Three heartbeats of the service: a stream that is silent for longer is dead."""

Read = Callable[[], Awaitable[models.Workflow]]


class NoEvents(Exception):
    """The service, or what is in between, has no stream of events; asking again is the other way."""


async def poll_changes(
    read: Read, *, sleep: Sleep, known: models.Workflow | None = None
) -> AsyncIterator[models.Workflow]:
    """Yield the workflow whenever it differs from what was yielded last; end with its terminal state.

    ``known`` is what the caller has seen already. The interval starts small, grows while nothing happens, and is
    small again after a change. An outage in the middle is waited out; one at the first read is raised.
    """
    last = await read()
    if known is None or _differs(last, known):
        yield last
    intervals = _intervals()
    failures = 0
    while not last.status.terminal:
        await sleep(next(intervals))
        try:
            workflow = await read()
        except errors.Unavailable:
            failures += 1
            if failures == MAX_FAILED_READS:
                raise
            continue
        failures = 0
        if _differs(workflow, last):
            last, intervals = workflow, _intervals()
            yield workflow


class LongPoll:
    """Reads a workflow; each read but the first one waits at the service for a change, if it can do that."""

    def __init__(self, connection: Connection, workflow_id: str, *, sleep: Sleep) -> None:
        self._connection = connection
        self._path = workflow_path(workflow_id)
        self._sleep = sleep
        self._tag: str | None = None
        self._last: models.Workflow | None = None

    async def read(self) -> models.Workflow:
        """Return the workflow when it has changed, at the latest after ``WAIT_SECONDS``."""
        waits = self._tag is not None
        response = await self._connection.request(
            "GET",
            self._path,
            repeatable=True,
            params=[("fetchHistory", flag(False)), *([("wait", str(WAIT_SECONDS))] if waits else [])],
            headers={"If-None-Match": self._tag} if self._tag is not None else None,
            wait_seconds=WAIT_SECONDS if waits else 0,
        )
        if response.status_code == 304 and self._last is not None:
            return self._last
        self._tag = response.headers.get("ETag")
        self._last = decode(response, WORKFLOW)
        return self._last

    async def sleep(self, seconds: float) -> None:
        """Pause between two reads; hardly, when they wait by themselves."""
        await self._sleep(seconds if self._tag is None else SHORTEST_INTERVAL_SECONDS)


class EventFollower:
    """Follows a workflow by the events of the service; resumes where a stream broke off."""

    def __init__(self, connection: Connection, workflow_id: str, *, sleep: Sleep) -> None:
        self._connection = connection
        self._path = f"{workflow_path(workflow_id)}/events"
        self._sleep = sleep
        self._last_id: str | None = None
        self._failures = 0
        self._intervals = _intervals()
        self.last: models.Workflow | None = None

    async def changes(self) -> AsyncGenerator[models.Workflow, None]:
        """Yield the workflow now and after every change until it has ended.

        Raises ``NoEvents`` when there is no stream to be had, ``errors.Unavailable`` after an outage without end.
        """
        while True:
            try:
                async with aclosing(self._stream()) as stream:
                    async for workflow in stream:
                        if self.last is None or _differs(workflow, self.last):
                            self.last = workflow
                            yield workflow
            except errors.Unavailable as outage:
                self._note_failure(outage)
            if self.last is not None and self.last.status.terminal:
                return
            await self._sleep(next(self._intervals))

    async def _stream(self) -> AsyncGenerator[models.Workflow, None]:
        parser = EventParser()
        headers = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
        async with self._connection.stream(
            self._path, headers=headers, first_seconds=FIRST_EVENT_SECONDS, silence_seconds=SILENCE_SECONDS
        ) as answer:
            if answer is None:
                raise NoEvents
            async for piece in answer:
                self._failures, self._intervals = 0, _intervals()
                for event in parser.feed(piece):
                    self._last_id = event.id
                    if event.kind == "workflow":
                        yield decode_content(event.data, WORKFLOW, whose=self._path)

    def _note_failure(self, outage: errors.Unavailable) -> None:
        if self.last is None:
            raise NoEvents from outage
        self._failures += 1
        if self._failures == MAX_FAILED_READS and not self.last.status.terminal:
            raise outage


def _intervals() -> Iterator[float]:
    interval = SHORTEST_INTERVAL_SECONDS
    while True:
        yield interval
        interval = min(interval * INTERVAL_GROWTH, LONGEST_INTERVAL_SECONDS)


def _differs(one: models.Workflow, other: models.Workflow) -> bool:
    """Compare what happened to a workflow, not when somebody last looked at it."""
    looked_at = {"observed_at": None, "last_updated": one.last_updated}
    return one.model_copy(update=looked_at) != other.model_copy(update=looked_at)
