"""How Python functions are told to end.

Covers `workflow_manager.worker.functions.worker` and `workflow_manager.worker.functions.context`.
"""

import asyncio
import threading
from collections.abc import Awaitable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tests.sdk.worker.conftest import FAST, eventually
from tests.sdk.worker.functions.test_functions import Hosted, Start, start
from workflow_manager.worker import Context, SyncContext, TaskFailed

__all__ = ["start"]

PATIENT = replace(FAST, shutdown_grace_seconds=30, poll_drain_seconds=0.1)


async def stopped(hosted: Hosted) -> None:
    """Stop a worker and wait for its end."""
    await asyncio.wait_for(hosted.group.stop(), timeout=5)


async def test_an_async_function_is_cancelled_when_the_worker_stops_and_its_task_is_handed_back(start: Start) -> None:
    begun = asyncio.Event()

    async def work(context: Context) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            assert context.cancelled.is_set()

    hosted = await start(work, timings=PATIENT)
    task = await hosted.schedule()
    await begun.wait()
    await stopped(hosted)
    assert (task.status, task.error) == ("FAILED", "sfncli.CommandTerminated")


async def test_an_awaitable_of_a_plain_function_is_cancelled_and_not_begun_after_the_stop(start: Start) -> None:
    begun, release, awaited = asyncio.Event(), threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def late() -> None:
        awaited.set()

    def work() -> Awaitable[None]:
        loop.call_soon_threadsafe(begun.set)
        release.wait(10)
        return late()

    hosted = await start(work, timings=PATIENT)
    task = await hosted.schedule()
    await begun.wait()
    hosted.group.request_stop()
    release.set()
    await asyncio.wait_for(hosted.group.ended(), timeout=5)
    assert (task.error, awaited.is_set()) == ("sfncli.CommandTerminated", False)


async def test_a_thread_is_told_when_the_worker_stops_and_its_task_is_handed_back(start: Start) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(context: SyncContext) -> None:
        loop.call_soon_threadsafe(begun.set)
        context.raise_if_cancelled()
        assert context.cancelled.wait(10)
        context.raise_if_cancelled()

    hosted = await start(work, timings=PATIENT)
    task = await hosted.schedule()
    await begun.wait()
    await stopped(hosted)
    assert (task.error, task.cause) == ("sfncli.CommandTerminated", "the function stopped early, as requested")


@pytest.mark.parametrize("error", [ValueError("half done"), TaskFailed("App.Stopped", "c")])
async def test_an_error_on_the_way_out_hands_the_task_back_unless_it_was_chosen(start: Start, error: Exception) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            raise error

    hosted = await start(work, timings=PATIENT)
    task = await hosted.schedule()
    await begun.wait()
    await stopped(hosted)
    assert task.error == ("App.Stopped" if isinstance(error, TaskFailed) else "sfncli.CommandTerminated")


async def test_a_function_that_finishes_its_work_after_the_stop_succeeds(start: Start) -> None:
    begun = asyncio.Event()

    async def work() -> dict[str, bool]:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
        return {"done": True}

    hosted = await start(work, timings=PATIENT)
    task = await hosted.schedule()
    await begun.wait()
    await stopped(hosted)
    assert task.json_output["done"] is True


async def test_a_thread_that_goes_on_is_left_behind_after_the_grace(start: Start) -> None:
    begun, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        release.wait(30)

    hosted = await start(work, timings=replace(FAST, shutdown_grace_seconds=0.1))
    task = await hosted.schedule()
    await begun.wait()
    await stopped(hosted)
    release.set()
    assert (task.error, task.cause) == (
        "sfncli.CommandTerminated",
        "the function went on when the worker had to stop",
    )


async def test_a_second_request_waits_for_no_function(start: Start) -> None:
    begun, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        release.wait(30)

    hosted = await start(work, timings=PATIENT)
    task = await hosted.schedule()
    await begun.wait()
    hosted.group.request_stop()
    await stopped(hosted)
    release.set()
    assert task.error == "sfncli.CommandTerminated"


async def test_an_async_function_of_a_lost_task_is_cancelled_and_nothing_is_reported(start: Start) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    hosted = await start(work)
    task = await hosted.schedule()
    await begun.wait()
    hosted.aws.abort(task)
    await asyncio.wait_for(ended.wait(), timeout=5)
    await eventually(lambda: hosted.aws.open_polls == 1, "the next poll")
    assert hosted.aws.count("send_task_failure") == 0


async def test_a_thread_of_a_lost_task_keeps_its_slot_until_it_ends(start: Start) -> None:
    begun, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        release.wait(30)

    hosted = await start(work, timings=replace(FAST, lost_grace_seconds=0.05))
    task = await hosted.schedule()
    await begun.wait()
    with capture_logs() as logs:
        hosted.aws.abort(task)
        await eventually(lambda: any(line.get("action") == "function-strays" for line in logs), "the warning")
    assert hosted.aws.count("get_activity_task") == 1
    release.set()
    await eventually(lambda: hosted.aws.open_polls == 1, "the next poll")


async def test_a_worker_that_is_cancelled_cancels_its_functions(start: Start) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    hosted = await start(work)
    await hosted.schedule()
    await begun.wait()
    hosted.run.cancel()
    await asyncio.wait({hosted.run}, timeout=5)
    await asyncio.wait_for(ended.wait(), timeout=5)
