"""Sweeps: the statuses of all workflows of a state machine, a thousand for one call."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, aclosing
from itertools import islice
from math import inf
from typing import Any, Final

import structlog

from app.executor import ExecutionLists
from app.executor.lru_cache import LRUCache
from app.executor.observations import Observation
from app.executor.sfn.execution_lists import ListedStatus
from app.executor.sfn.quotas import Priority, with_priority
from app.poller.budget import Budget
from app.poller.planning import Forecast
from app.poller.refresher import RefreshOutcome, WorkflowRefresher
from app.poller.schedule import PollSchedule
from app.poller.tracking import ActiveSet, Tracked
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

log = structlog.get_logger(__name__)

LIST_LAG_SECONDS: Final = 3.0
"""Lists are eventually consistent: what is younger than this may be missing from them, and is not missed."""

ENDED_STATUSES: Final[tuple[ListedStatus, ...]] = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")

HORIZON_SECONDS: Final = 4.0
"""While it takes so long to ask for what is unsettled, a page is worth as many questions as could be asked instead of
it. So all questions that can be asked are asked, and few of them wait."""

OLDEST_PART: Final = 10
"""One of this many is described before the lists of ended executions are read."""

MAX_REDRIVEN: Final = 10_000
"""Redriven runs that are remembered, so that the store is asked once for those of others and those that ended."""

SWEEP_WIDTH: Final = 16
"""Workflows that one sweep reads or writes in the store at the same time."""


class Sweeper:
    """Lists the running executions of a state machine, and finds out what became of the others.

    That a workflow is not among the running ones proves nothing: it is settled by an explicit status, from a list of
    ended executions when many are missing, else by asking for it.
    """

    def __init__(
        self,
        lists: ExecutionLists,
        refresher: WorkflowRefresher,
        active: ActiveSet,
        schedule: PollSchedule,
        budget: Budget,
        *,
        clock: Callable[[], float],
        follow: Callable[[Workflow], None],
    ) -> None:
        self._lists = lists
        self._refresher = refresher
        self._follow = follow
        self._active = active
        self._schedule = schedule
        self._budget = budget
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._redriven: LRUCache[tuple[str, str], int] = LRUCache(MAX_REDRIVEN)
        self._forecasts: dict[str, Forecast[ListedStatus]] = {}

    @property
    def slowest_seconds(self) -> float:
        """Time that the slowest of the latest sweeps of the listed state machines took."""
        return max((self._seconds.get(machine, 0.0) for machine in self._schedule.listed), default=0.0)

    async def sweep(self, machine: str) -> list[RefreshOutcome]:
        """Sweep one state machine; returns an outcome for each workflow whose status it settled."""
        began = self._clock()
        # A list proves nothing about an execution that is to be stopped.
        self._schedule.doubt([tracked for tracked in self._active.members(machine).values() if tracked.status.terminal])
        try:
            with with_priority(Priority.STATUS):
                outcomes, gone = await self._running(machine, began)
                if self._budget.events_arrive:
                    outcomes += await self._look_up(gone)
                outcomes += await self._ended(machine, gone)
        except errors.Unavailable as silence:
            log.warning("sweep skipped", action="sweep-skip", state_machine=machine, error=silence.message)
            return []
        except errors.StateMachineNotFound:
            outcomes, gone = [], dict(self._active.members(machine))
        except errors.WorkflowManagerError as refusal:
            log.error("sweep denied by AWS", action="sweep-refused", state_machine=machine, error=refusal.message)  # noqa: TRY400
            outcomes, gone = [], dict(self._active.members(machine))
        finally:
            self._schedule.swept(machine, began)
            self._seconds[machine] = self._clock() - began
        self._schedule.doubt(gone.values())
        return outcomes

    async def _running(self, machine: str, began: float) -> tuple[list[RefreshOutcome], dict[str, Tracked]]:
        """Return what the list of running executions settles, and the workflows that it does not show."""
        gone = {
            tracked.id: tracked
            for tracked in self._active.members(machine).values()
            if began - tracked.since >= LIST_LAG_SECONDS and not tracked.status.terminal
        }
        outcomes: list[RefreshOutcome] = []
        async for page in self._lists.pages(machine, "RUNNING"):
            news = []
            members = self._active.members(machine)
            for name in page.observations:
                gone.pop(name, None)
                tracked = members.get(name)
                if tracked is None:
                    outcomes += await self._adopt(machine, name, page.observations[name])
                    continue
                tracked.asked_at = tracked.seen_at = began
                tracked.denied_at = None
                if tracked.status is WorkflowStatus.QUEUED:
                    news.append((tracked, page.observations[name]))
            outcomes += await self._record(news)
        return outcomes, gone

    async def _adopt(self, machine: str, name: str, observation: Observation) -> list[RefreshOutcome]:
        """Take up a run again that goes on after its end, because it was redriven; each redrive is looked at once."""
        redrives = observation.redrives or 0
        if not redrives or self._redriven.get((machine, name)) == redrives:
            return []
        self._redriven.put((machine, name), redrives)
        workflow = await self._refresher.adopt(machine, name, observation)
        if workflow is None:
            return []
        self._follow(workflow)
        return [RefreshOutcome.CHANGED]

    async def _look_up(self, gone: dict[str, Tracked]) -> list[RefreshOutcome]:
        """Update workflows from the store: most of their events have arrived meanwhile, perhaps at another replica."""
        outcomes = await self._in_batches(self._refresher.look_up(tracked) for tracked in gone.values())
        for tracked in list(gone.values()):
            if self._active.get(tracked.id) is not tracked:
                del gone[tracked.id]
        return outcomes

    async def _ended(self, machine: str, gone: dict[str, Tracked]) -> list[RefreshOutcome]:
        """Settle workflows from the lists of ended executions, while a page settles more than questions would."""
        # The lists begin with the latest executions, so the earliest are described anyway.
        self._schedule.doubt(islice(gone.values(), len(gone) // OLDEST_PART))
        outcomes: list[RefreshOutcome] = []
        forecast = self._forecasts.setdefault(machine, Forecast(ENDED_STATUSES))
        forecast.begin()
        async with AsyncExitStack() as reading:
            lists = {
                status: await reading.enter_async_context(aclosing(self._lists.pages(machine, status)))
                for status in ENDED_STATUSES
            }
            while (least := self._worthwhile(len(gone))) <= len(gone):
                if (status := forecast.best(at_least=least)) is None:
                    break
                if (page := await anext(lists[status], None)) is None:
                    forecast.end(status)
                    continue
                found = [(gone.pop(name), page.observations[name]) for name in page.observations if name in gone]
                forecast.learn(status, len(found))
                outcomes += await self._record(found)
        return outcomes

    def _worthwhile(self, gone: int) -> float:
        """Return how many workflows a page must settle: the fewer, the longer it would take to ask for all."""
        asks_per_second = self._budget.asks_per_second
        seconds = (self._schedule.unconfirmed + gone) / asks_per_second
        price = asks_per_second / self._budget.lists_per_second
        return price * (HORIZON_SECONDS / seconds) ** 2 if seconds else inf

    async def _record(self, found: list[tuple[Tracked, Observation]]) -> list[RefreshOutcome]:
        return await self._in_batches(self._refresher.record(tracked, seen) for tracked, seen in found)

    async def _in_batches(self, work: Iterable[Coroutine[Any, Any, RefreshOutcome]]) -> list[RefreshOutcome]:
        outcomes: list[RefreshOutcome] = []
        remaining = iter(work)
        while batch := list(islice(remaining, SWEEP_WIDTH)):
            outcomes += await asyncio.gather(*batch)
        return outcomes
