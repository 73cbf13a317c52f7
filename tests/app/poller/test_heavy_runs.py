"""Runs with many payloads are read one at a time, and keep nobody else waiting.

Covers `app.poller.refresher`.
"""

import asyncio
import json

import pytest

from app.executor.sfn import history_reader
from tests.rig import LoopClock, Rig
from workflow_manager.models import WorkflowStatus

DOCUMENT_BYTES = 100 * 1024


async def loop(rig: Rig, *, turns: int = 50) -> str:
    """Run a loop over large documents, which goes on."""
    workflow = await rig.start()
    for turn in range(turns):
        text = json.dumps({"turn": turn, "data": "x" * DOCUMENT_BYTES})
        rig.sfn.enter(workflow.id, "echo", kind="Pass", input=text)
        rig.sfn.leave(workflow.id, "echo")
    return workflow.id


class Stuck:
    """Histories of some runs that are never answered."""

    def __init__(self, rig: Rig) -> None:
        self.ids: set[str] = set()
        self.waiting: set[str] = set()
        self.most = 0
        self._answer = rig.sfn.get_execution_history
        rig.sfn.get_execution_history = self._get  # type: ignore[method-assign, assignment]  # some calls hang

    async def _get(self, **arguments: object) -> object:
        workflow_id = str(arguments["executionArn"]).rpartition(":")[2]
        if workflow_id in self.ids:
            self.waiting.add(workflow_id)
            self.most = max(self.most, len(self.waiting))
            try:
                await asyncio.Event().wait()
            finally:
                self.waiting.discard(workflow_id)
        return await self._answer(**arguments)  # type: ignore[arg-type]  # handed on as it came


@pytest.mark.looptime
async def test_statuses_of_all_runs_are_seen_while_one_heavy_history_is_read() -> None:
    """The heavy ones' as well: those are asked for with the cheaper call."""
    rig = Rig(clock=LoopClock(), poll_seconds=1.0)
    stuck = Stuck(rig)
    await rig.define()
    heavy = [await loop(rig) for _ in range(6)]
    light = [(await rig.start()).id for _ in range(6)]
    await rig.poller.poll_once()
    assert all(rig.reconciler.heavy(one) for one in heavy)
    stuck.ids = set(heavy)
    polling = asyncio.create_task(rig.poller.run())
    await asyncio.sleep(30)
    for one in (*heavy[3:], *light):
        rig.sfn.succeed(one)
    await asyncio.sleep(60)
    found = {one: (await rig.store.get_workflow(one)).status for one in (*heavy, *light)}
    rig.poller.stop()
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)

    assert {found[one] for one in (*heavy[3:], *light)} == {WorkflowStatus.SUCCEEDED}
    assert {found[one] for one in heavy[:3]} == {WorkflowStatus.RUNNING}
    assert stuck.most == 1


@pytest.mark.looptime
async def test_every_heavy_run_has_its_turn() -> None:
    rig = Rig(clock=LoopClock(), poll_seconds=1.0)
    await rig.define()
    heavy = [await loop(rig) for _ in range(4)]
    polling = asyncio.create_task(rig.poller.run())
    await asyncio.sleep(10)
    jobs = {one: len((await rig.store.get_workflow(one)).jobs) for one in heavy}
    rig.poller.stop()
    await polling

    assert set(jobs.values()) == {50}


async def test_one_round_reads_heavy_runs_as_well(rig: Rig) -> None:
    await rig.define()
    heavy = await loop(rig)
    await rig.poller.poll_once()
    rig.sfn.succeed(heavy)
    await rig.poller.poll_once()
    await rig.poller.poll_once()

    workflow = await rig.store.get_workflow(heavy)

    assert (workflow.status, workflow.details_pending, len(workflow.jobs)) == (WorkflowStatus.SUCCEEDED, False, 50)
    assert rig.reconciler.heavy(heavy)
    assert history_reader.PAGE_BYTES < 50 * DOCUMENT_BYTES
