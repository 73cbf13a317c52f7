"""Routes that answer when a workflow changes: a stream of events, and a read that waits."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.access.authenticator import Session
from app.api import error_responses
from app.api.bodies import SHARED_BYTES, Bodies, dump
from app.api.dependencies import ExecutorDep
from app.api.guard import session_of
from app.api.openapi import examples
from app.api.parameters import WorkflowId
from app.api.workflow_feeds import Feeds, Follower, Read, Snapshot
from app.executor.sfn.quotas import Priority, with_priority
from app.executor.turns import Place
from workflow_manager import errors
from workflow_manager.models import Workflow

HEARTBEAT_SECONDS: Final = 15.0
"""Maximum silence of a stream; proxies cut silent connections after 30 or 60 seconds."""

RECONNECT_MILLISECONDS: Final = 1_000
LONGEST_WAIT_SECONDS: Final = 60
LONGEST_HOLD_SECONDS: Final = 30.0
"""How long an answer that is being sent occupies one of the places for large answers."""

EVENT_STREAM: Final = "text/event-stream"
HEARTBEAT: Final = b": still here\n\n"

_REVISION: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
_TAGGED_REVISION: Final = re.compile(r'"([0-9]{1,15})"', re.ASCII)

NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": {"ETag": {"description": "The revision of the workflow.", "schema": {"type": "string"}}}},
    304: {"description": "The workflow has not changed since the revision in `If-None-Match`."},
}
EVENT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["event", "id", "data"],
    "properties": {
        "event": {"type": "string", "const": "workflow", "description": "Name of the event."},
        "id": {"type": "string", "description": "The revision of the workflow."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/Workflow"},
            "description": "The workflow, as `getWorkflowByID` returns it.",
        },
    },
}
"""One event, as OpenAPI 3.2 describes the items of a stream; readers of 3.1 ignore it."""

STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A stream of events, until the workflow has ended.",
        "content": {EVENT_STREAM: {"itemSchema": EVENT_SCHEMA, "example": examples.EVENTS}},
    },
    204: {"description": "The workflow has ended, and `Last-Event-ID` is the id of its last event."},
}

router = APIRouter(prefix="/workflows", tags=["workflows"], responses=error_responses.COMMON)


async def _feeds(request: Request) -> Feeds:
    feeds: Feeds = request.app.state.feeds
    return feeds


async def _read(workflow_id: WorkflowId, executor: ExecutorDep) -> Read:
    async def read(*, refresh: bool) -> Workflow:
        if not refresh:
            return await executor.stored(workflow_id)
        # Many followers must not hold up the requests of people; the poller keeps statuses fresh without them.
        with with_priority(Priority.DETAIL):
            return await executor.get(workflow_id)

    return read


FeedsDep = Annotated[Feeds, Depends(_feeds)]
ReadDep = Annotated[Read, Depends(_read)]
Wait = Annotated[
    float,
    Query(
        ge=0,
        le=LONGEST_WAIT_SECONDS,
        description="Maximum number of seconds to wait until the workflow changes or ends. The change is relative "
        "to `If-None-Match`, or to the present. An ended workflow is answered at once.",
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(max_length=1024, description="The `ETag` of an earlier answer; 304 if nothing has changed since."),
]
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=1024,
        description="Id of the last event received; only newer ones are sent. Browsers set it themselves.",
    ),
]


@router.get(
    "/{workflowID}/events",
    operation_id="followWorkflow",
    response_class=Response,
    responses=STREAMED | error_responses.responses(404),
)
async def follow_workflow(
    workflow_id: WorkflowId,
    request: Request,
    executor: ExecutorDep,
    feeds: FeedsDep,
    read: ReadDep,
    last_event_id: LastEventId = None,
) -> Response:
    """Follow a workflow: server-sent events, one at once and one after every change, until it has ended.

    Each event is named `workflow`; its data is the whole workflow as `getWorkflowByID` returns it, and its id the
    revision of the workflow. At most one event is sent per second; changes in between are combined. Comments keep the
    connection alive. If the stream ends before the workflow (after an hour, or because the connection or replica is
    gone), reconnect to any replica with `Last-Event-ID`.
    """
    await executor.require_readable(workflow_id)
    known = int(last_event_id) if last_event_id and _REVISION.fullmatch(last_event_id) else None
    with ExitStack() as stack:
        follower = stack.enter_context(feeds.follow(workflow_id, read))
        first = await follower.feed.newer_than(None, timeout_seconds=LONGEST_WAIT_SECONDS)
        if first is None:
            raise errors.Unavailable("the service is stopping; follow the workflow again")
        if first.workflow.status.terminal and first.revision == known:
            return Response(status_code=204)
        # An id that is ahead of the store was not given out by it.
        after = known if known is not None and known <= first.revision else None
        return EventStream(_events(follower, after, session_of(request)), stack.pop_all())


async def wait_for_change(
    request: Request, feeds: Feeds, read: Read, workflow_id: str, *, seconds: float, if_none_match: str | None
) -> bool:
    """Wait until a workflow has ended or differs from what the caller knows, for at most ``seconds``.

    Return false as soon as the caller has disconnected.
    """
    session = session_of(request)
    if session is not None:
        seconds = min(seconds, session.seconds_left)
    change = _change(feeds, read, workflow_id, seconds=seconds, if_none_match=if_none_match)
    waiting = asyncio.create_task(change, name="wait-for-change")
    leaving = asyncio.create_task(_departure(request), name="wait-for-departure")
    try:
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            waiting.result()
            if session is not None:
                await session.check()
        return waiting.done()
    finally:
        waiting.cancel()
        leaving.cancel()
        await asyncio.gather(waiting, leaving, return_exceptions=True)


async def _departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _change(feeds: Feeds, read: Read, workflow_id: str, *, seconds: float, if_none_match: str | None) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    with feeds.follow(workflow_id, read) as follower:
        first = await follower.feed.newer_than(None, timeout_seconds=seconds)
        if first is None or first.workflow.status.terminal:
            return
        if if_none_match is None or matches(if_none_match, first.revision):
            await follower.feed.newer_than(first.revision, timeout_seconds=deadline - clock())


def answer(workflow: Workflow, bodies: Bodies, *, if_none_match: str | None) -> Response:
    """Return a workflow with its revision as ETag, or 304 to a caller that knows the revision."""
    tag = {"ETag": f'W/"{workflow.revision}"'}
    if if_none_match is not None and matches(if_none_match, workflow.revision):
        return Response(status_code=304, headers=tag)
    return bodies.response(dump(workflow), headers=tag)


def matches(if_none_match: str, revision: int) -> bool:
    """Return whether an ``If-None-Match`` header contains a revision (RFC 9110, section 13.1.2)."""
    return if_none_match.strip() == "*" or str(revision) in _TAGGED_REVISION.findall(if_none_match)


class HeldAnswer(Response):
    """A large answer; it occupies one of a few places until it is sent."""

    def __init__(self, answer: Response, place: Place) -> None:
        super().__init__(status_code=answer.status_code)
        self._answer = answer
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer. A slow reader gives up its place after ``LONGEST_HOLD_SECONDS``."""
        timer = asyncio.get_running_loop().call_later(LONGEST_HOLD_SECONDS, self._place.give_up)
        try:
            await self._answer(scope, receive, send)
        finally:
            timer.cancel()
            self._place.give_up()


