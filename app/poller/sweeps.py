"""Sweeps: the statuses of all workflows of a state machine, a thousand for one call."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from app import errors
from app.executor import ExecutionLists
from app.executor.listings import ListedStatus
from app.executor.observations import Observation
from app.executor.quotas import Lane, calling_as
from app.models import WorkflowStatus
from app.poller.agenda import Agenda
from app.poller.attention import Attendant, Outcome
from app.poller.tracking import ActiveSet, Tracked

log = structlog.get_logger(__name__)

LIST_LAG_SECONDS: Final = 3.0
"""Lists are eventually consistent: what is younger than this may be missing from them, and is not missed."""

ENDED_STATUSES: Final[tuple[ListedStatus, ...]] = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")

HORIZON_SECONDS: Final = 2.0
"""Single questions that can be asked in this time are asked; only with more than that a list of ended runs is read."""

SWEEP_WRITES: Final = 16
"""Statuses that one sweep writes at the same time."""


class Sweeper:
    """Lists the running executions of a state machine, and finds out what became of the others.

    That a workflow is not among the running ones proves nothing: it is settled by an explicit status, from a list of
    ended executions when many are missing, else by asking for it.
    """

    def __init__(
        self,
        lists: ExecutionLists,
        attendant: Attendant,
        active: ActiveSet,
        agenda: Agenda,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._lists = lists
        self._attendant = attendant
        self._active = active
        self._agenda = agenda
        self._clock = clock
        self._yields: dict[str, dict[ListedStatus, int]] = {}

    async def sweep(self, machine: str, *, asks_per_second: float, lists_per_second: float) -> list[Outcome]:
        """Sweep one state machine; returns an outcome for each workflow whose status it settled."""
        began = self._clock()
        try:
            with calling_as(Lane.STATUS):
                outcomes, gone = await self._running(machine, began)
                worthwhile = max(1.0, asks_per_second / lists_per_second)
                room = asks_per_second * HORIZON_SECONDS - self._agenda.doubtful
                outcomes += await self._ended(machine, gone, room=room, worthwhile=worthwhile)
        except errors.StateMachineNotFound:
            outcomes, gone = [], dict(self._active.members(machine))
        except errors.Unavailable as silence:
            log.warning("sweep given up", action="sweep-skip", state_machine=machine, error=silence.message)
            return []
        finally:
            self._agenda.swept(machine, began)
        self._agenda.doubt(gone.values())
        return outcomes

    async def _running(self, machine: str, began: float) -> tuple[list[Outcome], dict[str, Tracked]]:
        """Return what the list of running executions settles, and the workflows that it does not show."""
        gone = {
            tracked.id: tracked
            for tracked in self._active.members(machine).values()
            if began - tracked.since >= LIST_LAG_SECONDS
        }
        outcomes: list[Outcome] = []
        async for page in self._lists.pages(machine, "RUNNING"):
            news = []
            for name, observation in page.observations.items():
                gone.pop(name, None)
                tracked = self._active.members(machine).get(name)
                if tracked is None:
                    continue
                tracked.missing = 0
                tracked.asked_at = began
                if tracked.status is WorkflowStatus.QUEUED:
                    news.append((tracked, observation))
            outcomes += await self._record(news)
        return outcomes, gone

    async def _ended(self, machine: str, gone: dict[str, Tracked], *, room: float, worthwhile: float) -> list[Outcome]:
        """Settle workflows from the lists of ended executions, while there are more than can be asked for soon."""
        outcomes: list[Outcome] = []
        if len(gone) <= room:
            return outcomes
        yields = self._yields.setdefault(machine, {})
        for status in sorted(ENDED_STATUSES, key=lambda status: -yields.get(status, 0)):
            async for page in self._lists.pages(machine, status):
                found = [(gone.pop(name), seen) for name, seen in page.observations.items() if name in gone]
                yields[status] = len(found)
                outcomes += await self._record(found)
                if len(gone) <= room:
                    return outcomes
                if len(found) < worthwhile:
                    break
        return outcomes

    async def _record(self, found: list[tuple[Tracked, Observation]]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for start in range(0, len(found), SWEEP_WRITES):
            batch = found[start : start + SWEEP_WRITES]
            outcomes += await asyncio.gather(*(self._attendant.record(tracked, seen) for tracked, seen in batch))
        return outcomes
