"""Workflows that wait for their turn in a limited queue."""

import asyncio
from typing import Any

from app import errors
from app.models import QueueLimits, Workflow, WorkflowStatus
from tests.rig import Rig


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
