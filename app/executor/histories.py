"""Reading histories: a long one is not read from its start again while its run goes on."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app import errors
from app.executor.history_payloads import DEFAULT_BYTES, ForResume, Newest, Only, Payloads
from app.executor.observations import Observation, RunReading
from app.executor.recent import Recent
from app.models import Workflow

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

PAGE_EVENTS: Final = 1_000
"""Largest page of GetExecutionHistory; most histories are one page."""

LEAST_PAGE_EVENTS: Final = 25
PAGE_BYTES: Final = 4 * 1024 * 1024
"""What a page may weigh, going by the input of the run; nothing else is known before the first page is there."""

HEAVY_READERS: Final = 2
"""Histories in small pages that are read at the same time, and workflows with many payloads that are refreshed."""

HEAVY_BYTES: Final = 1024 * 1024
"""What a run with many payloads has at least."""

MAX_HEAVY: Final = 10_000
"""Runs that are remembered as such."""

BOOKMARK_BYTES: Final = 64 * 1024 * 1024
"""What remembered histories may hold together."""

EVENT_BYTES: Final = 400
"""What a fold holds for each event besides payloads."""


@dataclass(slots=True)
class _Bookmark:
    reading: RunReading
    page_events: int
    """Never changed: the token of a page is good for pages of this size."""
    token: str | None = None
    """Where the last page begins; a token is good for 24 hours."""

    @property
    def held_bytes(self) -> int:
        return self.reading.kept_bytes + self.reading.last_event_id * EVENT_BYTES


class HistoryReader:
    """Reads histories with GetExecutionHistory, and folds them.

    Of each run it keeps ``payload_bytes`` of payloads, and of all runs that go on ``bookmark_bytes`` together.
    """

    def __init__(
        self, sfn: "SFNClient", *, payload_bytes: int = DEFAULT_BYTES, bookmark_bytes: int = BOOKMARK_BYTES
    ) -> None:
        self._sfn = sfn
        self._payload_bytes = payload_bytes
        self._bookmark_bytes = bookmark_bytes
        self._bookmarks: OrderedDict[str, _Bookmark] = OrderedDict()
        self._held_bytes = 0
        self._reading_heavy = asyncio.Semaphore(HEAVY_READERS)
        self._refreshing_heavy = asyncio.Semaphore(HEAVY_READERS)
        self._heavy: Recent[str, bool] = Recent(MAX_HEAVY)

    @property
    def held_bytes(self) -> int:
        """What is held of runs that go on."""
        return self._held_bytes

    def turn(self, execution_arn: str) -> AbstractAsyncContextManager[object]:
        """Wait for the turn of a run to be refreshed: meanwhile its workflow is held with all its payloads."""
        return self._refreshing_heavy if self._heavy.get(execution_arn) else nullcontext()

    async def read(self, workflow: Workflow) -> Observation:
        """Read what the history of a run says now. Raises ``ExecutionNotFound``, ``Unavailable``."""
        bookmark = self._take(workflow.execution_arn) or self._begin(workflow)
        try:
            await self._read_on(workflow.execution_arn, bookmark)
        except asyncio.CancelledError:
            self._remember(workflow.execution_arn, bookmark)  # who asks again need not begin again
            raise
        except errors.TaskLost:  # InvalidToken: the place of the last page is no longer known
            if bookmark.token is None:
                raise
            bookmark = self._begin(workflow)
            await self._read_on(workflow.execution_arn, bookmark)
        if bookmark.reading.kept_bytes > HEAVY_BYTES:
            self._heavy.put(workflow.execution_arn, True)
        observation = bookmark.reading.observation()
        if not observation.status.terminal:
            self._remember(workflow.execution_arn, bookmark)
        return observation

    async def read_payloads(self, workflow: Workflow, ids: Collection[int]) -> Observation:
        """Read a whole history anew, with all payloads of some jobs and none of the others."""
        return await self._read_anew(workflow, lambda: Only(ids))

    async def read_for_resume(self, workflow: Workflow, state: str) -> Observation:
        """Read a whole history anew, with what a state was entered with last: input and variables."""
        return await self._read_anew(workflow, lambda: ForResume(state))

    async def _read_anew(self, workflow: Workflow, payloads: Callable[[], Payloads]) -> Observation:
        bookmark = self._begin(workflow, payloads())
        await self._read_on(workflow.execution_arn, bookmark)
        return bookmark.reading.observation()

    def _begin(self, workflow: Workflow, payloads: Payloads | None = None) -> _Bookmark:
        reading = RunReading(
            workflow.workflow_definition.state_machine,
            namespace=workflow.namespace,
            payloads=payloads or Newest(self._payload_bytes),
        )
        return _Bookmark(reading, page_events(workflow))

    async def _read_on(self, execution_arn: str, bookmark: _Bookmark) -> None:
        if bookmark.page_events == PAGE_EVENTS:
            await self._read_pages(execution_arn, bookmark)
            return
        async with self._reading_heavy:
            await self._read_pages(execution_arn, bookmark)

    async def _read_pages(self, execution_arn: str, bookmark: _Bookmark) -> None:
        while True:
            place: dict[str, Any] = {"nextToken": bookmark.token} if bookmark.token else {}
            page = await self._sfn.get_execution_history(
                executionArn=execution_arn, maxResults=bookmark.page_events, **place
            )
            bookmark.reading.add(page["events"])
            token = page.get("nextToken")
            if not token:
                return
            bookmark.token = token

    def _take(self, execution_arn: str) -> _Bookmark | None:
        bookmark = self._bookmarks.pop(execution_arn, None)
        self._held_bytes -= bookmark.held_bytes if bookmark else 0
        return bookmark

    def _remember(self, execution_arn: str, bookmark: _Bookmark) -> None:
        """Keep the place in a history of several pages, and forget those that were not asked for longest."""
        if bookmark.token is None:
            return
        self._take(execution_arn)
        self._bookmarks[execution_arn] = bookmark
        self._held_bytes += bookmark.held_bytes
        while self._held_bytes > self._bookmark_bytes:
            self._take(next(iter(self._bookmarks)))


def page_events(workflow: Workflow) -> int:
    """Return how many events to ask for at a time: fewer where the run works on a large document."""
    # An event repeats at most one payload, and most are about as large as what the run was started with.
    fitting = PAGE_BYTES // max(len(workflow.input), 1)
    return min(PAGE_EVENTS, max(LEAST_PAGE_EVENTS, fitting))
