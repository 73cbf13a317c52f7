"""Shared looks at workflows: however many follow one in this process, it is read once a second at most."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Protocol, Self

import structlog

from app.api.bodies import SHARED_BYTES, Bodies, dump
from app.store.base import summary
from workflow_manager import errors
from workflow_manager.models import Workflow

log = structlog.get_logger(__name__)

INTERVAL_SECONDS: Final = 1.0
"""Shortest time between two reads of a followed workflow."""

BYTES_PER_SECOND: Final = 1 << 20
"""A workflow whose JSON is larger than this is read, and sent to each follower, more rarely."""

REFRESH_GROWTH: Final = 1.5
LONGEST_REFRESH_SECONDS: Final = 5.0
"""While nothing changes, Step Functions is asked less and less often; the store is read at the same rate."""

DETAILS_SECONDS: Final = 5.0
"""How long an ended workflow is read on for an output, reason or jobs that are still to come."""


LIFETIME_SECONDS: Final = 3_600.0
"""How long a feed lives: its followers come back, and may then be sent to another replica."""


class Read(Protocol):
    """Reads one workflow: as it is stored or, to ``refresh``, after asking Step Functions."""

    def __call__(self, *, refresh: bool) -> Coroutine[None, None, Workflow]: ...


class Snapshot:
    """A workflow as it was at one revision.

    A large one is kept as its JSON, which equal snapshots of other feeds share; ``workflow`` is a summary then.
    """

    def __init__(self, workflow: Workflow, bodies: Bodies) -> None:
        self._body = bodies.share(dump(workflow))
        self.workflow = summary(workflow) if len(self.json) >= SHARED_BYTES else workflow
        self.revision = workflow.revision

    @property
    def json(self) -> bytes:
        """The workflow as ``GET /workflows/{workflowID}`` answers it; made once for all followers."""
        return self._body.content


class Feed:
    """Reads one workflow again and again, and wakes its followers when the revision has gone up."""

    def __init__(self, read: Read, bodies: Bodies, *, interval_seconds: float, lifetime_seconds: float) -> None:
        self._read = read
        self._bodies = bodies
        self._interval = interval_seconds
        self._until = self._now() + lifetime_seconds
        self._latest: Snapshot | None = None
        self._changed = asyncio.Event()
        self._refreshing: asyncio.Task[Workflow] | None = None
        self._refresh_pause = interval_seconds
        self._refresh_at = self._now()
        self._ended_at: float | None = None
        self._closed = False
        self._task = asyncio.create_task(self._run(), name="workflow-feed")
        self._task.add_done_callback(_look_at_failure)
        self._task.add_done_callback(lambda _: self._announce())
        self.followers = 0

    @property
    def over(self) -> bool:
        """Whether nothing newer will come."""
        return self._closed or self._task.done()

    async def newer_than(self, revision: int | None, *, timeout_seconds: float) -> Snapshot | None:
        """Return the newest snapshot once it is newer; None after the time-out, or when nothing will come.

        Raises what the first read raised, and ``WorkflowNotFound`` when the workflow is gone.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                while (found := self._newer(revision)) is None and not self.over:
                    await self._changed.wait()
        except TimeoutError:
            return None
        if found is None and self._task.done() and not self._task.cancelled():
            self._task.result()
        return found

    def close(self) -> None:
        """Stop reading and send every follower away."""
        self._closed = True
        self._task.cancel()
        self._announce()

    async def _run(self) -> None:
        try:
            while not self._settled() and self._now() < self._until:
                await self._look_once()
                await asyncio.sleep(self._pause())
        finally:
            if self._refreshing is not None:
                self._refreshing.cancel()

    async def _look_once(self) -> None:
        try:
            self._publish(await self._look())
        except errors.WorkflowNotFound:
            raise
        except errors.WorkflowManagerError as silence:
            if self._latest is None:
                raise
            log.warning(
                "followed workflow could not be read",
                action="follow",
                workflow_id=self._latest.workflow.id,
                error=silence.message,
            )

    async def _look(self) -> Workflow:
        """Ask Step Functions when it is time to; show what is stored while its answer takes longer."""
        if self._refreshing is None and self._now() >= self._refresh_at:
            self._refreshing = asyncio.create_task(self._read(refresh=True), name="workflow-refresh")
            self._refreshing.add_done_callback(_look_at_failure)
            await asyncio.wait({self._refreshing}, timeout=self._interval)
        if self._refreshing is None or not self._refreshing.done():
            return await self._read(refresh=False)
        refreshed, self._refreshing = self._refreshing, None
        self._refresh_at = self._now() + self._refresh_pause
        self._refresh_pause = min(self._refresh_pause * REFRESH_GROWTH, LONGEST_REFRESH_SECONDS)
        return refreshed.result()

    def _publish(self, workflow: Workflow) -> None:
        # A read that was slow, or served by a lagging copy, must not take followers back.
        if self._latest is not None and workflow.revision <= self._latest.revision:
            return
        self._latest = Snapshot(workflow, self._bodies)
        self._refresh_pause = self._interval
        if not workflow.status.terminal:
            self._ended_at = None  # also when it goes on after its end
        elif self._ended_at is None:
            self._ended_at = self._now()
        self._announce()

    def _settled(self) -> bool:
        """Tell whether the workflow has ended and all that is known of it is here, or late."""
        if self._latest is None or self._ended_at is None:
            return False
        return not self._latest.workflow.details_pending or self._now() >= self._ended_at + DETAILS_SECONDS

    def _pause(self) -> float:
        if self._settled():
            return 0
        size = 0 if self._latest is None else len(self._latest.json)
        return max(self._interval, size / BYTES_PER_SECOND)

    def _newer(self, revision: int | None) -> Snapshot | None:
        latest = self._latest
        return latest if latest is not None and (revision is None or latest.revision > revision) else None

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _look_at_failure(task: asyncio.Task[Any]) -> None:
    """Retrieve the result of a task that is no longer awaited, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()


class Follower:
    """One place in a feed; the feed ends when the last one is given up."""

    def __init__(self, feeds: "Feeds", workflow_id: str, feed: Feed) -> None:
        self._feeds = feeds
        self._workflow_id = workflow_id
        self.feed = feed

    def __enter__(self) -> Self:
        self.feed.followers += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.feed.followers -= 1
        if not self.feed.followers:
            self.feed.close()
            self._feeds.forget(self._workflow_id, self.feed)


class Feeds:
    """The feeds of this process, by workflow."""

    def __init__(
        self,
        *,
        bodies: Bodies | None = None,
        interval_seconds: float = INTERVAL_SECONDS,
        lifetime_seconds: float = LIFETIME_SECONDS,
    ) -> None:
        self._bodies = bodies or Bodies()
        self._interval = interval_seconds
        self._lifetime = lifetime_seconds
        self._feeds: dict[str, Feed] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._feeds)

    def follow(self, workflow_id: str, read: Read) -> Follower:
        """Join those who follow a workflow, as a context manager; the first one's ``read`` is used for all."""
        feed = self._feeds.get(workflow_id)
        if feed is None or feed.over:
            feed = self._feeds[workflow_id] = Feed(
                read, self._bodies, interval_seconds=self._interval, lifetime_seconds=self._lifetime
            )
        if self._closed:
            feed.close()
        return Follower(self, workflow_id, feed)

    def forget(self, workflow_id: str, feed: Feed) -> None:
        """Remove a feed without followers."""
        if self._feeds.get(workflow_id) is feed:
            del self._feeds[workflow_id]

    def close(self) -> None:
        """End every feed, and those to come: the service stops, and no answer may hold it up."""
        self._closed = True
        for feed in self._feeds.values():
            feed.close()
