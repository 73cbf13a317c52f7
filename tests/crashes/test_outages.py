"""Step Functions does not answer for minutes: requests go on, nothing is lost, and the backlog drains at the quota.

Covers `app.executor.outbox` and `app.poller.dispatch.backlog`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest

from app.executor.outbox import CALL_TIMEOUT
from app.executor.sfn.quotas import LARGE
from app.poller.dispatch.backlog import LONGEST_PAUSE_SECONDS
from benchmarks.simulated_sfn import let_be
from tests.crashes import virtual_loop
from tests.crashes.simulated_day import Day
from workflow_manager import errors
from workflow_manager.aws import READ_TIMEOUT_SECONDS
from workflow_manager.models import WorkflowStatus

ACTIVE: Final = 200
OUTAGE_SECONDS: Final = 120.0
SUBMITS_PER_SECOND: Final = 20.0
BACKLOG: Final = int(OUTAGE_SECONDS * SUBMITS_PER_SECOND)

AT_QUOTA_SECONDS: Final = (BACKLOG - LARGE["StartExecution"].bucket) / LARGE["StartExecution"].refill_per_second
"""What it takes to start the backlog with nothing but the quota in the way."""

Interference = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Story:
    """How an outage went."""

    slowest_answer: float
    """Seconds that a request took, at the most."""
    late_answers: int
    """Requests that took longer than a tenth of a second."""
    backlog: int
    drained_after: float
    """Seconds from the end of the outage to the start of the last workflow that was submitted in it."""
    wrong: list[str]
    blind: int
    """Runs of before whose end was not seen while the outage went on."""


async def silent(action: str) -> None:
    raise errors.NoAnswer(f"{action}: connection refused")


async def hanging(action: str) -> None:
    """Take every call, and let it time out."""
    await asyncio.sleep(READ_TIMEOUT_SECONDS)
    raise errors.NoAnswer(f"{action}: read timed out")


async def not_starting(action: str) -> None:
    """Start nothing, but tell everything."""
    if action in {"StartExecution", "CreateStateMachine"}:
        await hanging(action)


async def throttling(action: str) -> None:
    """Refuse to start anything, for want of quota."""
    if action == "StartExecution":
        raise errors.Throttled


async def circuit_breaker(interference: Interference) -> Story:
    """Let an outage begin and end while twenty workflows a second are submitted."""
    loop = asyncio.get_running_loop()
    async with Day.live(active=ACTIVE, machines=20, seed=3) as day:
        await asyncio.sleep(30)
        took: list[float] = []
        ids: list[str] = []
        day.sfn.interfere = interference
        began = loop.time()

        async def submit(number: int) -> None:
            asked = loop.time()
            workflow = await day.submit(number)
            took.append(loop.time() - asked)
            ids.append(workflow.id)

        async with asyncio.TaskGroup() as clients:
            for number in range(BACKLOG):
                clients.create_task(submit(number))
                await asyncio.sleep(1 / SUBMITS_PER_SECOND)
        blind = day.unseen(ended_before=began + OUTAGE_SECONDS - 60)
        backlog = sum(workflow_id not in day.sfn.runs for workflow_id in ids)
        day.sfn.interfere = let_be
        over = loop.time()
        while not all(workflow_id in day.sfn.runs for workflow_id in ids):
            await asyncio.sleep(1)
            assert loop.time() - over < 3600, "the backlog does not drain"
        return Story(
            slowest_answer=max(took),
            late_answers=sum(seconds > 0.1 for seconds in took),
            backlog=backlog,
            drained_after=loop.time() - over,
            wrong=day.store.wrong,
            blind=blind,
        )


@cache
def story_of(interference: Interference) -> Story:
    """Return how an outage of a kind went."""
    return virtual_loop.run(circuit_breaker(interference))


@pytest.mark.parametrize("interference", [silent, hanging, not_starting])
def test_an_outage_holds_nobody_up_and_loses_nothing(interference: Interference) -> None:
    story = story_of(interference)

    assert story.backlog > 0.9 * BACKLOG
    assert story.slowest_answer < CALL_TIMEOUT.total_seconds() + 0.5
    assert story.late_answers < 0.07 * BACKLOG  # the probes, one a second
    assert story.drained_after < 2 * AT_QUOTA_SECONDS + LONGEST_PAUSE_SECONDS
    assert story.wrong == []


@pytest.mark.slow
def test_a_backlog_of_throttled_starts_drains_at_the_quota_too() -> None:
    story = story_of(throttling)

    assert story.backlog > 0.9 * BACKLOG
    assert story.slowest_answer < CALL_TIMEOUT.total_seconds() + 0.5
    assert story.drained_after < 2 * AT_QUOTA_SECONDS + LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize("interference", [not_starting, throttling])
def test_while_nothing_can_be_started_the_ends_of_runs_are_seen_all_the_same(interference: Interference) -> None:
    assert story_of(interference).blind == 0


async def paused_and_resumed() -> tuple[float, int]:
    """Submit thousands into a paused queue and let them go; returns how long starting them took, and their writes."""
    loop = asyncio.get_running_loop()
    async with Day.live(active=ACTIVE, machines=20, seed=3) as day:
        await day.limit("reports", paused=True)
        workflows = [await day.submit(number, queue="reports") for number in range(BACKLOG)]
        await asyncio.sleep(5)
        assert not any(workflow.id in day.sfn.runs for workflow in workflows)
        await day.limit("reports")
        began = loop.time()
        while not all(workflow.id in day.sfn.runs for workflow in workflows):
            await asyncio.sleep(1)
            assert loop.time() - began < 3600, "the backlog does not drain"
        took = loop.time() - began
        stored = [await day.store.get_workflow(workflow.id) for workflow in workflows]
        return took, sum(workflow.revision for workflow in stored if workflow.status is WorkflowStatus.QUEUED)


def test_a_queue_that_goes_on_after_a_pause_drains_at_the_quota_with_one_claim_each() -> None:
    took, claims = virtual_loop.run(paused_and_resumed())

    assert took < 2 * AT_QUOTA_SECONDS + 15
    assert claims <= BACKLOG
