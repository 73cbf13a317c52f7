"""What a function raises, and what AWS hears of it.

Covers `workflow_manager.worker.functions.handler` and `workflow_manager.worker.task_errors`.
"""

import asyncio

import pytest

from tests.sdk.worker.functions.test_functions import Start, start
from workflow_manager.worker import TaskFailed

__all__ = ["start"]


class OutOfPaperError(Exception):
    """An error of an application."""


async def test_an_exception_is_reported_by_its_class_with_the_way_to_it_through_the_function(start: Start) -> None:
    def work() -> None:
        raise OutOfPaperError("tray 2")

    task = await (await start(work)).perform()
    assert task.error == "OutOfPaperError"
    assert task.cause is not None
    first, *_, last = task.cause.splitlines()
    assert first == "Traceback (most recent call last):"
    assert last.endswith("OutOfPaperError: tray 2")
    assert "workflow_manager/worker" not in task.cause


@pytest.mark.parametrize("declared", [OutOfPaperError, Exception])
async def test_an_exception_can_be_given_another_name(start: Start, declared: type[Exception]) -> None:
    async def work() -> None:
        raise OutOfPaperError("tray 2")

    task = await (await start(work, error_names={declared: "Printer.Empty"})).perform()
    assert (task.error, task.cause) == ("Printer.Empty", "tray 2")


async def test_a_function_can_choose_error_and_cause(start: Start) -> None:
    async def work() -> None:
        raise TaskFailed("Printer.Empty", "tray 2")

    task = await (await start(work)).perform()
    assert (task.error, task.cause) == ("Printer.Empty", "tray 2")


async def test_a_failure_without_a_name_gets_one(start: Start) -> None:
    async def work() -> None:
        raise TaskFailed("", "")

    assert (await (await start(work)).perform()).error == "sfncli.Unknown"


class MuteError(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(("declared", "name"), [({MuteError: "Printer.Mute"}, "Printer.Mute"), ({}, "MuteError")])
async def test_an_exception_without_a_text_keeps_its_name(
    start: Start, declared: dict[type[BaseException], str], name: str
) -> None:
    async def work() -> None:
        raise MuteError

    task = await (await start(work, error_names=declared)).perform()
    assert task.error == name
    assert "MuteError" in (task.cause or "")


class TooHotError(BaseException):
    """An error that no handler of ordinary ones catches."""


@pytest.mark.parametrize(
    "leaving",
    [SystemExit(3), KeyboardInterrupt(), TooHotError(), StopIteration("x"), asyncio.CancelledError("x")],
)
@pytest.mark.parametrize("in_thread", [True, False])
async def test_no_exception_of_a_function_ends_the_worker(
    start: Start, leaving: BaseException, in_thread: bool
) -> None:
    failing = True

    def act() -> None:
        if failing:
            raise leaving

    async def act_async() -> None:
        act()

    hosted = await start(act if in_thread else act_async)
    task = await hosted.perform()
    assert task.status == "FAILED"
    assert task.error == {"StopIteration": "RuntimeError"}.get(type(leaving).__name__, type(leaving).__name__)
    failing = False
    assert (await hosted.perform()).status == "SUCCEEDED"


async def test_a_long_story_keeps_its_end(start: Start) -> None:
    async def work() -> None:
        raise OutOfPaperError("x" * 40_000 + " the end")

    task = await (await start(work)).perform()
    assert task.cause is not None
    assert len(task.cause.encode()) <= 32_768
    assert task.cause.startswith("[truncated]")
    assert task.cause.endswith(" the end")
