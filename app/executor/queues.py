"""Queues: who may start now, agreed on by all replicas through one document each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

import structlog

from app import errors
from app.models import Queue, QueueLimits
from app.store.documents import Document, DocumentStore

log = structlog.get_logger(__name__)

KEY_PREFIX: Final = "queue/"

REMEMBERED: Final = timedelta(seconds=1)
"""Time that the limits of a queue are taken as read; a change on another replica is seen after it."""

CATCH_UP_SECONDS: Final = 1.0
"""Starts that were not made are made up for this long, so that a rate is kept although turns come once a second."""

MAX_TRIES: Final = 5

UNLIMITED: Final = QueueLimits()


@dataclass(frozen=True, slots=True)
class Line:
    """How a queue stands: its limits, the workflows let through, and when the next may go."""

    limits: QueueLimits
    running: tuple[str, ...] = ()
    next_start_at: float = 0.0

    @classmethod
    def of(cls, document: Document | None) -> Self:
        """Read a line from its document."""
        if document is None:
            return cls(UNLIMITED)
        body = document.body
        return cls(
            limits=QueueLimits.model_validate(body["limits"]),
            running=tuple(body["running"]),
            next_start_at=body["nextStartAt"],
        )

    def body(self) -> Mapping[str, Any]:
        """Write the line as the body of its document."""
        return {
            "limits": self.limits.model_dump(by_alias=True, exclude_none=True),
            "running": list(self.running),
            "nextStartAt": self.next_start_at,
        }

    def admit(self, waiting: Sequence[str], *, ended: frozenset[str], moment: float) -> Self:
        """Let through as many of ``waiting``, in their order, as the limits allow at ``moment`` (seconds).

        ``ended`` are those of ``running`` that have ended and leave room. Pure: the caller writes the result.
        """
        running = [workflow_id for workflow_id in self.running if workflow_id not in ended]
        next_start_at = self.next_start_at
        pace = self.limits.starts_per_second
        for workflow_id in waiting:
            full = self.limits.max_running is not None and len(running) >= self.limits.max_running
            if self.limits.paused or full or (pace is not None and next_start_at > moment):
                break
            if workflow_id in self.running:
                continue
            running.append(workflow_id)
            if pace is not None:
                next_start_at = max(next_start_at, moment - CATCH_UP_SECONDS) + 1 / pace
        return type(self)(self.limits, tuple(running), next_start_at)


class Queues:
    """Reads and changes queues. A queue without a document has no limits."""

    def __init__(self, store: DocumentStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._limits: dict[str, tuple[datetime, QueueLimits]] = {}

    async def get(self, name: str) -> Queue:
        """Return a queue."""
        return _shown(name, Line.of(await self._store.get_document(KEY_PREFIX + name)))

    async def configured(self) -> list[Queue]:
        """Return the queues that somebody gave limits to, by name."""
        return [_shown(name, line) for name, (line, _) in sorted((await self.lines()).items())]

    async def put(self, name: str, limits: QueueLimits) -> Queue:
        """Change the limits of a queue; what runs goes on. Raises ``VersionConflict`` under very many changes."""
        for _ in range(MAX_TRIES):
            document = await self._store.get_document(KEY_PREFIX + name)
            line = Line.of(document)
            changed = Line(limits, line.running, line.next_start_at)
            try:
                await self._store.put_document(
                    KEY_PREFIX + name, changed.body(), revision=document.revision if document else 0
                )
            except errors.VersionConflict:
                continue
            self._limits[name] = (self._now(), limits)
            log.info("queue changed", action="put-queue", queue=name, **limits.model_dump(exclude_none=True))
            return _shown(name, changed)
        raise errors.VersionConflict

    async def limited(self, name: str) -> bool:
        """Tell whether workflows of a queue wait for their turn; a known answer costs nothing."""
        moment = self._now()
        known = self._limits.get(name)
        if known is None or moment - known[0] > REMEMBERED:
            known = (moment, Line.of(await self._store.get_document(KEY_PREFIX + name)).limits)
            self._limits[name] = known
        return known[1].limited

    async def lines(self) -> Mapping[str, tuple[Line, int]]:
        """Return every queue that has a document, with the revision to change it at."""
        documents = await self._store.list_documents(KEY_PREFIX)
        return {document.key.removeprefix(KEY_PREFIX): (Line.of(document), document.revision) for document in documents}

    async def write(self, name: str, line: Line, *, revision: int) -> None:
        """Write how a queue stands. Raises ``VersionConflict`` when somebody else did meanwhile."""
        await self._store.put_document(KEY_PREFIX + name, line.body(), revision=revision)


def _shown(name: str, line: Line) -> Queue:
    limits = line.limits
    return Queue(
        name=name,
        max_running=limits.max_running,
        starts_per_second=limits.starts_per_second,
        paused=limits.paused,
        running=len(line.running),
    )
