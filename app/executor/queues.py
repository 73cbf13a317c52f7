"""Queues: who may start now, agreed on by all replicas through one document each."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import floor, inf
from typing import Any, Final, NamedTuple, Self

import structlog

from app.audit.notes import note
from app.executor.lru_cache import LRUCache
from app.store.documents import Document, DocumentStore
from app.store.unreadable import BROKEN, UnreadableRecords, reason
from workflow_manager import errors
from workflow_manager.models import Queue, QueueLimits

log = structlog.get_logger(__name__)

KEY_PREFIX: Final = "queue/"

REMEMBERED_SECONDS: Final = 1.0
"""Time that the limits of a queue are taken as read; a change on another replica is seen after it."""

MAX_REMEMBERED: Final = 1_000
"""Queues whose limits are remembered."""

CATCH_UP_SECONDS: Final = 1.0
"""Starts that were missed while workflows waited are made up for this long, or for two rounds if those take longer:
so a rate is kept although turns come now and then."""

EPOCH_KEY: Final = "epoch/queues"
"""A document that every change of limits raises: who knows its revision knows whether to read the queues anew."""

RELOAD_SECONDS: Final = 60.0
"""Time after which all queues are read anew even though nothing says that one was changed."""

RETIRE_SECONDS: Final = 60.0
"""How long the document of a queue without limits must be unchanged before it is removed, so that no replica can still
be about to write it."""

RETIRED_AT_ONCE: Final = 25
"""Documents that one look removes at most."""

MAX_TRIES: Final = 20
"""Attempts to change limits: each can lose to a dispatcher, or to another change."""

UNLIMITED: Final = QueueLimits()
STOPPED: Final = QueueLimits(paused=True)


@dataclass(frozen=True, slots=True)
class QueueState:
    """The state of a queue: limits, running and waiting workflows, and when the next may start (seconds since 1970)."""

    limits: QueueLimits
    running: tuple[str, ...] = ()
    """Admitted workflows that have not ended; only kept if their number is limited."""
    others: int = 0
    """Number of workflows that run without admission: they started before the queue was limited."""
    queued: int = 0
    next_start_at: float = 0.0

    @classmethod
    def of(cls, document: Document | None) -> Self:
        """Read a line from its document. What a later version of the service may have added to it is left out."""
        if document is None:
            return cls(UNLIMITED)
        body = document.body
        return cls(
            limits=QueueLimits.model_validate(
                {name: value for name, value in body["limits"].items() if name in _LIMIT_NAMES}
            ),
            running=tuple(body["running"]),
            others=body.get("others", 0),
            queued=body.get("queued", 0),
            next_start_at=body["nextStartAt"],
        )

    def body(self) -> Mapping[str, Any]:
        """Write the line as the body of its document."""
        return {
            "limits": self.limits.model_dump(by_alias=True, exclude_none=True),
            "running": list(self.running),
            "others": self.others,
            "queued": self.queued,
            "nextStartAt": self.next_start_at,
        }

    def counted(self, *, ended: Collection[str], others: int, queued: int) -> Self:
        """Return the state without ended workflows, and with the current counts."""
        if self.limits.max_running is None:
            return replace(self, running=(), others=0, queued=queued)
        running = tuple(workflow_id for workflow_id in self.running if workflow_id not in ended)
        return replace(self, running=running, others=others, queued=queued)

    def turns(self, moment: float, *, most: int, catch_up: float = CATCH_UP_SECONDS) -> int:
        """Return how many may start at ``moment`` by the pace of the queue, if there is room for them.

        Starts missed in the last ``catch_up`` seconds count too, if workflows waited; pass 0 if none did.
        """
        pace = self.limits.starts_per_second
        if self.limits.paused:
            return 0
        if pace is None:
            return most
        return min(most, max(0, floor((moment - self._pace_since(moment, pace, catch_up)) * pace) + 1))

    def room(self, *, most: int) -> int:
        """Return how many more may run at the same time."""
        if self.limits.max_running is None:
            return most
        return min(most, max(0, self.limits.max_running - len(self.running) - self.others))

    def admit(self, workflow_ids: Sequence[str], moment: float, *, catch_up: float = CATCH_UP_SECONDS) -> Self:
        """Return the line after these have started, or are about to; some may have been let through before."""
        pace, running, next_start_at = self.limits.starts_per_second, self.running, self.next_start_at
        if self.limits.max_running is not None:
            running = tuple(dict.fromkeys((*running, *workflow_ids)))
        if pace is not None and workflow_ids:
            next_start_at = self._pace_since(moment, pace, catch_up) + len(workflow_ids) / pace
        elif pace is not None:
            next_start_at = min(next_start_at, moment + 1 / pace)
        return replace(self, running=running, next_start_at=next_start_at)

    @property
    def idle(self) -> bool:
        """Whether no workflow runs or waits."""
        return not (self.running or self.others or self.queued)

    def with_limits(self, limits: QueueLimits) -> Self:
        """Return the line under other limits; a new pace begins now. Without limits nothing is counted."""
        if not limits.limited:
            return type(self)(limits)
        same_pace = limits.starts_per_second == self.limits.starts_per_second
        return replace(self, limits=limits, next_start_at=self.next_start_at if same_pace else 0.0)

    def _pace_since(self, moment: float, pace: float, catch_up: float) -> float:
        """Return when the first start that may be made now was due.

        What was written down by a clock that is ahead of ours counts for one start at most.
        """
        behind = catch_up if self.next_start_at else 0.0
        return min(max(self.next_start_at, moment - behind), moment + 1 / pace)


class _Known(NamedTuple):
    line: QueueState
    revision: int
    since: float


class KnownQueues:
    """The limited queues, as this process last read or wrote them."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self.limited: set[str] = set()
        self.unsettled: set[str] = set()
        """Limited queues with running or waiting workflows, or that another process has changed."""

    def get(self, name: str) -> tuple[QueueState, int]:
        """Return how a queue stands, and the revision to change it at: 0 when it has no limits or cannot be read."""
        known = self._known.get(name)
        return (known.line, known.revision) if known and name in self.limited else (QueueState(UNLIMITED), 0)

    def put(self, name: str, line: QueueState, revision: int, *, moment: float) -> None:
        """Note how a queue stands. Its revision alone tells nothing: that of a queue made again counts anew."""
        before = self._known.get(name)
        if before is None or (before.line, before.revision) != (line, revision):
            self._known[name] = _Known(line, revision, moment)
            self.limited.discard(name)
            self.unsettled.discard(name)
            if line.limits.limited:
                self.limited.add(name)
                self.unsettled.add(name)

    def settled(self, name: str) -> None:
        """Record that a queue need not be counted until a workflow is added."""
        self.unsettled.discard(name)

    def remove(self, name: str) -> None:
        """Forget a queue that has no document any more."""
        self._known.pop(name, None)
        self.limited.discard(name)
        self.unsettled.discard(name)

    def keep(self, names: Collection[str]) -> None:
        """Forget all others."""
        for name in self._known.keys() - names:
            self.remove(name)

    def retirable(self, *, before: float) -> Iterable[tuple[str, int]]:
        """Return the queues without limits whose documents have not changed since ``before``, with their revisions."""
        unlimited = self._known.keys() - self.limited
        return [(name, self._known[name].revision) for name in unlimited if self._known[name].since <= before]


