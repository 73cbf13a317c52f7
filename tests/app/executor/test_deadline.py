"""Deadlines.

Covers `app.executor.deadline`.
"""

import asyncio
from datetime import timedelta

import pytest

from app.executor.deadline import deadline
from tests.crashes import virtual_loop
from workflow_manager import errors

SECOND = timedelta(seconds=1)


async def wait(seconds: float, *, limit: timedelta = SECOND) -> str:
    """Wait inside a block."""
    async with deadline(limit, what="a question"):
        await asyncio.sleep(seconds)
    return "done"


def test_a_block_that_ends_in_time_is_left_alone() -> None:
    async def play() -> str:
        answer = await wait(0.9)
        await asyncio.sleep(10)  # its timer is off
        return answer

    assert virtual_loop.run(play()) == "done"


def test_a_block_that_takes_too_long_is_given_up_as_a_call_without_an_answer() -> None:
    async def play() -> float:
        with pytest.raises(errors.NoAnswer, match=r"^no answer to a question within 1 s$"):
            await wait(60)
        await asyncio.sleep(0)  # the task goes on, and is not cancelled
        return asyncio.get_running_loop().time()

    assert virtual_loop.run(play()) == pytest.approx(virtual_loop.run(now()) + 1, abs=0.1)


async def now() -> float:
    """Return the time of a fresh loop."""
    return asyncio.get_running_loop().time()


def test_an_error_of_the_block_is_passed_on() -> None:
    async def play() -> None:
        with pytest.raises(errors.NotFound):
            async with deadline(SECOND, what="a question"):
                raise errors.NotFound

    virtual_loop.run(play())


@pytest.mark.parametrize("cancelled_after", [0.5, 1.0])
def test_a_cancellation_by_another_task_is_passed_on(cancelled_after: float) -> None:
    """Also when that happens at the very moment at which the block is given up."""

    async def play() -> None:
        task = asyncio.create_task(wait(60))
        asyncio.get_running_loop().call_later(cancelled_after, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    virtual_loop.run(play())


def test_of_two_blocks_the_one_whose_time_is_over_is_given_up() -> None:
    async def play() -> None:
        async with deadline(2 * SECOND, what="all of it"):
            with pytest.raises(errors.NoAnswer, match="a question"):
                await wait(60)
            await asyncio.sleep(0.5)

    virtual_loop.run(play())


def test_a_timeout_of_the_block_itself_is_passed_on() -> None:
    async def play() -> None:
        with pytest.raises(TimeoutError):
            async with deadline(SECOND, what="a question"):
                raise TimeoutError

    virtual_loop.run(play())
