"""Starts that have no answer, are refused, or are asked for twice.

Covers `app.executor.starter` and `app.executor.outbox`.
"""

import asyncio
from typing import Any

import pytest

from app.executor.outbox import CALL_TIMEOUT
from app.executor.starter import LAUNCH_LIMIT, START_WINDOW
from app.poller.dispatch.backlog import FIRST_PAUSE_SECONDS
from app.poller.refresher import GRACE
from tests.crashes.race_steps import (
    REFUSALS,
    Gate,
    acted_but_lost,
    denied,
    status,
    unanswered,
)
from tests.rig import Rig
from workflow_manager import errors, models
from workflow_manager.models import WorkflowStatus


async def test_a_process_that_was_frozen_after_its_claim_starts_nothing(rig: Rig) -> None:
    workflow = await unanswered(rig)
    rig.clock.advance(GRACE.total_seconds())
    claim = rig.store.update_workflow

    async def freeze(*arguments: Any, **named: Any) -> models.Workflow:
        claimed = await claim(*arguments, **named)
        rig.clock.advance(LAUNCH_LIMIT.total_seconds())
        return claimed

    rig.store.update_workflow = freeze  # type: ignore[method-assign]  # the clock of this process jumps
    await rig.poller.poll_once()

    assert rig.sfn.executions == {}
    assert await status(rig, workflow) is WorkflowStatus.QUEUED


@pytest.mark.looptime
async def test_a_start_without_an_answer_is_left_to_the_poller_after_a_while(rig: Rig) -> None:
    await rig.define()
    rig.sfn.before["start_execution"] = lambda: asyncio.sleep(3600)
    before = asyncio.get_running_loop().time()

    workflow = await rig.start()

    assert workflow.status is WorkflowStatus.QUEUED
    assert asyncio.get_running_loop().time() - before == pytest.approx(CALL_TIMEOUT.total_seconds())


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_does_not_end_a_workflow_whose_earlier_start_may_have_worked(
    rig: Rig, refusal: Exception
) -> None:
    workflow = await acted_but_lost(rig)
    rig.sfn.fail_next("describe_execution", errors.ExecutionNotFound())
    rig.clock.advance(GRACE.total_seconds())
    rig.sfn.fail_next("start_execution", refusal)

    await rig.poller.poll_once()
    refused = await status(rig, workflow)
    rig.clock.advance(FIRST_PAUSE_SECONDS)
    await rig.poller.poll_once()

    assert refused is WorkflowStatus.QUEUED
    assert await status(rig, workflow) is WorkflowStatus.RUNNING


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_does_not_end_a_workflow_that_runs(rig: Rig, refusal: Exception) -> None:
    workflow = await acted_but_lost(rig)
    denied(rig, 1)
    rig.clock.advance(START_WINDOW.total_seconds())
    rig.sfn.fail_next("start_execution", refusal)

    await rig.poller.poll_once()

    assert await status(rig, workflow) is not WorkflowStatus.FAILED


async def test_refusals_again_and_again_end_a_workflow_that_never_started(rig: Rig) -> None:
    workflow = await unanswered(rig)
    rig.sfn.fail_next("start_execution", *(REFUSALS[0] for _ in range(100)))

    for _ in range(2 * int(START_WINDOW.total_seconds())):
        rig.clock.advance(1)
        await rig.poller.poll_once()

    ended = await rig.store.get_workflow(workflow.id)
    assert (ended.status, ended.status_reason) == (WorkflowStatus.FAILED, "InvalidDefinition")


async def test_a_request_refused_after_the_poller_took_over_is_answered_with_the_workflow(rig: Rig) -> None:
    await rig.define()
    replica = Rig(replica_of=rig)
    gate = Gate(rig, "start_execution")
    asking = asyncio.create_task(rig.start())
    await gate.reached.wait()
    rig.clock.advance(GRACE.total_seconds())
    await replica.poller.poll_once()
    rig.sfn.fail_next("start_execution", REFUSALS[0])
    gate.open()

    answered = await asking

    assert rig.sfn.execution(answered.id).status == "RUNNING"
    assert await rig.store.get_workflow(answered.id) == answered


async def test_a_repeated_request_that_was_answered_is_not_taken_back_by_the_first_one(rig: Rig) -> None:
    await rig.define()
    gate = Gate(rig, "start_execution")
    first = asyncio.create_task(rig.start(key="k"))
    await gate.reached.wait()
    second = await Rig(replica_of=rig).start(key="k")
    rig.sfn.fail_next("start_execution", REFUSALS[0])
    gate.open()

    assert (await first).id == second.id
    assert (await rig.store.get_workflow(second.id)).id == second.id


async def test_a_repeated_request_waits_for_the_first_one_in_the_same_process(rig: Rig) -> None:
    await rig.define()
    gate = Gate(rig, "start_execution")
    first = asyncio.create_task(rig.start(key="k"))
    await gate.reached.wait()
    second = asyncio.create_task(rig.start(key="k"))
    rig.sfn.fail_next("start_execution", REFUSALS[0])
    gate.open()

    with pytest.raises(errors.RefusedByAWS):
        await first
    assert rig.sfn.execution((await second).id).status == "RUNNING"


async def test_every_try_to_start_a_workflow_sends_the_same_bytes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, str]] = []

    async def lose(**parameters: str) -> dict[str, Any]:
        sent.append(parameters)
        raise errors.Unavailable

    monkeypatch.setattr(rig.sfn, "start_execution", lose)
    await rig.define()
    await rig.start(input='{"a": 1.50, "ü":"\\u00fc" }')
    for _ in range(3):
        rig.clock.advance(60)
        await Rig(replica_of=rig).poller.poll_once()

    assert len(sent) == 4
    assert all(parameters == sent[0] for parameters in sent)


async def test_an_execution_that_has_ended_before_it_is_started_again_counts(rig: Rig) -> None:
    workflow = await acted_but_lost(rig)
    rig.sfn.succeed(workflow.id)
    rig.clock.advance(60)
    denied(rig, 1)

    await rig.poller.poll_once()
    await rig.poller.poll_once()

    assert await status(rig, workflow) is WorkflowStatus.SUCCEEDED