class EventStream(StreamingResponse):
    """A stream of events; ``place`` in the feed is closed when the stream ends for any reason."""

    media_type = EVENT_STREAM

    def __init__(self, events: AsyncGenerator[bytes, None], place: ExitStack) -> None:
        # The second header keeps nginx from buffering events.
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._events = events
        self._place = place

    async def stream_response(self, send: Send) -> None:
        """Send the events."""
        with self._place:
            async with aclosing(self._events):
                await super().stream_response(send)


async def _events(follower: Follower, known: int | None, session: Session | None) -> AsyncGenerator[bytes, None]:
    yield b"retry: %d\n\n" % RECONNECT_MILLISECONDS
    while True:
        patience = HEARTBEAT_SECONDS if session is None else min(HEARTBEAT_SECONDS, session.seconds_left)
        try:
            snapshot = await follower.feed.newer_than(known, timeout_seconds=patience)
            if session is not None:
                await session.check()
        except (errors.WorkflowNotFound, errors.NotAuthenticated):  # a reconnect gets 404 or 401
            return
        if snapshot is not None:
            known = snapshot.revision
            for part in _event(snapshot):
                yield part
        elif follower.feed.over:
            return
        else:
            yield HEARTBEAT


def _event(snapshot: Snapshot) -> tuple[bytes, ...]:
    """Return an event in parts; the large one is shared by all followers."""
    # JSON has no line breaks of its own, so the data is one line.
    parts = (b"event: workflow\nid: %d\ndata: " % snapshot.revision, snapshot.json, b"\n\n")
    return parts if len(snapshot.json) >= SHARED_BYTES else (b"".join(parts),)