class Queues:
    """Reads and changes queues. A queue without a document has no limits. ``clock`` gives seconds.

    Who dispatches looks every second, so what is known of the queues is kept, and only one small document is read
    while limits do not change: any number of queues costs as much as one.
    """

    def __init__(
        self, store: DocumentStore, *, clock: Callable[[], float], unreadable: UnreadableRecords | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._unreadable = unreadable or UnreadableRecords()
        self._limits: LRUCache[str, tuple[float, QueueLimits]] = LRUCache(MAX_REMEMBERED)
        self._changes = 0
        self._known = KnownQueues()
        self._epoch = -1
        self._loaded_at = self._looked_at = -inf
        self._outdated: set[str] = set()

    async def get(self, name: str) -> Queue:
        """Return a queue."""
        document = await self._store.get_document(KEY_PREFIX + name)
        return _shown(name, self._line_of(document), document)

    async def configured(self) -> list[Queue]:
        """Return the queues with limits, and the unreadable ones, by name."""
        documents = await self._store.list_documents(KEY_PREFIX)
        shown = [(_name(document), self._line_of(document), document) for document in documents]
        return [_shown(*each) for each in shown if each[1] is None or each[1].limits.limited]

    async def put(self, name: str, limits: QueueLimits) -> Queue:
        """Change the limits of a queue; what runs goes on. Raises ``VersionConflict`` under very many changes."""
        for _ in range(MAX_TRIES):
            document = await self._store.get_document(KEY_PREFIX + name)
            line = self._line_of(document) or QueueState(UNLIMITED)
            changed = line.with_limits(limits)
            note(before=_limits(line.limits), after=_limits(limits))
            if document is None and not limits.limited:
                return _shown(name, changed, None)
            try:
                revision = document.revision if document else 0
                await self._store.put_document(KEY_PREFIX + name, changed.body(), revision=revision)
            except errors.VersionConflict:
                continue
            self._changes += 1
            self._limits.put(name, (self._clock(), limits))
            await self._raise_epoch()
            log.info("queue changed", action="put-queue", queue=name, **limits.model_dump(exclude_none=True))
            return _shown(name, changed, None)
        raise errors.VersionConflict

    async def delete(self, name: str) -> None:
        """Remove all limits of a queue; its document is removed once no replica can still be about to write it."""
        await self.put(name, UNLIMITED)

    async def limits(self, name: str) -> QueueLimits:
        """Return the limits of a queue; what was known a second ago costs nothing."""
        moment = self._clock()
        known = self._limits.get(name)
        if known is None or moment - known[0] > REMEMBERED_SECONDS:
            changes = self._changes
            line = self._line_of(await self._store.get_document(KEY_PREFIX + name))
            if changes != self._changes:  # what was read may be older than what was written here meanwhile
                return await self.limits(name)
            known = (moment, line.limits if line else STOPPED)
            self._limits.put(name, known)
        return known[1]

    async def known(self) -> KnownQueues:
        """Return the limited queues as they stand, and remove documents of queues that have no limits any more.

        A queue that cannot be read starts nothing, and is left as it is (revision 0).
        """
        epoch = await self._store.get_document(EPOCH_KEY)
        moment = self._clock()
        revision = epoch.revision if epoch else 0
        if revision != self._epoch or moment - self._loaded_at >= RELOAD_SECONDS:
            await self._load(moment)
            self._epoch = revision
        for name in list(self._outdated):
            await self._reread(name, moment)
        await self._retire(moment)
        self._looked_at = moment
        return self._known

    async def write(self, name: str, line: QueueState, *, revision: int) -> None:
        """Write how a queue stands, as ``known`` has just shown it with ``revision``.

        Raises ``VersionConflict`` when another replica did meanwhile, or when the read was so long ago that the
        document may be another one of the same name.
        """
        if self._clock() - self._looked_at > RETIRE_SECONDS / 2:
            raise errors.VersionConflict(f"what is known of the queue {name!r} is too old")
        try:
            document = await self._store.put_document(KEY_PREFIX + name, line.body(), revision=revision)
        except errors.VersionConflict:
            self._outdated.add(name)
            raise
        self._known.put(name, line, document.revision, moment=self._clock())

    async def _load(self, moment: float) -> None:
        found = await self._read()
        for name, (line, revision) in found.items():
            self._known.put(name, line, revision, moment=moment)
        self._known.keep(found)
        self._outdated.clear()
        self._loaded_at = moment

    async def _read(self) -> Mapping[str, tuple[QueueState, int]]:
        documents = await self._store.list_documents(KEY_PREFIX)
        return {_name(document): self._standing(document) for document in documents}

    async def _reread(self, name: str, moment: float) -> None:
        document = await self._store.get_document(KEY_PREFIX + name)
        if document is None:
            self._known.remove(name)
        else:
            self._known.put(name, *self._standing(document), moment=moment)
        self._outdated.discard(name)

    async def _retire(self, moment: float) -> None:
        for name, revision in list(self._known.retirable(before=moment - RETIRE_SECONDS))[:RETIRED_AT_ONCE]:
            try:
                await self._store.delete_document(KEY_PREFIX + name, revision=revision)
            except errors.VersionConflict:
                self._outdated.add(name)
            else:
                self._known.remove(name)
                log.info("queue without limits removed", action="retire-queue", queue=name)

    async def _raise_epoch(self) -> None:
        """Have everybody read the queues anew. Who loses this write knows that another did the same just now."""
        epoch = await self._store.get_document(EPOCH_KEY)
        with suppress(errors.VersionConflict):
            await self._store.put_document(EPOCH_KEY, {}, revision=epoch.revision if epoch else 0)

    def _standing(self, document: Document) -> tuple[QueueState, int]:
        line = self._line_of(document)
        return (line, document.revision) if line else (QueueState(STOPPED), 0)

    def _line_of(self, document: Document | None) -> QueueState | None:
        """Read the state of a queue; None if it is unreadable, which must block only its own queue."""
        why = _wrong_with(document)
        if document is not None and why is not None:
            self._unreadable.note("queue", _name(document), why)
            return None
        return QueueState.of(document)


def _name(document: Document) -> str:
    return document.key.removeprefix(KEY_PREFIX)


def _wrong_with(document: Document | None) -> str | None:
    """Tell why a line cannot be read, if so."""
    if document is None:
        return None
    if document.unreadable is not None:
        return document.unreadable
    try:
        QueueState.of(document)
    except BROKEN as broken:
        return reason(broken)
    return None


_LIMIT_NAMES: Final = frozenset(field.alias for field in QueueLimits.model_fields.values())


def _shown(name: str, line: QueueState | None, document: Document | None) -> Queue:
    if line is None:
        return Queue(name=name, paused=True, running=0, unreadable=_wrong_with(document))
    limits = line.limits
    return Queue(
        name=name,
        max_running=limits.max_running,
        starts_per_second=limits.starts_per_second,
        paused=limits.paused,
        running=len(line.running) + line.others,
        queued=line.queued,
    )


def _limits(limits: QueueLimits) -> Mapping[str, Any]:
    return limits.model_dump(by_alias=True, exclude_none=True)
