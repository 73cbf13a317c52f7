"""Whatever AWS or the store have against it, the poller goes on; only bugs end it.

Covers `app.poller.poller` and `app.poller.liveness`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.poller.liveness import STALE_SECONDS
from tests.rig import LoopClock, Rig
from workflow_manager import errors
from workflow_manager.models import QueueLimits, WorkflowStatus

FAILURES = [
    errors.NoAnswer(),
    errors.CredentialsRejected(),
    errors.AccessDenied("not authorized"),
    errors.AWSError("SomethingNewException"),
    errors.TaskLost("InvalidToken"),
]

OPERATIONS = ["create_state_machine", "start_execution", "describe_execution", "get_execution_history"]
STORE_OPERATIONS = ["list_active_workflows", "get_document", "put_document", "get_workflow"]


@pytest.fixture
async def rig() -> Rig:
    """Return a service in virtual time."""
    return Rig(clock=LoopClock(), poll_seconds=1.0)


@asynccontextmanager
async def polling(rig: Rig) -> AsyncIterator["asyncio.Task[None]"]:
    """Poll inside the block; an error of the poller is raised at its end."""
    task = asyncio.create_task(rig.poller.run())
    yield task
    rig.poller.stop()
    await task


@pytest.mark.looptime
@pytest.mark.parametrize("queue", ["default", "limited"])
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_call_that_always_fails_does_not_end_the_poller(
    rig: Rig, failure: Exception, operation: str, queue: str
) -> None:
    await rig.define()
    await rig.queues.put("limited", QueueLimits(max_running=1))

    async def fail() -> None:
        raise failure

    async with polling(rig) as task:
        rig.sfn.before[operation] = fail
        try:
            await rig.start(queue=queue)
        except errors.WorkflowManagerError:
            assert queue == "default"  # refused at once
        await asyncio.sleep(12)
        del rig.sfn.before[operation]
        assert not task.done()
        later = await rig.start(queue="other")
        await asyncio.sleep(20)

        assert (await rig.store.get_workflow(later.id)).status is WorkflowStatus.RUNNING
        assert rig.poller.ready()


@pytest.mark.looptime
@pytest.mark.parametrize("operation", STORE_OPERATIONS)
@pytest.mark.parametrize("failure", [errors.NoAnswer(), errors.TableNotFound()])
async def test_a_store_that_fails_for_minutes_makes_the_poller_unready_and_does_not_end_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, failure: Exception, operation: str
) -> None:
    await rig.define()
    workflow = await rig.start()

    async def fail(*_: object, **__: object) -> Any:
        raise failure

    async with polling(rig) as task:
        await asyncio.sleep(10)
        with monkeypatch.context() as patch:
            patch.setattr(rig.store, operation, fail)
            await asyncio.sleep(1.2 * STALE_SECONDS)
            ready = rig.poller.ready()
        assert not task.done()
        rig.sfn.succeed(workflow.id)
        await asyncio.sleep(20)

        assert ready is (operation == "get_workflow")  # which fails for single workflows only
        assert rig.poller.ready()
        assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.SUCCEEDED


@pytest.mark.looptime
async def test_a_bug_ends_the_poller(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> Any:
        raise KeyError("bug")

    monkeypatch.setattr(rig.store, "get_document", fail)

    with pytest.raises(ExceptionGroup):
        await rig.poller.run()
