"""What goes wrong around queues, and must not stop, lose or hide a workflow.

Covers `app.poller.dispatch.dispatcher`.
"""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from app.executor.sfn.circuit_breaker import FAILURES
from app.executor.sfn.quotas import Quota
from app.poller.active_index import WHOLE_SECONDS
from app.poller.dispatch.dispatcher import MOST_A_TURN
from tests.crashes import virtual_loop
from tests.rig import LoopClock, Rig
from workflow_manager import errors
from workflow_manager.models import QueueLimits, Workflow, WorkflowDefinitionRef, WorkflowStatus


async def limit(rig: Rig, queue: str = "slow", **limits: object) -> None:
    """Limit a queue."""
    await rig.queues.put(queue, QueueLimits.model_validate(limits))


def is_running(rig: Rig, workflow: Workflow) -> bool:
    """Tell whether an execution of a workflow runs."""
    return any(arn.endswith(workflow.id) and found.status == "RUNNING" for arn, found in rig.sfn.executions.items())


async def left_to_the_dispatcher(rig: Rig, count: int, *, queue: str = "busy") -> list[Workflow]:
    """Submit workflows while Step Functions is down, as far as the process knows."""
    for _ in range(FAILURES):
        rig.circuit_breaker.record_failure()
    workflows = [await rig.start(queue=queue) for _ in range(count)]
    rig.circuit_breaker.record_success()
    return workflows


async def test_one_that_cannot_be_tried_gives_its_place_to_the_next(rig: Rig) -> None:
    """Its state machine cannot be made; behind it waits one whose state machine is there."""
    await rig.define()
    await rig.define(name="new")
    await rig.start()
    await limit(rig, max_running=1)
    stuck = await rig.start(queue="slow", workflow_definition=WorkflowDefinitionRef(name="new"))
    rig.clock.advance(1)
    free = await rig.start(queue="slow")
    rig.sfn.fail_next("create_state_machine", *[errors.LimitReached()] * 50)

    for _ in range(4):
        rig.clock.advance(1)
        await rig.poller.poll_once()

    assert is_running(rig, free)
    assert not is_running(rig, stuck)
    assert (await rig.queues.get("slow")).running == 1


async def test_one_that_may_run_keeps_its_place(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=1)
    first = await rig.start(queue="slow")
    rig.clock.advance(1)
    second = await rig.start(queue="slow")
    rig.sfn.fail_next("start_execution", *[errors.Unavailable()] * 50)

    for _ in range(4):
        rig.clock.advance(1)
        await rig.poller.poll_once()

    assert not is_running(rig, second)
    assert not is_running(rig, first)


@pytest.mark.parametrize("limits", [{"paused": True}, {"max_running": 0}])
async def test_what_runs_although_nobody_has_seen_it_start_is_seen_in_a_queue_that_stands_still(
    rig: Rig, limits: dict[str, Any]
) -> None:
    await rig.define()
    workflow = await rig.start(queue="slow")
    untold = await rig.store.get_workflow(workflow.id)
    await rig.store.update_workflow(workflow.id, {"start_pending": True}, revision=untold.revision)
    await limit(rig, **limits)
    rig.sfn.succeed(workflow.id)

    for _ in range(3):
        rig.clock.advance(WHOLE_SECONDS + 1)
        await rig.poller.poll_once()

    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.SUCCEEDED
    assert rig.poller.status().queue_depths == {}


async def test_queues_in_which_nobody_waits_take_no_part_of_a_turn(rig: Rig) -> None:
    await rig.define()
    for number in range(20):
        await limit(rig, f"idle-{number}", max_running=5)
    workflows = await left_to_the_dispatcher(rig, MOST_A_TURN, queue="zzz")

    await rig.poller.poll_once()

    assert all(is_running(rig, workflow) for workflow in workflows)


