"""How the client watches a workflow change: told by the service, or by asking again in growing intervals."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from workflow_manager import errors, models
from workflow_manager.client.decoding import WORKFLOW, decode, decode_content
from workflow_manager.client.error_mapping import Unreached
from workflow_manager.client.http import Connection, Sleep
from workflow_manager.client.outage_patience import (
    LONGEST_OUTAGE_INTERVAL_SECONDS,
    SHORTEST_INTERVAL_SECONDS,
    Patience,
    Read,
    intervals,
)
from workflow_manager.client.request_parts import flag, workflow_path
from workflow_manager.client.sse import EventParser, ServerEvent

WAIT_SECONDS: Final = 20
"""How long one request waits for a change; proxies cut silent ones after 30 or 60 seconds."""

FIRST_EVENT_SECONDS: Final = 10.0
"""A stream that says nothing for so long at its start is held back by something in between."""

SILENCE_SECONDS: Final = 45.0
"""Three heartbeats of the service: a stream that is silent for longer is dead."""


class NoEvents(Exception):
    """The service, or what is in between, has no stream of events; asking again is the other way."""


async def poll_changes(
    read: Read, *, sleep: Sleep, patience: Patience, known: models.Workflow | None = None
) -> AsyncGenerator[models.Workflow, None]:
    """Yield the workflow whenever it differs from what was yielded last; end with its terminal state.

    ``known`` is what the caller has seen already. The interval starts small, grows while nothing happens, and is
    small again after a change. An outage is waited out with ``patience``.
    """
    last = await patience.read(read, first=known is None)
    if known is None or _differs(last, known):
        yield last
    pauses = intervals()
    while not last.status.terminal:
        await sleep(next(pauses))
        workflow = await patience.read(read)
        if _differs(workflow, last):
            last, pauses = workflow, intervals()
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
            once=True,
            missing=errors.WorkflowNotFound,
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

    def __init__(self, connection: Connection, workflow_id: str, *, sleep: Sleep, patience: Patience) -> None:
        self._connection = connection
        self._path = f"{workflow_path(workflow_id)}/events"
        self._sleep = sleep
        self._patience = patience
        self._last_id: str | None = None
        self._pauses = intervals(LONGEST_OUTAGE_INTERVAL_SECONDS)
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
                if self.last is None and not isinstance(outage, Unreached):
                    raise NoEvents from outage
                if self.last is None or not self.last.status.terminal:
                    self._patience.lose(outage)
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
                self._patience.regain()
                self._pauses = intervals(LONGEST_OUTAGE_INTERVAL_SECONDS)
                for event in parser.feed(piece):
                    self._last_id = event.id
                    if event.kind == "workflow":
                        yield self._read(event)

    def _read(self, event: ServerEvent) -> models.Workflow:
        try:
            return decode_content(event.data, WORKFLOW, whose=self._path)
        except errors.Unavailable as strange:
            raise NoEvents from strange


def _differs(one: models.Workflow, other: models.Workflow) -> bool:
    """Compare what happened to a workflow, not when somebody last looked at it."""
    looked_at = {"observed_at": None, "last_updated": one.last_updated}
    return one.model_copy(update=looked_at) != other.model_copy(update=looked_at)
