"""Consuming the queue of status changes, on a queue in memory.

Covers `app.poller.events.consumer`.
"""

import asyncio
import itertools

import pytest

from app.poller import EventConsumer, StatusEventHandler
from app.poller.events.consumer import LONGEST_PAUSE_SECONDS, RECEIVERS
from tests.app.poller.events import status_events
from tests.app.poller.events.fake_sqs import FakeSQS
from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import Workflow, WorkflowStatus

pytestmark = pytest.mark.usefixtures("no_room_for_questions")

RUBBISH = ("", "hello", "{}", "[1]", '{"source":"aws.ecs","detail-type":"ECS Task State Change","detail":{}}')


@pytest.fixture
def sqs() -> FakeSQS:
    return FakeSQS()


def consumer_of(rig: Rig, sqs: FakeSQS) -> EventConsumer:
    active_index = StatusEventHandler(rig.store, rig.reconciler, rig.poller)
    return EventConsumer(sqs.client(), active_index, queue_url="https://sqs.example/1/events", now=rig.clock.now)


@pytest.fixture
def consumer(rig: Rig, sqs: FakeSQS) -> EventConsumer:
    return consumer_of(rig, sqs)


async def statuses(rig: Rig, workflows: list[Workflow]) -> set[WorkflowStatus]:
    return {(await rig.store.get_workflow(workflow.id)).status for workflow in workflows}


async def test_a_batch_is_written_and_deleted(rig: Rig, sqs: FakeSQS, consumer: EventConsumer) -> None:
    await rig.define()
    workflows = [await rig.start() for _ in range(10)]
    sqs.send(*(status_events.of(workflow, "SUCCEEDED") for workflow in workflows))

    assert await consumer.consume_once()

    assert await statuses(rig, workflows) == {WorkflowStatus.SUCCEEDED}
    assert sqs.left() == 0


async def test_an_event_about_nothing_of_ours_is_deleted(rig: Rig, sqs: FakeSQS, consumer: EventConsumer) -> None:
    sqs.send(status_events.body("nobody", "arn:aws:states:us-west-2:1:execution:m:nobody", "SUCCEEDED"))

    assert await consumer.consume_once()

    assert sqs.left() == 0


async def test_rubbish_is_left_to_the_dead_letter_queue_and_holds_up_nothing(
    rig: Rig, sqs: FakeSQS, consumer: EventConsumer
) -> None:
    workflow = await rig.started()
    sqs.send(*RUBBISH, status_events.of(workflow, "SUCCEEDED"))

    assert await consumer.consume_once()

    assert await statuses(rig, [workflow]) == {WorkflowStatus.SUCCEEDED}
    assert [message["Body"] for message in sqs.in_flight.values()] == list(RUBBISH)


@pytest.mark.parametrize(
    "failure", [errors.Unavailable(), errors.Throttled(), errors.TableNotFound(), KeyError("surprise")]
)
async def test_what_the_store_does_not_take_is_seen_again(
    rig: Rig, sqs: FakeSQS, consumer: EventConsumer, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = await rig.started()
    sqs.send(status_events.of(workflow, "SUCCEEDED"))

    async def refuse(*_: object, **__: object) -> Workflow:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(rig.store, "update_workflow", refuse)
        well = await consumer.consume_once()
    left = sqs.left()
    sqs.time_out()

    assert not well
    assert left == 1
    assert await consumer.consume_once()
    assert await statuses(rig, [workflow]) == {WorkflowStatus.SUCCEEDED}
    assert sqs.left() == 0


@pytest.mark.looptime
async def test_the_consumer_waits_in_several_places_and_stops_at_once(sqs: FakeSQS, consumer: EventConsumer) -> None:
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(consumer.run())
    await asyncio.sleep(5)
    waiting, began = sqs.receiving, loop.time()

    consumer.stop()
    await running

    assert waiting == RECEIVERS
    assert loop.time() - began < 0.1
    assert sqs.receiving == 0


async def test_what_was_received_is_written_before_the_consumer_stops(
    rig: Rig, sqs: FakeSQS, consumer: EventConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = await rig.started()
    writing, go_on = asyncio.Event(), asyncio.Event()
    update = rig.store.update_workflow

    async def slowly(*arguments: object, **named: object) -> Workflow:
        writing.set()
        await go_on.wait()
        return await update(*arguments, **named)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(rig.store, "update_workflow", slowly)
    sqs.send(status_events.of(workflow, "SUCCEEDED"))
    running = asyncio.create_task(consumer.run())
    await writing.wait()

    consumer.stop()
    go_on.set()
    await running

    assert await statuses(rig, [workflow]) == {WorkflowStatus.SUCCEEDED}
    assert sqs.left() == 0


@pytest.mark.looptime
@pytest.mark.parametrize("failure", [errors.Unavailable(), errors.AccessDenied(), errors.AWSError("QueueDoesNotExist")])
async def test_a_queue_that_does_not_answer_is_asked_ever_more_rarely_until_it_does(
    rig: Rig, sqs: FakeSQS, consumer: EventConsumer, failure: Exception
) -> None:
    workflow = await rig.started()
    circuit_breaker = 10
    sqs.failures.extend([failure] * (circuit_breaker * RECEIVERS))
    running = asyncio.create_task(consumer.run())
    await asyncio.sleep(600)
    asked_during_the_outage = len(sqs.receipts)
    sqs.send(status_events.of(workflow, "SUCCEEDED"))
    await asyncio.sleep(LONGEST_PAUSE_SECONDS)
    consumer.stop()
    await running

    moments = sorted(set(sqs.receipts))
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses[:7] == pytest.approx([1, 2, 4, 8, 16, 32, 60])
    assert asked_during_the_outage < 40 * RECEIVERS
    assert await statuses(rig, [workflow]) == {WorkflowStatus.SUCCEEDED}


@pytest.mark.looptime
async def test_a_pause_does_not_hold_up_the_stop(sqs: FakeSQS, consumer: EventConsumer) -> None:
    sqs.failures.extend([errors.Unavailable()] * 100)
    running = asyncio.create_task(consumer.run())
    await asyncio.sleep(20)
    began = asyncio.get_running_loop().time()

    consumer.stop()
    await running

    assert asyncio.get_running_loop().time() - began < 0.1


@pytest.mark.looptime
async def test_replicas_share_a_queue(rig: Rig, sqs: FakeSQS) -> None:
    await rig.define()
    workflows = [await rig.start() for _ in range(200)]
    replicas = [rig, Rig(replica_of=rig), Rig(replica_of=rig)]
    consumers = [consumer_of(replica, sqs) for replica in replicas]
    running = [asyncio.create_task(consumer.run()) for consumer in consumers]

    sqs.send(*(status_events.of(workflow, status) for workflow in workflows for status in ("RUNNING", "SUCCEEDED")))
    sqs.send(*(status_events.of(workflow, "SUCCEEDED") for workflow in workflows))
    await asyncio.sleep(5)
    for consumer in consumers:
        consumer.stop()
    await asyncio.gather(*running)

    assert await statuses(rig, workflows) == {WorkflowStatus.SUCCEEDED}
    assert sqs.left() == 0
