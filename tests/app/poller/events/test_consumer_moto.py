"""Consuming the queue of status changes, on a queue of SQS with a dead-letter queue.

Covers `app.poller.events.consumer`.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from app.poller import EventConsumer, StatusEventHandler
from app.settings import Settings
from tests.app.poller.events import status_events
from tests.rig import Rig
from workflow_manager import aws
from workflow_manager.models import WorkflowStatus

pytestmark = pytest.mark.usefixtures("no_room_for_questions")

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

TRIES = 2
"""Times that a message is received before it is a dead letter."""

VISIBILITY_SECONDS = 1
"""What was received and not deleted is seen again after this time."""

PATIENCE_SECONDS = 20.0


@pytest.fixture
async def sqs(local_aws_url: str, monkeypatch: pytest.MonkeyPatch) -> "AsyncIterator[SQSClient]":
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws_url)
    async with aws.connect(Settings().aws).sqs() as client:
        yield client


@pytest.fixture
async def dead_letters(sqs: "SQSClient") -> str:
    """The URL of an empty queue."""
    return (await sqs.create_queue(QueueName=f"dead-letters-{uuid.uuid4().hex}"))["QueueUrl"]


@pytest.fixture
async def queue(sqs: "SQSClient", dead_letters: str) -> str:
    """The URL of an empty queue whose hopeless messages go to another one."""
    attributes = await sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])
    redrive = {"deadLetterTargetArn": attributes["Attributes"]["QueueArn"], "maxReceiveCount": TRIES}
    created = await sqs.create_queue(
        QueueName=f"events-{uuid.uuid4().hex}",
        Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS), "RedrivePolicy": json.dumps(redrive)},
    )
    return created["QueueUrl"]


@pytest.fixture
async def consumer(rig: Rig, sqs: "SQSClient", queue: str) -> AsyncIterator[EventConsumer]:
    """A consumer that runs as long as the test."""
    consumer = EventConsumer(
        sqs, StatusEventHandler(rig.store, rig.reconciler, rig.poller), queue_url=queue, now=rig.clock.now
    )
    running = asyncio.create_task(consumer.run())
    yield consumer
    consumer.stop()
    await asyncio.wait_for(running, timeout=5)


async def count(sqs: "SQSClient", queue: str) -> int:
    """Return how many messages a queue holds, visible or not."""
    answer = await sqs.get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )
    return sum(map(int, answer["Attributes"].values()))


async def wait_until(look: Callable[[], Awaitable[bool]], what: str) -> None:
    """Look again and again until it is so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while True:
        if await look():
            return
        if loop.time() > deadline:
            raise AssertionError(f"waited {PATIENCE_SECONDS:g} s for {what}")
        await asyncio.sleep(0.05)


async def send(sqs: "SQSClient", queue: str, *bodies: str) -> None:
    """Put messages into a queue."""
    for body in bodies:
        await sqs.send_message(QueueUrl=queue, MessageBody=body)


@pytest.mark.usefixtures("consumer")
async def test_events_are_written_and_deleted(rig: Rig, sqs: "SQSClient", queue: str) -> None:
    await rig.define()
    workflows = [await rig.start() for _ in range(25)]
    await send(sqs, queue, *(status_events.of(workflow, "SUCCEEDED") for workflow in workflows))

    async def empty() -> bool:
        return await count(sqs, queue) == 0

    await wait_until(empty, "the queue to be empty")

    ended = [await rig.store.get_workflow(workflow.id) for workflow in workflows]
    assert {workflow.status for workflow in ended} == {WorkflowStatus.SUCCEEDED}


@pytest.mark.usefixtures("consumer")
async def test_what_is_no_status_change_ends_in_the_dead_letter_queue_and_the_rest_does_not(
    rig: Rig, sqs: "SQSClient", queue: str, dead_letters: str
) -> None:
    workflow = await rig.started()
    foreign = status_events.body("nobody", workflow.execution_arn, "SUCCEEDED")
    await send(sqs, queue, "rubbish", foreign, status_events.of(workflow, "SUCCEEDED"))

    async def moved() -> bool:
        return (await count(sqs, queue), await count(sqs, dead_letters)) == (0, 1)

    await wait_until(moved, "one message in the dead-letter queue")

    (letter,) = (await sqs.receive_message(QueueUrl=dead_letters))["Messages"]
    assert letter["Body"] == "rubbish"
    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.SUCCEEDED


async def test_a_long_poll_does_not_hold_up_the_stop(rig: Rig, sqs: "SQSClient", queue: str) -> None:
    consumer = EventConsumer(
        sqs, StatusEventHandler(rig.store, rig.reconciler, rig.poller), queue_url=queue, now=rig.clock.now
    )
    running = asyncio.create_task(consumer.run())
    workflow = await rig.started()
    await send(sqs, queue, status_events.of(workflow, "SUCCEEDED"))

    async def told() -> bool:
        return (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.SUCCEEDED

    await wait_until(told, "the event")  # so the consumer is at work

    consumer.stop()

    await asyncio.wait_for(running, timeout=2)


async def test_a_queue_that_does_not_exist_stops_nothing(rig: Rig, sqs: "SQSClient", queue: str) -> None:
    consumer = EventConsumer(
        sqs, StatusEventHandler(rig.store, rig.reconciler, rig.poller), queue_url=f"{queue}-not", now=rig.clock.now
    )

    assert not await consumer.consume_once()
