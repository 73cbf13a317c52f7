"""What the poller says of itself, and what it remembers.

Covers `app.poller.tracking` and `app.poller.poller`.
"""

import asyncio

import pytest

from app.poller.active_index import DEFERRED_SECONDS
from app.poller.details_queue import MAX_WAITING
from app.poller.liveness import STALE_SECONDS, Liveness
from app.poller.refresher import DETAIL_TRIES
from app.poller.schedule import PollSchedule
from app.poller.tracking import ActiveSet, Tracked
from tests.crashes.race_steps import Gate
from tests.rig import Clock, LoopClock, Rig
from workflow_manager import errors
from workflow_manager.models import QueueLimits, Workflow, WorkflowStatus


async def test_what_was_asked_in_vain_counts_as_not_seen(rig: Rig) -> None:
    await rig.started()
    rig.sfn.fail_next("get_execution_history", *[errors.Unavailable()] * 10)
    for _ in range(10):
        rig.clock.advance(60)
        await rig.poller.poll_once()
    blind = rig.poller.status().oldest_unobserved_seconds

    await rig.poller.poll_once()

    assert blind == 600
    assert rig.poller.status().oldest_unobserved_seconds == 0


async def test_what_waits_in_an_unlimited_queue_shows_as_well(rig: Rig) -> None:
    await rig.define()
    rig.sfn.fail_next("start_execution", *[errors.Unavailable()] * 4)
    for _ in range(2):
        await rig.start()
    rig.clock.advance(30)
    await rig.poller.poll_once()

    status = rig.poller.status()

    assert (status.queued, status.queue_depths, status.dispatch_lag_seconds) == (2, {}, 30)


async def test_those_that_are_to_wait_are_no_lag(rig: Rig) -> None:
    await rig.define()
    await rig.queues.put("held", QueueLimits(paused=True))
    await rig.start(queue="held")
    rig.clock.advance(30)
    await rig.poller.poll_once()

    status = rig.poller.status()

    assert (status.queued, status.queue_depths, status.dispatch_lag_seconds) == (1, {"held": 1}, 0)


def test_a_pulse_is_as_old_as_that_of_the_slowest_loop() -> None:
    clock = Clock()
    liveness = Liveness(("lease", "intake"), clock=clock.seconds, interval_seconds=1.0)
    begun = liveness.healthy
    liveness.tick("lease")
    half = liveness.healthy
    liveness.tick("intake")
    whole = liveness.healthy
    clock.advance(STALE_SECONDS)
    liveness.tick("lease")
    standing = liveness.age_seconds, liveness.healthy
    liveness.tick("intake")

    assert (begun, half, whole) == (False, False, True)
    assert standing == (STALE_SECONDS, False)
    assert (liveness.age_seconds, liveness.healthy) == (0, True)


def test_nothing_is_remembered_of_what_is_forgotten() -> None:
    active = ActiveSet()
    schedule = PollSchedule(active, interval_seconds=1.0)
    everything = [Tracked(str(n), f"m{n % 3}", f"q{n % 2}", WorkflowStatus.RUNNING, 1, 0.0) for n in range(30)]
    for tracked in everything:
        schedule.track(tracked)
    schedule.doubt(everything)
    for tracked in everything:
        schedule.forget(tracked)

    assert (len(active), schedule.unconfirmed, schedule.next_status(100.0), schedule.next_running(100.0)) == (
        0,
        0,
        None,
        None,
    )
    assert (active.counts(), active.in_queue("q0")) == ({}, {})


async def test_a_history_that_shows_no_end_is_read_ever_more_rarely_and_then_no_more(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.fail(workflow.id, "Boom", "it broke")
    await rig.reconciler.record(workflow.id, await rig.reconciler.describe(workflow.execution_arn))
    rig.sfn.execution(workflow.id).events.pop()
    before = rig.sfn.calls["get_execution_history"]

    for _ in range(1_000):
        rig.clock.advance(1)
        await rig.poller.poll_once()

    settled = await rig.store.get_workflow(workflow.id)
    assert (settled.status, settled.details_pending) == (WorkflowStatus.FAILED, False)
    assert rig.sfn.calls["get_execution_history"] - before <= DETAIL_TRIES + 1


async def many_ended(rig: Rig, count: int) -> list[Workflow]:
    """Return workflows whose ends were seen, all at once, and not their details."""
    await rig.define()
    workflows = [await rig.start() for _ in range(count)]
    for workflow in workflows:
        rig.sfn.enter(workflow.id, "echo")
        rig.sfn.succeed(workflow.id)
        description = await rig.reconciler.describe(workflow.execution_arn)
        await rig.reconciler.record(workflow.id, description, defer_details=True)
    return workflows


async def test_deferred_details_are_read_when_there_is_time(rig: Rig) -> None:
    workflows = await many_ended(rig, 3)
    assert (await rig.store.list_active_workflows(limit=10)).ids == []
    rig.clock.advance(DEFERRED_SECONDS)

    await rig.poller.poll_once()

    assert all([(await rig.store.get_workflow(workflow.id)).jobs for workflow in workflows])
    assert await rig.store.list_deferred_workflows(limit=10) == []


async def test_who_looks_at_a_workflow_sees_its_deferred_details_at_once(rig: Rig) -> None:
    (workflow,) = await many_ended(rig, 1)

    assert [job.state for job in (await rig.executor.get(workflow.id)).jobs] == ["echo"]


async def test_more_ends_than_histories_can_be_read_for_leave_the_active_list(rig: Rig) -> None:
    """As when the events of a busy account went to another replica, which does not read details."""
    await rig.define()
    workflows = [await rig.start() for _ in range(MAX_WAITING + 10)]
    for workflow in workflows:
        rig.sfn.succeed(workflow.id)
        await rig.reconciler.record(workflow.id, await rig.reconciler.describe(workflow.execution_arn))
    gate = Gate(rig, "get_execution_history")

    reading = asyncio.create_task(rig.poller.poll_once())
    await gate.reached.wait()
    reading.cancel()

    deferred = await rig.store.list_deferred_workflows(limit=100)
    assert len(deferred) == 10


@pytest.mark.looptime
async def test_a_poller_that_runs_lets_go_of_every_workflow_that_has_ended() -> None:
    rig = Rig(clock=LoopClock(), poll_seconds=1.0)
    await rig.define()
    polling = asyncio.create_task(rig.poller.run())
    for _ in range(20):
        for _ in range(5):
            rig.sfn.succeed((await rig.start()).id)
        await asyncio.sleep(5)
    status = rig.poller.status()
    rig.poller.stop()
    await polling

    assert (status.active, status.unconfirmed, status.details_pending) == (0, 0, 0)
