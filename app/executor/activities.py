"""Ensuring that activities exist: a task of a missing activity would fail at once instead of waiting for its worker."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import structlog

from app.executor.lru_cache import LRUCache
from app.executor.sfn.quotas import Priority, with_priority
from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_stepfunctions import SFNClient

log = structlog.get_logger(__name__)

MAX_KNOWN: Final = 10_000
"""Maximum number of remembered activities, the quota of an account; any other costs an idempotent call."""


class Activities:
    """Creates activities; an existing one, perhaps with the tags of its worker, is not changed."""

    def __init__(self, sfn: "SFNClient") -> None:
        self._sfn = sfn
        self._known: LRUCache[str, bool] = LRUCache(MAX_KNOWN)
        self._flights: dict[str, asyncio.Task[None]] = {}

    async def ensure(self, names: Iterable[str]) -> None:
        """Create the activities that this process has not created yet; once for all concurrent callers.

        It waits for the quota, which is one call a second. Nothing is raised: who lacks the permission, or has an
        activity that cannot be made, starts what he starts as before.
        """
        missing = [name for name in names if not self._known.get(name)]
        if missing:
            await asyncio.gather(*(asyncio.shield(self._flight(name)) for name in missing))

    def _flight(self, name: str) -> "asyncio.Task[None]":
        flight = self._flights.get(name)
        if flight is None:
            flight = self._flights[name] = asyncio.create_task(self._create(name), name=f"create activity {name}")
            flight.add_done_callback(lambda _: self._flights.pop(name))
        return flight

    async def _create(self, name: str) -> None:
        try:
            # Behind the people who wait, whatever called for it.
            with with_priority(Priority.DETAIL):
                await self._sfn.create_activity(name=name)
        except errors.ActivityExists:
            pass  # encrypted with another key, which is its owner's business
        except errors.WorkflowManagerError as refusal:
            log.warning("activity not created", action="ensure-activity", activity=name, error=refusal.message)
            return
        self._known.put(name, True)
        log.info("activity ensured", action="ensure-activity", activity=name)
