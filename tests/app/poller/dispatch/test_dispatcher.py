"""Workflows that wait for their turn in a limited queue.

Covers `app.poller.dispatch.dispatcher`.
"""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from app.poller.active_index import WHOLE_SECONDS
from app.poller.dispatch.dispatcher import MOST_A_TURN
from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import QueueLimits, Workflow, WorkflowStatus


async def waiting(rig: Rig, count: int, **fields: Any) -> list[Workflow]:
    """Submit workflows into the queue ``slow``, a second apart."""
    workflows = []
    for _ in range(count):
        workflows.append(await rig.start(queue="slow", **fields))
        rig.clock.advance(1)
    return workflows


async def limit(rig: Rig, **limits: object) -> None:
    """Limit the queue ``slow``."""
    await rig.queues.put("slow", QueueLimits.model_validate(limits))


def running(rig: Rig) -> set[str]:
    """Return the ids of the executions that run."""
    executions = rig.sfn.executions.values()
    return {execution.arn.rpartition(":")[2] for execution in executions if execution.status == "RUNNING"}


async def test_a_queue_without_limits_starts_at_once(rig: Rig) -> None:
    await rig.define()

    (workflow,) = await waiting(rig, 1)

    assert running(rig) == {workflow.id}


async def test_a_full_queue_keeps_workflows_queued_and_starts_the_oldest_as_slots_free(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=2)
    workflows = await waiting(rig, 4)
    assert running(rig) == set()

    await rig.poller.poll_once()
    assert running(rig) == {workflows[0].id, workflows[1].id}
    rig.sfn.succeed(workflows[0].id)
    await rig.poller.poll_once()
    await rig.poller.poll_once()

    assert running(rig) == {workflows[1].id, workflows[2].id}
    assert (await rig.store.get_workflow(workflows[3].id)).status is WorkflowStatus.QUEUED


async def test_a_higher_priority_goes_first(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=1)
    await waiting(rig, 2)
    (urgent,) = await waiting(rig, 1, priority=9)

    await rig.poller.poll_once()

    assert running(rig) == {urgent.id}


async def test_a_paused_queue_starts_nothing_until_it_goes_on(rig: Rig) -> None:
    await rig.define()
    await limit(rig, paused=True)
    workflows = await waiting(rig, 3)
    for _ in range(3):
        rig.clock.advance(60)
        await rig.poller.poll_once()
    assert running(rig) == set()

    await limit(rig)
    await rig.poller.poll_once()

    assert running(rig) == {workflow.id for workflow in workflows}


async def test_the_limit_holds_with_two_dispatchers_and_over_restarts(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=3)
    await waiting(rig, 12)
    ended = 0
    for _ in range(20):
        replica, other = Rig(replica_of=rig), Rig(replica_of=rig)
        await asyncio.gather(replica.poller.poll_once(), other.poller.poll_once())
        assert len(running(rig)) <= 3
        for workflow_id in sorted(running(rig))[:1]:
            rig.sfn.succeed(workflow_id)
            ended += 1

    assert ended == 12
    assert len(rig.sfn.executions) == 12


async def test_a_dispatcher_that_died_after_letting_through_leaves_no_slot_lost(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=1)
    (workflow,) = await waiting(rig, 1)
    rig.sfn.fail_next("start_execution", errors.Unavailable())
    await rig.poller.poll_once()
    assert running(rig) == set()

    await Rig(replica_of=rig).poller.poll_once()

    assert running(rig) == {workflow.id}


async def test_a_cancelled_workflow_gives_up_its_place(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=1)
    first, second = await waiting(rig, 2)
    await rig.executor.cancel(first.id, "changed my mind")

    await rig.poller.poll_once()

    assert running(rig) == {second.id}
    assert (await rig.store.get_workflow(first.id)).status is WorkflowStatus.CANCELLED


async def test_a_queue_tells_its_limits_and_how_many_it_let_through(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=2)
    await waiting(rig, 3)
    await rig.poller.poll_once()

    queue = await rig.queues.get("slow")

    assert (queue.max_running, queue.running) == (2, 2)
    assert (await rig.queues.get("other")).max_running is None


async def test_those_that_ran_before_a_limit_take_room_until_they_end(rig: Rig) -> None:
    await rig.define()
    early = await waiting(rig, 3)
    await rig.poller.poll_once()
    await limit(rig, max_running=2)
    (late,) = await waiting(rig, 1)
    await rig.poller.poll_once()
    full = await rig.queues.get("slow")
    for workflow in early[:2]:
        rig.sfn.succeed(workflow.id)
    for _ in range(2):
        await rig.poller.poll_once()

    assert (full.running, full.queued) == (3, 1)
    assert running(rig) == {early[2].id, late.id}


