"""The background task that keeps active workflows up to date and starts those that are still queued."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final

import structlog

from app.executor import ExecutionLists, Executor, Observer, Quotas
from app.executor.quotas import Lane
from app.models import Workflow
from app.poller.agenda import Agenda
from app.poller.attention import Attendant, Outcome
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

LIST_WORKERS: Final = 4
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
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        interval_seconds: float,
    ) -> None:
        self._store = store
        self._quotas = quotas
        self._now = now
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._active = ActiveSet()
        self._agenda = Agenda(self._active, interval_seconds=interval_seconds)
        self._attendant = Attendant(store, executor, observer, self._active, self._agenda, now=now, clock=clock)
        self._sweeper = Sweeper(lists, self._attendant, self._active, self._agenda, clock=clock)
        self._stopping = asyncio.Event()
        self._read_until: str | None = None
        self._reloaded_at = -inf

    async def run(self) -> None:
        """Poll until ``stop``. An error that is not about one workflow ends the loop and is raised."""
        log.info("poller started", action="poller-start", interval_seconds=self._interval_seconds)
        async with asyncio.TaskGroup() as workers:
            workers.create_task(self._repeat(self._take_in), name="poller intake")
            for work, count in (
                (self._list_next, LIST_WORKERS),
                (self._describe_next, DESCRIBE_WORKERS),
                (self._read_next, HISTORY_WORKERS),
            ):
                for number in range(count):
                    workers.create_task(self._work(work), name=f"poller {work.__name__} {number}")
        log.info("poller stopped", action="poller-stop")

    def stop(self) -> None:
        """Ask ``run`` to return once the calls under way are over."""
        self._stopping.set()

    async def poll_once(self) -> RoundReport:
        """Bring every active workflow up to date once; returns when all are done."""
        await self._take_in()
        workflows = self._agenda.everything()
        outcomes: list[Outcome] = []
        for machine in self._agenda.listed:
            outcomes += await self._sweep(machine)
        listed = self._agenda.listed
        single = [tracked for tracked in workflows if tracked.machine not in listed]
        outcomes += await asyncio.gather(*(self._attendant.read(tracked) for tracked in single))
        while (tracked := self._agenda.next_doubtful() or self._agenda.next_details()) is not None:
            outcomes.append(await self._attendant.read(tracked))
        return RoundReport(
            active=len(workflows),
            changed=outcomes.count(Outcome.CHANGED),
            started=outcomes.count(Outcome.STARTED),
            skipped=outcomes.count(Outcome.SKIPPED),
        )

    async def _repeat(self, step: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            await step()
            await self._pause(self._interval_seconds)

    async def _work(self, step: Callable[[], Awaitable[bool]]) -> None:
        """Do steps; pause when one found nothing to do."""
        while not self._stopping.is_set():
            if not await step():
                await self._pause(self._interval_seconds / 4)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), timeout=seconds)

    async def _list_next(self) -> bool:
        machine = self._agenda.next_machine(self._clock())
        if machine is not None:
            await self._sweep(machine)
        return machine is not None

    async def _describe_next(self) -> bool:
        """Help out with the cheaper call, but only when there are more questions than histories can be read."""
        if self._available("GetExecutionHistory") >= 1:
            return False
        tracked = self._agenda.next_status(self._clock())
        if tracked is not None:
            await self._attendant.describe(tracked)
        return tracked is not None

    async def _read_next(self) -> bool:
        tracked = self._agenda.next_status(self._clock())
        if tracked is not None:
            await self._attendant.read(tracked)
            return True
        tracked = self._agenda.next_details() or self._agenda.next_running(self._clock())
        if tracked is not None:
            await self._attendant.read(tracked, lane=Lane.DETAIL)
        return tracked is not None

    async def _sweep(self, machine: str) -> list[Outcome]:
        return await self._sweeper.sweep(
            machine, asks_per_second=self._asks_per_second(), lists_per_second=self._rate("ListExecutions")
        )

    async def _take_in(self) -> None:
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
            lists_per_second=self._rate("ListExecutions"),
            asks_per_second=self._asks_per_second(),
        )

    async def _read_index(self, token: str | None) -> set[str]:
        seen: set[str] = set()
        while True:
            page = await self._store.list_active_workflows(limit=ACTIVE_PAGE, page_token=token, summaries=True)
            for workflow in page.workflows:
                seen.add(workflow.id)
                self._track(workflow)
            if page.workflows:
                last = page.workflows[-1]
                self._read_until = paging.encode(paging.Position(last.created_at - OVERLAP, last.id))
            if (token := page.next_token) is None:
                return seen

    def _track(self, workflow: Workflow) -> None:
        if self._active.get(workflow.id) is not None:
            return
        tracked = Tracked(
            id=workflow.id,
            machine=state_machine_of(workflow.execution_arn),
            status=workflow.status,
            revision=workflow.revision,
            since=self._clock(),
        )
        if workflow.status.terminal:
            self._agenda.want_details(tracked)
        else:
            self._agenda.track(tracked)

    def _asks_per_second(self) -> float:
        return self._rate("DescribeExecution") + self._rate("GetExecutionHistory")

    def _rate(self, action: str) -> float:
        bucket = self._quotas.bucket(action)
        return bucket.refill_per_second if bucket else inf

    def _available(self, action: str) -> float:
        bucket = self._quotas.bucket(action)
        return bucket.available if bucket else inf