async def test_a_queue_that_cannot_be_read_holds_up_itself_alone(rig: Rig) -> None:
    await rig.define()
    await rig.store.put_document("queue/broken", {"limits": {"maxRunning": "many"}}, revision=0)
    held = await rig.start(queue="broken")
    (free,) = await left_to_the_dispatcher(rig, 1)

    await rig.poller.poll_once()

    assert is_running(rig, free)
    assert not is_running(rig, held)
    await limit(rig, "broken")
    rig.clock.advance(60)
    await rig.poller.poll_once()
    assert is_running(rig, held)


async def test_a_limit_that_only_a_later_version_knows_is_left_out(rig: Rig) -> None:
    await rig.define()
    await limit(rig, max_running=1)
    document = await rig.store.get_document("queue/slow")
    assert document is not None
    body = {**document.body, "limits": {**document.body["limits"], "maxPerHour": 7}}
    await rig.store.put_document("queue/slow", body, revision=document.revision)
    workflow = await rig.start(queue="slow")

    await rig.poller.poll_once()

    assert is_running(rig, workflow)


async def test_a_write_that_the_store_refuses_holds_up_one_queue(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.define()
    await limit(rig, max_running=5)
    held = await rig.start(queue="slow")
    (free,) = await left_to_the_dispatcher(rig, 1)

    async def write(*_: object, **__: object) -> None:
        raise errors.Throttled

    monkeypatch.setattr(rig.queues, "write", write)
    await rig.poller.poll_once()

    assert is_running(rig, free)
    assert not is_running(rig, held)


async def test_a_new_pace_counts_at_once(rig: Rig) -> None:
    await rig.define()
    await limit(rig, starts_per_second=0.001)
    workflows = [await rig.start(queue="slow") for _ in range(20)]
    await rig.poller.poll_once()
    await limit(rig, starts_per_second=10)

    for _ in range(2):
        rig.clock.advance(1)
        await rig.poller.poll_once()

    assert sum(is_running(rig, workflow) for workflow in workflows) == 1 + 1 + 10


async def test_a_queue_in_which_nobody_waited_begins_with_one(rig: Rig) -> None:
    await rig.define()
    await limit(rig, starts_per_second=10)
    await rig.poller.poll_once()
    rig.clock.advance(3600)
    started = []
    for _ in range(30):
        await rig.start(queue="slow")

    for _ in range(3):
        await rig.poller.poll_once()
        started.append(len(rig.sfn.executions))
        rig.clock.advance(1)

    assert started == [1, 11, 21]


async def test_a_clock_that_was_ahead_costs_one_start(rig: Rig) -> None:
    await rig.define()
    await limit(rig, starts_per_second=0.5)
    workflows = [await rig.start(queue="slow") for _ in range(3)]
    document = await rig.store.get_document("queue/slow")
    assert document is not None
    ahead = (rig.clock.now() + timedelta(hours=1)).timestamp()
    await rig.store.put_document("queue/slow", {**document.body, "nextStartAt": ahead}, revision=document.revision)

    for _ in range(3):
        await rig.poller.poll_once()
        rig.clock.advance(2)

    assert sum(is_running(rig, workflow) for workflow in workflows) >= 1


def slow_rig(per_second: float) -> Rig:
    """Return a service in virtual time that may start few executions a second."""
    return Rig(clock=LoopClock(), quotas={"StartExecution": Quota(1, per_second)}, poll_seconds=1.0)


def test_with_a_small_quota_the_oldest_go_first_and_each_is_tried_once() -> None:
    async def play() -> tuple[list[str], list[str], int]:
        rig = slow_rig(2)
        await rig.define()
        await limit(rig, "busy", paused=True)
        submitted = []
        for _ in range(40):
            submitted.append((await rig.start(queue="busy")).id)
            await asyncio.sleep(0.01)
        await limit(rig, "busy")
        poller = asyncio.create_task(rig.poller.run())
        await asyncio.sleep(60)
        rig.poller.stop()
        await poller
        revisions = [(await rig.store.get_workflow(each)).revision for each in submitted]
        return submitted, [arn.rpartition(":")[2] for arn in rig.sfn.executions], max(revisions)

    submitted, started, revision = virtual_loop.run(play())

    assert started == submitted
    assert revision <= 2  # its claim, and that it runs


def test_a_poller_that_is_stopped_starts_no_more_of_its_turn() -> None:
    async def play() -> tuple[float, int]:
        rig = slow_rig(2)
        await rig.define()
        await limit(rig, "busy", paused=True)
        for _ in range(40):
            await rig.start(queue="busy")
        await limit(rig, "busy")
        poller = asyncio.create_task(rig.poller.run())
        await asyncio.sleep(5)
        before, loop = len(rig.sfn.executions), asyncio.get_running_loop()
        began = loop.time()
        rig.poller.stop()
        await poller
        return loop.time() - began, len(rig.sfn.executions) - before

    took, started = virtual_loop.run(play())

    assert took < 3
    assert started <= 4


def test_a_poller_in_a_long_backlog_is_ready() -> None:
    async def play() -> list[bool]:
        rig = Rig(clock=LoopClock(), quotas={"StartExecution": Quota(4, 2)}, poll_seconds=1.0)
        await rig.define()
        await limit(rig, "busy", paused=True)
        for _ in range(260):
            await rig.start(queue="busy")
        await limit(rig, "busy")
        poller = asyncio.create_task(rig.poller.run())
        seen = []
        for _ in range(12):
            await asyncio.sleep(10)
            seen.append(rig.poller.ready())
        rig.poller.stop()
        await poller
        return seen

    assert virtual_loop.run(play()) == [True] * 12


def test_workflows_of_new_definitions_do_not_hold_up_others() -> None:
    """State machines can be made once a second."""

    async def play() -> list[float]:
        rig = Rig(clock=LoopClock(), quotas={"CreateStateMachine": Quota(1, 1)}, poll_seconds=1.0)
        await rig.define()
        await rig.start()
        await limit(rig, "new", paused=True)
        await limit(rig, "known", max_running=1_000)
        for number in range(200):
            await rig.define(name=f"new-{number}")
            await rig.start(queue="new", workflow_definition=WorkflowDefinitionRef(name=f"new-{number}"))
        await limit(rig, "new")
        poller = asyncio.create_task(rig.poller.run())
        waits = []
        for _ in range(10):
            began = asyncio.get_running_loop().time()
            workflow = await rig.start(queue="known")
            for _ in range(100):
                if is_running(rig, workflow):
                    break
                await asyncio.sleep(0.5)
            waits.append(asyncio.get_running_loop().time() - began)
        rig.poller.stop()
        await poller
        return waits

    assert max(virtual_loop.run(play())) < 10


async def test_a_queued_workflow_that_was_tried_can_be_cancelled_in_an_outage(rig: Rig) -> None:
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.Unavailable())
    workflow = await rig.start()
    rig.sfn.fail_next("stop_execution", errors.Unavailable())

    await rig.executor.cancel(workflow.id, "changed my mind")

    cancelled = await rig.store.get_workflow(workflow.id)
    assert (cancelled.status, cancelled.stop_pending) == (WorkflowStatus.CANCELLED, True)
    rig.clock.advance(60)
    for _ in range(2):
        await rig.poller.poll_once()
    assert not (await rig.store.get_workflow(workflow.id)).stop_pending
    assert not is_running(rig, workflow)


async def test_a_leader_that_steps_down_in_the_middle_of_a_reading_does_not_know_everything(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.define()
    for _ in range(3):
        await rig.start()
    listed = rig.store.list_active_workflows

    async def list_active_workflows(**query: object) -> object:
        page = await listed(**query)  # type: ignore[arg-type]
        rig.poller._active_index.forget()
        return page

    monkeypatch.setattr(rig.store, "list_active_workflows", list_active_workflows)
    await rig.poller._active_index.read()

    assert not rig.poller._active_index.complete


async def test_the_pace_is_kept_with_turns_far_apart() -> None:
    rig = Rig(poll_seconds=10.0)
    await rig.define()
    await limit(rig, starts_per_second=3)
    for _ in range(200):
        await rig.start(queue="slow")
    started = []
    for _ in range(6):
        await rig.poller.poll_once()
        started.append(len(rig.sfn.executions))
        rig.clock.advance(10)

    assert [after - before for before, after in pairwise(started)] == [30] * 5