async def test_what_another_replica_starts_before_it_notices_a_limit_takes_room_too(rig: Rig) -> None:
    await rig.define()
    replica = Rig(replica_of=rig)
    assert not (await replica.queues.limits("slow")).limited
    await limit(rig, max_running=1)
    stale = await replica.start(queue="slow")
    (waiting_one,) = await waiting(rig, 1)

    for _ in range(2):
        await rig.poller.poll_once()

    assert running(rig) == {stale.id}
    assert (await rig.queues.get("slow")).running == 1
    assert (await rig.store.get_workflow(waiting_one.id)).status is WorkflowStatus.QUEUED


@pytest.mark.parametrize(("limits", "started"), [({"paused": True}, 0), ({"max_running": 1}, 1), ({}, 3)])
async def test_limits_count_for_workflows_whose_start_had_no_answer_before(
    rig: Rig, limits: dict[str, object], started: int
) -> None:
    await rig.define()
    rig.sfn.fail_next("start_execution", *[errors.Unavailable()] * 3)
    await waiting(rig, 3)
    await limit(rig, **limits)
    for _ in range(3):
        rig.clock.advance(60)
        await rig.poller.poll_once()

    assert len(running(rig)) == started


async def test_the_pace_of_a_queue_is_kept_after_an_outage(rig: Rig) -> None:
    await rig.define()
    await limit(rig, starts_per_second=2)
    await waiting(rig, 40)
    rig.sfn.fail_next("start_execution", *[errors.Unavailable()] * 20)
    started = []
    for _ in range(40):
        rig.clock.advance(1)
        await rig.poller.poll_once()
        started.append(len(rig.sfn.executions))

    assert started[-1] > 20
    assert max(after - before for before, after in pairwise(started)) <= 3


async def test_cancelled_workflows_take_nobodys_turn(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=1, starts_per_second=0.1)
    workflows = await waiting(rig, 10)
    await rig.poller.poll_once()
    rig.sfn.succeed(workflows[0].id)
    for workflow in workflows[1:9]:
        await rig.executor.cancel(workflow.id, "changed my mind")
    rig.clock.advance(10)

    for _ in range(2):
        await rig.poller.poll_once()

    assert running(rig) == {workflows[9].id}


async def test_cancelled_workflows_are_soon_counted_no_longer(rig: Rig) -> None:
    await rig.define()
    await limit(rig, paused=True)
    workflows = await waiting(rig, 3)
    await rig.poller.poll_once()
    for workflow in workflows[:2]:
        await Rig(replica_of=rig).executor.cancel(workflow.id, "")
    before = rig.poller.status().queue_depths
    rig.clock.advance(WHOLE_SECONDS + 1)

    await rig.poller.poll_once()

    assert (before, rig.poller.status().queue_depths) == ({"slow": 3}, {"slow": 1})


async def test_a_place_is_free_when_another_replica_has_seen_the_end(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=1)
    first, second = await waiting(rig, 2)
    await rig.poller.poll_once()
    stored = await rig.store.get_workflow(first.id)
    await rig.reconciler.end(stored, WorkflowStatus.FAILED, "seen by somebody else")

    await rig.poller.poll_once()

    assert second.id in running(rig)


async def test_a_queue_whose_limits_are_lifted_counts_nobody_any_more(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=2)
    await waiting(rig, 2)
    await rig.poller.poll_once()
    await limit(rig)
    await rig.poller.poll_once()

    queue = await rig.queues.get("slow")

    assert (queue.max_running, queue.running, queue.queued) == (None, 0, 0)


async def test_a_start_that_fails_again_and_again_holds_nobody_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.define()
    await limit(rig, max_running=5)
    poison, *others = await waiting(rig, 4)
    start_queued = rig.outbox.start_queued
    tries = 0

    async def start(workflow: Workflow) -> Workflow:
        nonlocal tries
        if workflow.id == poison.id:
            tries += 1
            raise KeyError("bug")
        return await start_queued(workflow)

    monkeypatch.setattr(rig.outbox, "start_queued", start)
    for _ in range(60):
        rig.clock.advance(1)
        await rig.poller.poll_once()

    assert running(rig) == {workflow.id for workflow in others}
    assert 5 <= tries <= 10


async def test_of_several_queues_none_waits_for_the_backlog_of_another(rig: Rig) -> None:
    await rig.define()
    for queue in ("a", "b"):
        await rig.queues.put(queue, QueueLimits(paused=True))
    for _ in range(MOST_A_TURN + 50):
        await rig.start(queue="a")
    (late,) = [await rig.start(queue="b")]
    for queue in ("a", "b"):
        await rig.queues.put(queue, QueueLimits())

    await rig.poller.poll_once()

    assert late.id in running(rig)
    assert len(running(rig)) <= MOST_A_TURN
