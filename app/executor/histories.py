"""Reading histories: a long one is not read from its start again while its run goes on."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app import errors
from app.executor.observations import Observation, RunReading

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

PAGE_EVENTS: Final = 1_000
"""Largest page of GetExecutionHistory; most histories are one page."""

MAX_BOOKMARKS: Final = 500
"""Long histories of which the place of the last page is remembered; each holds its jobs, up to some megabytes."""


@dataclass(slots=True)
class _Bookmark:
    reading: RunReading
    token: str | None = None
    """Where the last page begins; a token is good for 24 hours."""


class HistoryReader:
    """Reads histories with GetExecutionHistory, and folds them."""

    def __init__(self, sfn: "SFNClient") -> None:
        self._sfn = sfn
        self._bookmarks: OrderedDict[str, _Bookmark] = OrderedDict()

    async def read(self, execution_arn: str, *, state_machine: Mapping[str, Any] | None, namespace: str) -> Observation:
        """Read what the history of a run says now. Raises ``ExecutionNotFound``, ``Unavailable``."""
        bookmark = self._bookmarks.pop(execution_arn, None) or _Bookmark(RunReading(state_machine, namespace=namespace))
        try:
            await self._read_on(execution_arn, bookmark)
        except asyncio.CancelledError:
            if bookmark.token is not None:
                self._remember(execution_arn, bookmark)  # who asks again need not begin again
            raise
        except errors.TaskLost:  # InvalidToken: the place of the last page is no longer known
            if bookmark.token is None:
                raise
            bookmark = _Bookmark(RunReading(state_machine, namespace=namespace))
            await self._read_on(execution_arn, bookmark)
        observation = bookmark.reading.observation()
        if bookmark.token is not None and not observation.status.terminal:
            self._remember(execution_arn, bookmark)
        return observation

    async def _read_on(self, execution_arn: str, bookmark: _Bookmark) -> None:
        while True:
            place: dict[str, Any] = {"nextToken": bookmark.token} if bookmark.token else {}
            page = await self._sfn.get_execution_history(executionArn=execution_arn, maxResults=PAGE_EVENTS, **place)
            bookmark.reading.add(page["events"])
            token = page.get("nextToken")
            if not token:
                return
            bookmark.token = token

    def _remember(self, execution_arn: str, bookmark: _Bookmark) -> None:
        self._bookmarks[execution_arn] = bookmark
        if len(self._bookmarks) > MAX_BOOKMARKS:
            self._bookmarks.popitem(last=False)
