"""The background task that keeps active workflows up to date and starts those that are still queued."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final

import structlog

from app import errors
from app.executor import ExecutionLists, Executor, Observer, Queues, Quotas
from app.executor.quotas import Lane
from app.models import Workflow, WorkflowStatus
from app.poller.agenda import Agenda
from app.poller.attention import Attendant, Outcome
from app.poller.budget import Budget
from app.poller.dispatching import Dispatcher
from app.poller.leadership import Leadership
from app.poller.planning import pages
from app.poller.sweeps import Sweeper
from app.poller.tracking import ActiveSet, Tracked, state_machine_of
from app.store import Store, paging

log = structlog.get_logger(__name__)

ACTIVE_PAGE: Final = 500
"""Active workflows read from the store at once."""

OVERLAP: Final = timedelta(seconds=15)
"""Part of the active index that is read again each time: clocks of replicas differ, and indexes lag behind."""

RELOAD_SECONDS: Final = 300.0
"""How often the whole active index is read, to forget what others ended."""

STALE_TICK_SECONDS: Final = 60.0
STALE_TICKS: Final = 10
"""A poller that has not looked for work for this long, or so many intervals, is not ready."""

LIST_WORKERS: Final = 1
DESCRIBE_WORKERS: Final = 4
HISTORY_WORKERS: Final = 8
"""Calls of a kind under way at the same time; a round trip takes about 50 ms, so a few keep a quota busy."""


@dataclass(frozen=True, slots=True)
class RoundReport:
    """What one round of the poller did."""

    active: int
    changed: int
    started: int
    skipped: int


@dataclass(frozen=True, slots=True)
class PollerStatus:
    """How the poller stands; a moment of its own clock, in seconds."""

    leading: bool
    tick_age_seconds: float
    active: int
    oldest_unobserved_seconds: float
    sweep_seconds: float
    doubtful: int
    details_pending: int
    queue_depths: Mapping[str, int]
    dispatch_lag_seconds: float


class Poller:
    """Keeps the active workflows of the store in line with Step Functions, as fast as the quotas allow.

    Lists, descriptions and histories each have a quota, so each has workers of its own that always do what is most
    urgent; ``agenda`` knows what that is. Polling is idempotent: two pollers at once are harmless.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        observer: Observer,
        lists: ExecutionLists,
        quotas: Quotas,
        queues: Queues,
        leadership: Leadership,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        interval_seconds: float,
    ) -> None:
        self._store = store
        self._queues = queues
        self._leadership = leadership
        self._now = now
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._active = ActiveSet()
        self._agenda = Agenda(self._active, interval_seconds=interval_seconds)
        self._budget = Budget(quotas, clock=clock)
        self._attendant = Attendant(store, executor, observer, self._active, self._agenda, now=now, clock=clock)
        self._sweeper = Sweeper(lists, self._attendant, self._active, self._agenda, self._budget, clock=clock)
        self._dispatcher = Dispatcher(store, executor, queues, self._active, now=now)
        self._stopping = asyncio.Event()
        self._ticked_at = clock()
        self._read_until: str | None = None
        self._reloaded_at = -inf

    async def run(self) -> None:
        """Poll until ``stop``. An error that is not about one workflow ends the loop and is raised."""
        log.info("poller started", action="poller-start", interval_seconds=self._interval_seconds)
        async with asyncio.TaskGroup() as workers:
            workers.create_task(self._repeat(self._lead, self._leadership.renew_seconds), name="poller lease")
            workers.create_task(self._repeat(self._take_in, self._interval_seconds), name="poller intake")
            workers.create_task(self._repeat(self._dispatch, self._interval_seconds), name="poller dispatch")
            for work, count in (
                (self._list_next, LIST_WORKERS),
                (self._describe_next, DESCRIBE_WORKERS),
                (self._read_next, HISTORY_WORKERS),
            ):
                for number in range(count):
                    workers.create_task(self._work(work), name=f"poller {work.__name__} {number}")
        await self._leadership.resign()
        log.info("poller stopped", action="poller-stop")

    def stop(self) -> None:
        """Ask ``run`` to return once the calls under way are over."""
        self._stopping.set()

    def status(self) -> PollerStatus:
        """Tell how fresh the stored statuses are, and what waits."""
        moment = self._clock()
        oldest = min((max(tracked.asked_at, tracked.since) for tracked in self._agenda.everything()), default=moment)
        waiting_since = self._dispatcher.oldest()
        return PollerStatus(
            leading=self._leadership.leading,
            tick_age_seconds=moment - self._ticked_at,
            active=len(self._active),
            oldest_unobserved_seconds=moment - oldest,
            sweep_seconds=self._sweeper.slowest_seconds,
            doubtful=self._agenda.doubtful,
            details_pending=self._agenda.details,
            queue_depths=self._dispatcher.depths(),
            dispatch_lag_seconds=(self._now() - waiting_since).total_seconds() if waiting_since else 0.0,
        )

    def ready(self) -> bool:
        """Tell whether the poller looked for work, or whether it should, not long ago."""
        return self._clock() - self._ticked_at < max(STALE_TICK_SECONDS, STALE_TICKS * self._interval_seconds)

    def followed(self, workflow_id: str) -> Tracked | None:
        """Return what is remembered of an active workflow, if this poller follows it."""
        return self._active.get(workflow_id)

    def heard(self, workflow: Workflow) -> None:
        """Note that an event has told something, and how the workflow is stored since.

        While events arrive, asking for statuses is the safety net, on a part of the quotas.
        """
        self._budget.heard()
        if (tracked := self._active.get(workflow.id)) is not None:
            self._attendant.note(tracked, workflow)

    async def poll_once(self) -> RoundReport:
        """Bring every active workflow up to date once, as the leader or not; returns when all are done."""
        await self._read_active()
        dispatched = await self._dispatcher.step()
        for workflow in dispatched:
            self._follow(workflow)
        workflows = self._agenda.everything()
        outcomes: list[Outcome] = []
        for machine in self._agenda.listed:
            outcomes += await self._sweeper.sweep(machine)
        listed = self._agenda.listed
        single = [tracked for tracked in workflows if tracked.machine not in listed]
        outcomes += await asyncio.gather(*(self._attendant.read(tracked) for tracked in single))
        while (tracked := self._agenda.next_doubtful() or self._agenda.next_details()) is not None:
            outcomes.append(await self._attendant.read(tracked))
        return RoundReport(
            active=len(workflows),
            changed=outcomes.count(Outcome.CHANGED),
            started=outcomes.count(Outcome.STARTED) + len(dispatched),
            skipped=outcomes.count(Outcome.SKIPPED),
        )

    async def _repeat(self, step: Callable[[], Awaitable[None]], seconds: float) -> None:
        while not self._stopping.is_set():
            try:
                await step()
            except errors.Unavailable as silence:
                log.warning("step given up", action="poller-skip", step=step.__name__, error=silence.message)
            await self._pause(seconds)

    async def _lead(self) -> None:
        if not await self._leadership.step():
            self._forget()

    def _forget(self) -> None:
        """Forget what others look after now; a new leader reads it again."""
        self._dispatcher.clear()
        for tracked in self._agenda.everything():
            self._active.remove(tracked)
        self._reloaded_at = -inf

    async def _dispatch(self) -> None:
        if self._leadership.leading:
            for workflow in await self._dispatcher.step():
                self._follow(workflow)

    async def _work(self, step: Callable[[], Awaitable[bool]]) -> None:
        """Do steps; pause when one found nothing to do."""
        while not self._stopping.is_set():
            if not self._leadership.leading or not await step():
                await self._pause(self._interval_seconds / 4)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), timeout=seconds)

    async def _list_next(self) -> bool:
        machine = self._agenda.next_machine(self._clock()) if self._budget.allows("list") else None
        if machine is not None:
            self._budget.spend("list", pages(len(self._active.members(machine))))
            await self._sweeper.sweep(machine)
        return machine is not None

    async def _describe_next(self) -> bool:
        """Help out with the cheaper call, but only when there are more questions than histories can be read."""
        if self._budget.available("GetExecutionHistory") >= 1:
            return False
        tracked = self._next_status()
        if tracked is not None:
            await self._attendant.describe(tracked)
        return tracked is not None

    async def _read_next(self) -> bool:
        tracked = self._next_status()
        if tracked is not None:
            await self._attendant.read(tracked)
            return True
        tracked = self._agenda.next_details() or self._agenda.next_running(self._clock())
        if tracked is not None:
            await self._attendant.read(tracked, lane=Lane.DETAIL)
        return tracked is not None

    def _next_status(self) -> Tracked | None:
        if not self._budget.allows("ask"):
            return self._agenda.next_doubtful()
        tracked = self._agenda.next_status(self._clock())
        if tracked is not None:
            self._budget.spend("ask")
        return tracked

    async def _take_in(self) -> None:
        if self._leadership.leading:
            await self._read_active()
        self._ticked_at = self._clock()

    async def _read_active(self) -> None:
        """Read what became active, and plan anew."""
        whole = self._clock() - self._reloaded_at >= RELOAD_SECONDS
        seen = await self._read_index(None if whole else self._read_until)
        if whole:
            self._reloaded_at = self._clock()
            for tracked in self._agenda.everything():
                if tracked.id not in seen and tracked.since < self._reloaded_at - OVERLAP.total_seconds():
                    self._active.remove(tracked)
        self._agenda.plan(
            self._clock(),
            lists_per_second=self._budget.lists_per_second,
            asks_per_second=self._budget.asks_per_second,
        )

    async def _read_index(self, token: str | None) -> set[str]:
        seen: set[str] = set()
        while True:
            page = await self._store.list_active_workflows(limit=ACTIVE_PAGE, page_token=token, known=self._active)
            seen.update(page.ids)
            for workflow in page.workflows:
                await self._track(workflow)
            if page.last:
                self._read_until = paging.encode(page.last._replace(created_at=page.last.created_at - OVERLAP))
            if (token := page.next_token) is None:
                return seen

    async def _track(self, workflow: Workflow) -> None:
        tracked = self._active.get(workflow.id)
        if tracked is not None:
            if workflow.stop_pending:
                self._attendant.note(tracked, workflow)
            return
        if workflow.status is not WorkflowStatus.QUEUED:
            self._dispatcher.drop(workflow)
            self._follow(workflow)
        elif await self._queues.limited(workflow.queue):
            self._dispatcher.hold(workflow)
        elif not self._dispatcher.holds(workflow.id, workflow.queue):
            self._follow(workflow)

    def _follow(self, workflow: Workflow) -> None:
        tracked = Tracked(
            id=workflow.id,
            machine=state_machine_of(workflow.execution_arn),
            status=workflow.status,
            revision=workflow.revision,
            since=self._clock(),
        )
        if not workflow.status.terminal or workflow.stop_pending:
            self._agenda.track(tracked)
        elif workflow.details_pending:
            self._agenda.want_details(tracked)
