"""The background task that keeps active workflows up to date and starts those that are still queued."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import structlog

from app.executor import CircuitBreaker, ExecutionLists, Outbox, Queues, Quotas, Reconciler
from app.executor.sfn.quotas import Priority
from app.poller.active_index import ActiveIndexReader
from app.poller.budget import Budget
from app.poller.details_queue import Details
from app.poller.dispatch.backlog import Backlog
from app.poller.dispatch.dispatcher import Dispatcher, DispatchRound
from app.poller.leadership import Leadership
from app.poller.liveness import Liveness
from app.poller.planning import pages
from app.poller.refresher import RefreshOutcome, WorkflowRefresher
from app.poller.schedule import PollSchedule
from app.poller.sweeps import Sweeper
from app.poller.tracking import ActiveSet, Tracked
from app.store import Store
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

log = structlog.get_logger(__name__)

T = TypeVar("T")

LIST_WORKERS: Final = 1
DESCRIBE_WORKERS: Final = 4
HISTORY_WORKERS: Final = 8
HEAVY_WORKERS: Final = 1
"""Calls of a kind under way at the same time; a round trip takes about 50 ms, so a few keep a quota busy. One sweep at
a time is the sooner over."""

LEASE, INTAKE, DISPATCH = "lease", "intake", "dispatch"
"""Loops whose standing still means that the poller does not do its work."""


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
    unconfirmed: int
    details_pending: int
    queued: int
    queue_depths: Mapping[str, int]
    """Number of waiting workflows of each limited queue that has any."""
    dispatch_lag_seconds: float


class Poller:
    """Keeps the active workflows of the store in line with Step Functions, as fast as the quotas allow.

    Lists, descriptions and histories each have a quota, so each has workers of its own that always do what is most
    urgent; ``schedule`` knows what that is. Polling is idempotent: two pollers at once are harmless.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        reconciler: Reconciler,
        lists: ExecutionLists,
        quotas: Quotas,
        queues: Queues,
        circuit_breaker: CircuitBreaker,
        leadership: Leadership,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        interval_seconds: float,
    ) -> None:
        self._leadership = leadership
        self._now = now
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._active = ActiveSet()
        self._schedule = PollSchedule(self._active, interval_seconds=interval_seconds)
        self._details = Details()
        self._waiting = Backlog(clock=clock)
        self._budget = Budget(quotas, clock=clock)
        self._refresher = WorkflowRefresher(
            store, reconciler, self._schedule, self._details, self._waiting, now=now, clock=clock
        )
        self._active_index = ActiveIndexReader(
            store, self._active, self._schedule, self._details, self._waiting, clock=clock
        )
        self._sweeper = Sweeper(
            lists,
            self._refresher,
            self._active,
            self._schedule,
            self._budget,
            clock=clock,
            follow=self._active_index.follow,
        )
        self._stopping = asyncio.Event()
        self._dispatcher = Dispatcher(
            store,
            outbox,
            queues,
            quotas,
            circuit_breaker,
            self._active,
            self._waiting,
            now=now,
            interval_seconds=interval_seconds,
            stopping=self._stopping,
        )
        self._liveness = Liveness((LEASE, INTAKE, DISPATCH), clock=clock, interval_seconds=interval_seconds)

    async def run(self) -> None:
        """Poll until ``stop``. What is not about AWS or the store ends the loop and is raised: it is a bug."""
        log.info("poller started", action="poller-start", interval_seconds=self._interval_seconds)
        async with asyncio.TaskGroup() as workers:
            for name, step, seconds in (
                (LEASE, self._lead, self._leadership.renew_seconds),
                (INTAKE, self._take_in, self._interval_seconds),
                (DISPATCH, self._dispatch, self._interval_seconds),
            ):
                workers.create_task(self._repeat(name, step, seconds), name=f"poller {name}")
            for work, count in (
                (self._list_next, LIST_WORKERS),
                (self._describe_next, DESCRIBE_WORKERS),
                (self._read_next, HISTORY_WORKERS),
                (self._read_heavy_next, HEAVY_WORKERS),
            ):
                for number in range(count):
                    workers.create_task(self._work(work), name=f"poller {work.__name__} {number}")
        await self._resign()
        log.info("poller stopped", action="poller-stop")

    def stop(self) -> None:
        """Ask ``run`` to return once the calls under way are over."""
        self._stopping.set()

    def status(self) -> PollerStatus:
        """Tell how fresh the stored statuses are, and what waits."""
        moment = self._clock()
        oldest = min((max(tracked.seen_at, tracked.since) for tracked in self._schedule.everything()), default=moment)
        waiting_since = self._waiting.oldest(besides=self._dispatcher.limited)
        return PollerStatus(
            leading=self._leadership.leading,
            tick_age_seconds=self._liveness.age_seconds,
            active=len(self._active),
            oldest_unobserved_seconds=moment - oldest,
            sweep_seconds=self._sweeper.slowest_seconds,
            unconfirmed=self._schedule.unconfirmed,
            details_pending=len(self._details),
            queued=len(self._waiting),
            queue_depths={queue: depth for queue in self._dispatcher.limited if (depth := self._waiting.depth(queue))},
            dispatch_lag_seconds=(self._now() - waiting_since).total_seconds() if waiting_since else 0.0,
        )

    def ready(self) -> bool:
        """Tell whether the poller did its work, or saw that another one leads, not long ago."""
        return self._liveness.healthy

    def followed(self, workflow_id: str) -> Tracked | None:
        """Return what is remembered of an active workflow, if this poller follows it."""
        return self._active.get(workflow_id)

    @property
    def defers_details(self) -> bool:
        """Whether details of what goes well are left for later: too many wait, or another poller reads them."""
        return self._details.full or not self._leadership.leading

    @property
    def can_ask(self) -> bool:
        """Whether the quotas have room for a question that need not be asked."""
        return self._budget.plenty("GetExecutionHistory")

    def ask_next(self, tracked: Tracked) -> None:
        """Have Step Functions asked about a workflow that an event says has ended."""
        self._budget.on_event()
        self._schedule.doubt([tracked])

    def on_event(self, workflow: Workflow) -> None:
        """Record that an event arrived, and the workflow as it is stored since.

        While events arrive, asking for statuses is the safety net, on a part of the quotas.
        """
        self._budget.on_event()
        if (tracked := self._active.get(workflow.id)) is not None:
            self._refresher.note(tracked, workflow)
        elif workflow.id in self._waiting or self._goes_on_again(workflow):
            self._active_index.follow(workflow)

    def _goes_on_again(self, workflow: Workflow) -> bool:
        """Tell whether a workflow was redriven, and stands in the active index where only a whole read finds it."""
        return self._leadership.leading and workflow.redrives > 0 and workflow.status is WorkflowStatus.RUNNING

    async def poll_once(self) -> RoundReport:
        """Bring every active workflow up to date once, as the leader or not; returns when all are done."""
        await self._read_active()
        started = len((await self._dispatch_turn()).started)
        workflows = self._schedule.everything()
        outcomes: list[RefreshOutcome] = []
        for machine in self._schedule.listed:
            outcomes += await self._sweeper.sweep(machine)
        listed = self._schedule.listed
        single = [tracked for tracked in workflows if tracked.machine not in listed]
        outcomes += await asyncio.gather(*(self._refresher.read(tracked) for tracked in single))
        while (tracked := self._schedule.next_doubtful() or await self._next_details()) is not None:
            outcomes.append(await self._refresher.read(tracked))
        while (tracked := self._refresher.next_heavy()) is not None:
            outcomes.append(await self._refresher.read_heavy(tracked))
        if RefreshOutcome.WAITING in outcomes:
            started += len((await self._dispatch_turn()).started)
        return RoundReport(
            active=len(workflows),
            changed=outcomes.count(RefreshOutcome.CHANGED),
            started=started,
            skipped=outcomes.count(RefreshOutcome.SKIPPED),
        )

    async def _repeat(self, name: str, step: Callable[[], Awaitable[bool]], seconds: float) -> None:
        while not self._stopping.is_set():
            if await self._survived(name, step):
                self._liveness.tick(name)
            await self._pause(seconds)

    async def _work(self, step: Callable[[], Awaitable[bool]]) -> None:
        """Do steps; pause when one found nothing to do, or failed."""
        while not self._stopping.is_set():
            if not self._leadership.leading or not await self._survived(step.__name__, step):
                await self._pause(self._interval_seconds / 4)

    async def _survived(self, name: str, step: Callable[[], Awaitable[T]]) -> T | None:
        """Do a step, and survive what AWS or the store have against it."""
        try:
            return await step()
        except errors.Unavailable as silence:
            log.warning("step skipped", action="poller-skip", step=name, error=silence.message)
        except errors.VersionConflict as conflict:
            log.debug("step skipped", action="poller-skip", step=name, error=conflict.message)
        except errors.WorkflowManagerError as refusal:
            log.error("step denied by AWS", action="poller-refused", step=name, error=refusal.message)  # noqa: TRY400
        return None

    async def _lead(self) -> bool:
        if not await self._leadership.step():
            self._active_index.forget()
        return True

    async def _resign(self) -> None:
        await self._survived("resign", self._leadership.resign)

    async def _take_in(self) -> bool:
        if self._leadership.leading:
            await self._read_active()
        return True

    async def _dispatch(self) -> bool:
        # Who does not know what runs would let too many through.
        while self._leadership.leading and self._active_index.complete and not self._stopping.is_set():
            if not (await self._dispatch_turn()).full:
                break
            self._liveness.tick(DISPATCH)  # a long backlog is no standstill
        return True

    async def _dispatch_turn(self) -> DispatchRound:
        turn = await self._dispatcher.step()
        for workflow in (*turn.started, *turn.moved):
            self._active_index.follow(workflow)
        return turn

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), timeout=seconds)

    async def _list_next(self) -> bool:
        machine = self._schedule.next_machine(self._clock()) if self._budget.allows("list") else None
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
            await self._refresher.describe(tracked)
        return tracked is not None

    async def _read_next(self) -> bool:
        tracked = self._next_status()
        if tracked is not None:
            await self._refresher.read(tracked)
            return True
        tracked = await self._next_details() or self._next_running()
        if tracked is not None:
            await self._refresher.read(tracked, lane=Priority.DETAIL)
        return tracked is not None

    async def _read_heavy_next(self) -> bool:
        tracked = self._refresher.next_heavy()
        if tracked is not None:
            await self._refresher.read_heavy(tracked)
        return tracked is not None

    def _next_running(self) -> Tracked | None:
        """Refresh running workflows with spare quota only: half of the bucket is left for bursts of requests."""
        spare = self._budget.plenty("GetExecutionHistory")
        return self._schedule.next_running(self._clock()) if spare else None

    async def _next_details(self) -> Tracked | None:
        if tracked := self._details.next(self._clock()):
            return tracked
        await self._active_index.read_deferred()
        return self._details.next(self._clock())

    def _next_status(self) -> Tracked | None:
        if not self._budget.allows("ask"):
            return self._schedule.next_doubtful()
        tracked = self._schedule.next_status(self._clock())
        if tracked is not None:
            self._budget.spend("ask")
        return tracked

    async def _read_active(self) -> None:
        """Read what became active, and plan anew."""
        await self._active_index.read()
        self._schedule.plan(
            self._clock(),
            lists_per_second=self._budget.lists_per_second,
            asks_per_second=self._budget.asks_per_second,
        )
