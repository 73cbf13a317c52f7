"""Token buckets.

Covers `app.executor.sfn.quotas`.
"""

import asyncio

import pytest

from app.executor.sfn import quotas
from app.executor.sfn.quotas import Bucket, Priority, Quota, Quotas, with_priority


def bucket(size: float = 2, refill: float = 1) -> Bucket:
    """Return a bucket on the clock of the loop."""
    return Bucket(Quota(size, refill), clock=asyncio.get_running_loop().time)


@pytest.mark.looptime
async def test_what_is_in_the_bucket_is_there_at_once_and_the_rest_comes_at_the_refill_rate() -> None:
    tokens = bucket(size=3, refill=2)
    started = asyncio.get_running_loop().time()

    for _ in range(7):
        await tokens.take(Priority.PERSON)

    assert asyncio.get_running_loop().time() - started == pytest.approx(2.0, abs=0.05)
    assert tokens.calls == 7


@pytest.mark.looptime
async def test_people_go_before_the_poller_however_late_they_come() -> None:
    tokens = bucket(size=1, refill=1)
    await tokens.take(Priority.PERSON)
    order: list[str] = []

    async def call(lane: Priority, name: str) -> None:
        await tokens.take(lane)
        order.append(name)

    calls = [
        (Priority.DETAIL, "detail"),
        (Priority.STATUS, "status"),
        (Priority.DISPATCH, "dispatch"),
        (Priority.PERSON, "first"),
    ]
    calls += [(Priority.PERSON, "second")]
    async with asyncio.TaskGroup() as tasks:
        for lane, name in calls:
            tasks.create_task(call(lane, name))

    assert order == ["first", "second", "dispatch", "status", "detail"]


@pytest.mark.looptime
async def test_people_who_want_everything_leave_one_call_in_ten_to_the_poller() -> None:
    tokens = bucket(size=1, refill=10)
    await tokens.take(Priority.PERSON)
    order: list[Priority] = []

    async def call(lane: Priority) -> None:
        await tokens.take(lane)
        order.append(lane)

    async with asyncio.TaskGroup() as tasks:
        for lane in (*[Priority.PERSON] * 50, *[Priority.STATUS] * 5, *[Priority.DETAIL] * 3):
            tasks.create_task(call(lane))

    assert [place + 1 for place, lane in enumerate(order) if lane is Priority.DETAIL] == [10, 20, 30]
    assert [place + 1 for place, lane in enumerate(order) if lane is Priority.STATUS][:2] == [40, 50]


@pytest.mark.looptime
async def test_thousands_that_give_up_at_once_hold_up_nobody() -> None:
    """However many there are, each is passed over once."""
    tokens = bucket(size=1, refill=1)
    await tokens.take(Priority.PERSON)
    waiting = [asyncio.create_task(tokens.take(Priority.STATUS)) for _ in range(20_000)]
    await asyncio.sleep(0)
    for each in waiting[:-1]:
        each.cancel()

    await waiting[-1]

    assert (tokens.waiting, tokens.calls) == (0, 2)


@pytest.mark.looptime
async def test_a_caller_that_gives_up_leaves_its_place_and_its_token_to_others() -> None:
    tokens = bucket(size=1, refill=1)
    await tokens.take(Priority.PERSON)
    waiting = [asyncio.create_task(tokens.take(Priority.PERSON)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()

    await asyncio.gather(*waiting[1:])

    assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.05)
    assert tokens.calls == 3
    assert tokens.waiting == 0


@pytest.mark.looptime
async def test_a_refusal_empties_the_bucket_and_lowers_the_rate_until_it_recovers() -> None:
    tokens = bucket(size=100, refill=10)
    tokens.refused()

    assert tokens.available == 0
    assert tokens.refill_per_second == 7
    await asyncio.sleep(1.5)
    assert tokens.refill_per_second == pytest.approx(8.5, abs=0.1)
    await asyncio.sleep(5)
    assert tokens.refill_per_second == 10


@pytest.mark.looptime
async def test_refusals_at_the_same_time_lower_the_rate_once() -> None:
    tokens = bucket(size=100, refill=10)
    for _ in range(20):
        tokens.refused()

    assert tokens.refill_per_second == 7


@pytest.mark.looptime
async def test_many_refusals_leave_a_trickle() -> None:
    tokens = bucket(size=100, refill=10)
    for _ in range(50):
        tokens.refused()
        await asyncio.sleep(0.5)

    assert tokens.refill_per_second == 0.5


@pytest.mark.looptime
async def test_a_call_waits_in_the_lane_that_its_caller_works_in() -> None:
    shared = Quotas({"StartExecution": Quota(1, 1)}, clock=asyncio.get_running_loop().time)
    await shared.take("StartExecution")
    order: list[str] = []

    async def dispatch() -> None:
        with with_priority(Priority.DISPATCH):
            await shared.take("StartExecution")
        order.append("dispatch")

    async def person() -> None:
        await shared.take("StartExecution")
        order.append("person")

    await asyncio.gather(dispatch(), person())

    assert order == ["person", "dispatch"]


async def test_an_action_without_quota_never_waits() -> None:
    shared = Quotas({}, clock=asyncio.get_running_loop().time)

    for _ in range(1000):
        await shared.take("TagResource")
    assert shared.headroom() == []


def test_a_share_of_the_quotas_holds_one_call_at_least() -> None:
    part = quotas.share_of({"A": Quota(100, 10), "B": Quota(1, 1)}, 0.25)

    assert part == {"A": Quota(25, 2.5), "B": Quota(1, 0.25)}


def test_no_region_has_more_than_the_large_ones() -> None:
    assert quotas.OTHER.keys() == quotas.LARGE.keys()
    for action, quota in quotas.OTHER.items():
        assert quota.bucket <= quotas.LARGE[action].bucket
        assert quota.refill_per_second <= quotas.LARGE[action].refill_per_second
