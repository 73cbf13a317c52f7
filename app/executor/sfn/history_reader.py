"""Reading histories: a long one is not read from its start again while its run goes on."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.executor.history.payloads import DEFAULT_BYTES, ForResume, Newest, Only, Payloads
from app.executor.lru_cache import LRUCache
from app.executor.observations import Observation, RunReading
from app.executor.turns import Turns
from workflow_manager import errors
from workflow_manager.aws.answer_sizes import answers_up_to
from workflow_manager.models import Workflow

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient
    from types_aiobotocore_stepfunctions.type_defs import GetExecutionHistoryOutputTypeDef

PAGE_EVENTS: Final = 1_000
"""Largest page of GetExecutionHistory; most histories are one page."""

LEAST_PAGE_EVENTS: Final = 10
"""Smaller pages would take too many calls; an event can have half a MiB: an output and variables."""

PAGE_BYTES: Final = 4 * 1024 * 1024
"""A larger page is not read: the history is read again, in smaller ones."""

FILLED: Final = 0.7
"""Part of a page that what is known should fill, as events differ."""

HEAVY_BYTES: Final = 1024 * 1024
"""A run with more payloads than that, and with more than one page, is read in turn."""

MAX_REMEMBERED: Final = 10_000
"""Runs of which is remembered how large their events are."""

BOOKMARK_BYTES: Final = 32 * 1024 * 1024
"""What remembered histories may hold together."""

EVENT_BYTES: Final = 400
"""What a fold holds for each event besides payloads."""


@dataclass(slots=True)
class _HistoryCursor:
    reading: RunReading
    page_events: int
    """Never changed while there is a token, which is good for pages of this size."""
    token: str | None = None
    """Where the last page begins; a token is good for 24 hours."""

    @property
    def held_bytes(self) -> int:
        return self.reading.kept_bytes + self.reading.last_event_id * EVENT_BYTES

    def begin_again(self, page_events: int) -> None:
        """Read in other pages, from the start; what was read is passed over."""
        self.page_events, self.token = page_events, None


class _TurnsOutHeavy(Exception):
    """A run has many payloads, and is not read in turn."""


class HistoryReader:
    """Reads histories with GetExecutionHistory, and folds them.

    Of each run it keeps ``payload_bytes`` of payloads, and of all runs that go on ``bookmark_bytes`` together. Runs
    with many payloads are read one at a time.
    """

    def __init__(
        self, sfn: "SFNClient", *, payload_bytes: int = DEFAULT_BYTES, bookmark_bytes: int = BOOKMARK_BYTES
    ) -> None:
        self._sfn = sfn
        self._payload_bytes = payload_bytes
        self._bookmark_bytes = bookmark_bytes
        self._bookmarks: OrderedDict[str, _HistoryCursor] = OrderedDict()
        self._held_bytes = 0
        self._turns = Turns()
        self._asking = Turns()
        self._heavy: LRUCache[str, bool] = LRUCache(MAX_REMEMBERED)
        self._event_bytes: LRUCache[str, int] = LRUCache(MAX_REMEMBERED)

    @property
    def held_bytes(self) -> int:
        """What is held of runs that go on."""
        return self._held_bytes

    def heavy(self, workflow_id: str) -> bool:
        """Tell whether a run is known to have many payloads."""
        return bool(self._heavy.get(workflow_id))

    def weigh(self, workflow: Workflow) -> None:
        """Learn from what is stored of a run whether it has many payloads."""
        if sum(len(text) for job in workflow.jobs for text in (job.input, job.output) if text) > PAGE_BYTES:
            self._heavy.put(workflow.id, True)

    def busy(self, workflow_id: str) -> bool:
        """Tell whether a run has many payloads, and another one of them is being read."""
        return self.heavy(workflow_id) and self._turns.taken

    def turn(self, workflow_id: str) -> AbstractAsyncContextManager[object]:
        """Wait for the turn of a run to be refreshed: meanwhile its workflow is held with all its payloads."""
        return self._turns.turn() if self.heavy(workflow_id) else nullcontext()

    async def read(self, workflow: Workflow, *, wait: bool = True) -> Observation:
        """Read what the history of a run says now. Raises ``ExecutionNotFound``, ``Unavailable``.

        Without ``wait``, raises ``ExecutionBusy`` instead of waiting for the turn of a run with many payloads.
        """
        if not self.heavy(workflow.id):
            try:
                return await self._read(workflow)
            except _TurnsOutHeavy:
                self._heavy.put(workflow.id, True)
        if not wait and self._turns.taken:
            raise errors.ExecutionBusy
        async with self._turns.turn():
            return await self._read(workflow)

    async def _read(self, workflow: Workflow) -> Observation:
        arn = workflow.execution_arn
        bookmark = self._take(arn) or self._begin(workflow)
        try:
            await self._read_on(workflow, bookmark)
        except (asyncio.CancelledError, _TurnsOutHeavy):
            self._remember(arn, bookmark)  # a repeated read continues here
            raise
        except errors.TaskLost:  # InvalidToken: the place of the last page is no longer known
            if bookmark.token is None:
                raise
            bookmark = self._begin(workflow)
            await self._read_on(workflow, bookmark)
        if bookmark.reading.kept_bytes > HEAVY_BYTES and bookmark.token is not None:
            self._heavy.put(workflow.id, True)
        observation = bookmark.reading.observation()
        if not observation.status.terminal:
            self._remember(arn, bookmark)
        return observation

    async def read_payloads(self, workflow: Workflow, ids: Collection[int]) -> Observation:
        """Read a whole history anew, with all payloads of some jobs and none of the others."""
        return await self._read_anew(workflow, Only(ids))

    async def read_for_resume(self, workflow: Workflow, state: str) -> Observation:
        """Read a whole history anew, with what a state was entered with last: input and variables."""
        return await self._read_anew(workflow, ForResume(state))

    async def _read_anew(self, workflow: Workflow, payloads: Payloads) -> Observation:
        # Little is kept, so it need not wait for refreshes.
        async with self._asking.turn() if self.heavy(workflow.id) else nullcontext():
            bookmark = self._begin(workflow, payloads)
            await self._read_on(workflow, bookmark)
        return bookmark.reading.observation()

    def _begin(self, workflow: Workflow, payloads: Payloads | None = None) -> _HistoryCursor:
        reading = RunReading(
            workflow.workflow_definition.state_machine,
            namespace=workflow.namespace,
            payloads=payloads or Newest(self._payload_bytes),
        )
        event_bytes = max(self._event_bytes.get(workflow.id) or 0, likely_event_bytes(workflow))
        return _HistoryCursor(reading, page_events(event_bytes))

    async def _read_on(self, workflow: Workflow, bookmark: _HistoryCursor) -> None:
        while True:
            try:
                page = await self._page(workflow.execution_arn, bookmark)
            except errors.AnswerTooLarge as large:
                event_bytes = large.size_bytes // bookmark.page_events + 1
                self._event_bytes.put(workflow.id, max(self._event_bytes.get(workflow.id) or 0, event_bytes))
                bookmark.begin_again(min(page_events(event_bytes), bookmark.page_events // 2))
                continue
            bookmark.reading.add(page["events"])
            token = page.get("nextToken")
            if not token:
                return
            bookmark.token = token
            del page
            if bookmark.reading.kept_bytes > HEAVY_BYTES and not self._turns.mine:
                raise _TurnsOutHeavy

    async def _page(self, execution_arn: str, bookmark: _HistoryCursor) -> "GetExecutionHistoryOutputTypeDef":
        place: dict[str, Any] = {"nextToken": bookmark.token} if bookmark.token else {}
        with answers_up_to(PAGE_BYTES if bookmark.page_events > LEAST_PAGE_EVENTS else None):
            return await self._sfn.get_execution_history(
                executionArn=execution_arn, maxResults=bookmark.page_events, **place
            )

    def _take(self, execution_arn: str) -> _HistoryCursor | None:
        bookmark = self._bookmarks.pop(execution_arn, None)
        self._held_bytes -= bookmark.held_bytes if bookmark else 0
        return bookmark

    def _remember(self, execution_arn: str, bookmark: _HistoryCursor) -> None:
        """Keep the position in a history of several pages, and forget the least recently used ones."""
        if bookmark.token is None:
            return
        self._take(execution_arn)
        self._bookmarks[execution_arn] = bookmark
        self._held_bytes += bookmark.held_bytes
        while self._held_bytes > self._bookmark_bytes:
            self._take(next(iter(self._bookmarks)))


def page_events(event_bytes: int) -> int:
    """Return how many events to ask for at a time: fewer where they are large."""
    return min(PAGE_EVENTS, max(LEAST_PAGE_EVENTS, int(PAGE_BYTES * FILLED) // max(event_bytes, 1)))


def likely_event_bytes(workflow: Workflow) -> int:
    """Guess how large the events of a run are: as large as its input, or as those that are stored."""
    payloads = [len(text) for job in workflow.jobs for text in (job.input, job.output) if text]
    return max(len(workflow.input), sum(payloads) // max(len(payloads), 1))
