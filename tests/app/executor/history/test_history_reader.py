"""Reading histories page by page.

Covers `app.executor.sfn.history_reader`.
"""

import asyncio

import pytest

from app.executor.sfn import history_reader
from tests.rig import Rig


async def test_who_asks_again_for_a_long_history_need_not_begin_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_reader, "PAGE_EVENTS", 2)
    workflow = await rig.started()
    for _ in range(9):
        rig.sfn.enter(workflow.id, "echo")
    stuck = asyncio.Event()
    asked = rig.sfn.calls["get_execution_history"]

    async def stick() -> None:
        if rig.sfn.calls["get_execution_history"] - asked == 4:
            stuck.set()
            await asyncio.sleep(3600)

    rig.sfn.before["get_execution_history"] = stick
    first = asyncio.create_task(rig.reconciler.read_history(workflow))
    await stuck.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    del rig.sfn.before["get_execution_history"]
    before = rig.sfn.calls["get_execution_history"]

    observation = await rig.reconciler.read_history(workflow)

    assert len(observation.jobs or ()) == 9
    assert rig.sfn.calls["get_execution_history"] - before == 2
