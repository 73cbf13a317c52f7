"""Crashes at every await of start, resume, cancel, refresh, poll and dispatch: nothing lost, doubled or stuck.

A failing seed names itself; ``pytest -m "not slow" tests/crashes --crash-seed N`` plays it again.

Covers `app.executor` and `app.poller`.
"""

import asyncio
import random
import traceback
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from unittest import mock

import pytest

from tests.crashes import invariants, virtual_loop
from tests.crashes.scenario import play
from tests.crashes.world import World

SEEDS: Final = 100
ALL_SEEDS: Final = 10_000
BLOCK: Final = 495
"""Seeds that one slow test plays."""

LULL_SECONDS: Final = 16.0
"""After this and a new workflow, pollers read only the end of the active index, and must not have dropped others."""

QUIET_POLLS: Final = 5
"""Six seconds each: enough to be sure that what has not started will not start any more."""

LAST_ROUNDS: Final = 24
"""Enough to let everybody through a limited queue, and to read the details of the last, however long put off."""

CALLS: Final = (
    "create_workflow",
    "get_workflow",
    "update_workflow",
    "list_active_workflows",
    "get_document",
    "put_document",
    "create_activity",
    "create_state_machine",
    "start_execution",
    "stop_execution",
    "get_execution_history",
    "list_executions",
)
"""The calls that matter most; a crash can hit any of them before it is sent, and before it is answered."""


@dataclass
class Played:
    """What came of some seeds."""

    failures: dict[int, str]
    crashes: Counter[str]


async def scenario(seed: int) -> tuple[list[str], Counter[str]]:
    """Play one seed; returns what is wrong at its end, and where it crashed."""
    world = World(seed)
    await world.open()
    ledger = await play(world)
    world.chaos.on = False
    await asyncio.sleep(LULL_SECONDS)
    await world.rig().start()
    for _ in range(QUIET_POLLS):
        await world.poll()
    wrong = list(invariants.while_running(world, ledger))
    for _ in range(LAST_ROUNDS):
        if not (await world.store.list_active_workflows(limit=1)).workflows:
            break
        world.sfn.end_all()
        await world.poll()
    world.sfn.most_lag_seconds = 0.0
    wrong += await invariants.at_the_end(world, ledger)
    await world.close()
    return wrong, world.chaos.crashes


def played(seeds: Iterable[int]) -> Played:
    """Play many seeds."""
    result = Played({}, Counter())
    for seed in seeds:
        try:
            with predictable_ids(seed):
                wrong, crashes = virtual_loop.run(scenario(seed))
        except Exception:  # noqa: BLE001  whatever it is, it is what came of this seed
            result.failures[seed] = traceback.format_exc()
            continue
        result.crashes += crashes
        if wrong:
            result.failures[seed] = "; ".join(wrong)
    return result


@contextmanager
def predictable_ids(seed: int) -> Iterator[None]:
    """Make the ids that nobody chooses the same in every play of a seed."""
    source = random.Random(seed)
    with mock.patch.object(uuid, "uuid4", side_effect=lambda: uuid.UUID(int=source.getrandbits(128), version=4)):
        yield


def report(failures: dict[int, str]) -> str:
    """Tell what went wrong, and how to see it again."""
    lines = [f"{len(failures)} seeds failed; play one again with: pytest -m 'not slow' tests/crashes --crash-seed N"]
    lines += [f"seed {seed}: {wrong}" for seed, wrong in list(failures.items())[:10]]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def asked_seed(request: pytest.FixtureRequest) -> int | None:
    """Return the seed that the command line asks for."""
    seed: int | None = request.config.getoption("crash_seed", default=None)
    return seed


@pytest.fixture(scope="module")
def some(asked_seed: int | None) -> Played:
    """Return what came of the first seeds, or of the one that was asked for."""
    return played(range(SEEDS) if asked_seed is None else [asked_seed])


def test_nothing_is_lost_doubled_or_stuck_wherever_a_process_dies(some: Played) -> None:
    assert not some.failures, report(some.failures)


@pytest.mark.parametrize("moment", ["not sent", "not answered"])
def test_crashes_hit_every_call_that_matters(some: Played, asked_seed: int | None, moment: str) -> None:
    if asked_seed is not None:
        pytest.skip("one seed does not crash everywhere")
    assert [call for call in CALLS if not some.crashes[f"{call}: {moment}"]] == []


@pytest.mark.parametrize("seed", [0, 7, 20])
def test_a_seed_always_plays_the_same(seed: int) -> None:
    first, second = played([seed]), played([seed])

    assert first.crashes == second.crashes


@pytest.mark.slow
@pytest.mark.parametrize("first", range(SEEDS, ALL_SEEDS, BLOCK))
def test_nothing_is_lost_doubled_or_stuck_in_thousands_of_worlds(first: int) -> None:
    result = played(range(first, min(first + BLOCK, ALL_SEEDS)))

    assert not result.failures, report(result.failures)
