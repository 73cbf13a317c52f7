"""Policies that first come to mind, for comparison; they ask for statuses only, not for details."""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from app.executor import ExecutionLists, Reconciler
from app.poller.tracking import state_machine_of
from app.store import Store
from workflow_manager import errors
from workflow_manager.models import Workflow

ASKED_AT_ONCE = 16
INDEX_PAGE = 500
LIST_LAG = timedelta(seconds=3)


class NaivePoller(ABC):
    """Does round after round."""

    def __init__(self, store: Store, reconciler: Reconciler, lists: ExecutionLists) -> None:
        self._store = store
        self._observer = reconciler
        self._lists = lists
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Do rounds until ``stop``."""
        while not self._stopping.is_set():
            await self._round([workflow async for workflow in self._active()])
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), timeout=1)

    def stop(self) -> None:
        """Ask ``run`` to return soon."""
        self._stopping.set()

    @abstractmethod
    async def _round(self, active: list[Workflow]) -> None:
        """Bring all active workflows up to date."""

    async def _describe(self, workflows: Iterable[Workflow]) -> None:
        remaining = list(workflows)
        while remaining and not self._stopping.is_set():
            batch = [remaining.pop() for _ in range(min(ASKED_AT_ONCE, len(remaining)))]
            await asyncio.gather(*(self._describe_one(workflow) for workflow in batch))

    async def _describe_one(self, workflow: Workflow) -> None:
        with suppress(errors.ExecutionNotFound, errors.Unavailable):
            observation = await self._observer.describe(workflow.execution_arn)
            await self._observer.record(workflow.id, observation)

    async def _active(self) -> AsyncIterator[Workflow]:
        token: str | None = None
        while True:
            page = await self._store.list_active_workflows(limit=INDEX_PAGE, page_token=token)
            for workflow in page.workflows:
                if not workflow.status.terminal:
                    yield workflow
            if (token := page.next_token) is None:
                return


class DescribeInTurn(NaivePoller):
    """Describes every workflow in turn."""

    async def _round(self, active: list[Workflow]) -> None:
        await self._describe(reversed(active))


class ListInTurn(NaivePoller):
    """Lists what runs of every state machine in turn, and describes what is missing."""

    async def _round(self, active: list[Workflow]) -> None:
        machines: defaultdict[str, list[Workflow]] = defaultdict(list)
        for workflow in active:
            machines[state_machine_of(workflow.execution_arn)].append(workflow)
        began = max((workflow.created_at for workflow in active), default=None)
        for machine, workflows in machines.items():
            if self._stopping.is_set() or began is None:
                return
            await self._describe(await self._missing(machine, workflows, began))

    async def _missing(self, machine: str, workflows: list[Workflow], began: datetime) -> list[Workflow]:
        running: set[str] = set()
        with suppress(errors.Unavailable):
            async for page in self._lists.pages(machine, "RUNNING"):
                running.update(page.observations)
        return [
            workflow for workflow in workflows if workflow.id not in running and began - workflow.created_at >= LIST_LAG
        ]
