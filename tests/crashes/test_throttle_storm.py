"""A storm of refusals: nothing wrong is written, no more calls than in fair weather, and it is soon made up for.

Covers `app.executor.sfn.throttled_client` and `app.executor.sfn.quotas`.
"""

import asyncio
import random
from dataclasses import dataclass
from typing import Final

import pytest

from tests.crashes import virtual_loop
from tests.crashes.simulated_day import Day

ACTIVE: Final = 1_000
MACHINES: Final = 20
WARM_UP_SECONDS: Final = 60.0
STORM_SECONDS: Final = 600.0
REFUSED: Final = 0.3

SWEEP_SECONDS: Final = 4.0
"""Twenty state machines, each a page, at the five lists a second that a large region allows."""


@dataclass(frozen=True)
class Weather:
    """What ten minutes were like."""

    calls: int
    needed_calls: int
    refused: int
    ended: int
    wrong: list[str]
    behind: int
    """Runs that ended meanwhile, and are not shown as ended two sweeps later."""


async def ten_minutes(*, refused: float) -> Weather:
    """Let a thousand workflows live through ten minutes of which AWS refuses a part of all calls."""
    dice = random.Random(11)
    loop = asyncio.get_running_loop()
    async with Day.live(active=ACTIVE, machines=MACHINES, seed=7) as day:
        await asyncio.sleep(WARM_UP_SECONDS)
        calls, needed, ended = day.calls.total(), day.needed_calls, day.store.ended
        day.sfn.refuse = lambda: dice.random() < refused
        await asyncio.sleep(STORM_SECONDS)
        day.sfn.refuse = lambda: False
        calls, needed = day.calls.total() - calls, day.needed_calls - needed
        ended, over = day.store.ended - ended, loop.time()
        await asyncio.sleep(2 * SWEEP_SECONDS)
        return Weather(
            calls=calls,
            needed_calls=needed,
            refused=day.sfn.throttled.total(),
            ended=ended,
            wrong=day.store.wrong,
            behind=day.unseen(ended_before=over),
        )


@pytest.fixture(scope="module")
def storm() -> Weather:
    """Return ten minutes in which three calls of ten are refused."""
    return virtual_loop.run(ten_minutes(refused=REFUSED))


def test_a_storm_makes_no_zombies_and_no_wrong_status(storm: Weather) -> None:
    assert storm.refused > 500
    assert storm.ended > 0.8 * ACTIVE * STORM_SECONDS / 600
    assert storm.wrong == []


def test_two_sweeps_after_a_storm_every_run_that_ended_in_it_is_shown_as_ended(storm: Weather) -> None:
    assert storm.behind == 0


@pytest.mark.slow
def test_a_storm_takes_hardly_more_calls_than_fair_weather(storm: Weather) -> None:
    """For what must be known, and in all; whether the storm leaves anything to spare for details is not judged."""
    fair = virtual_loop.run(ten_minutes(refused=0.0))

    assert fair.refused == 0
    assert storm.needed_calls <= 1.3 * fair.needed_calls
    assert storm.calls <= 1.3 * fair.calls
