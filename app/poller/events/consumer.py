"""Status changes of executions, taken from the queue that EventBridge feeds."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import structlog

from app.poller.events.handler import StatusEventHandler
from app.poller.events.messages import read_event
from workflow_manager import errors

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_sqs.type_defs import MessageTypeDef

log = structlog.get_logger(__name__)

RECEIVERS: Final = 8
"""Concurrent receive calls: 100,000 workflows of ten minutes make 333 events a second."""

BATCH_MESSAGES: Final = 10
"""As many as one call can receive or delete."""

LONG_POLL_SECONDS: Final = 20
"""As long as a call can wait for the first message."""

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
"""A pause doubles from the first to the longest while the queue or the store does not answer."""


class Verdict(Enum):
    """What to do with a message."""

    ACK = auto()
    """Deleted."""
    RETRY = auto()
    """Left to be received again: it could not be written now."""
    DEAD_LETTER = auto()
    """Left to be received again until the queue moves it to its dead-letter queue for inspection."""


class EventConsumer:
    """Receives messages until it is stopped. Any number of consumers share a queue."""

    def __init__(
        self, sqs: "SQSClient", active_index: StatusEventHandler, *, queue_url: str, now: Callable[[], datetime]
    ) -> None:
        self._sqs = sqs
        self._active_index = active_index
        self._queue_url = queue_url
        self._now = now
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Consume until ``stop``. A queue that does not answer is asked again, ever more rarely."""
        log.info("event consumer started", action="events-start", queue_url=self._queue_url)
        async with asyncio.TaskGroup() as receivers:
            for number in range(RECEIVERS):
                receivers.create_task(self._consume(), name=f"event receiver {number}")
        log.info("event consumer stopped", action="events-stop")

    def stop(self) -> None:
        """Ask ``run`` to return: nothing more is waited for, and what has been received is written."""
        self._stopping.set()

    async def consume_once(self) -> bool:
        """Receive one batch and settle it; returns whether queue and store are well."""
        try:
            messages = await self._receive()
            verdicts = await asyncio.gather(*(self._settle(message) for message in messages))
            settled = zip(messages, verdicts, strict=True)
            await self._delete([message for message, verdict in settled if verdict is Verdict.ACK])
        except errors.Unavailable as silence:
            log.warning("event queue unavailable", action="events-skip", error=silence.message)
            return False
        except (errors.AWSError, errors.AccessDenied, errors.RefusedByAWS) as refusal:
            log.error("event queue denied access", action="events-refused", error=refusal.message)  # noqa: TRY400
            return False
        return Verdict.RETRY not in verdicts

    async def _consume(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            if await self.consume_once():
                pause = FIRST_PAUSE_SECONDS
                continue
            # Receiving on would use up the tries that a message has before it counts as a dead letter.
            await self._pause(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _receive(self) -> Sequence["MessageTypeDef"]:
        """Wait for messages; there are none when the time is up or the consumer stops."""
        receiving = asyncio.ensure_future(
            self._sqs.receive_message(
                QueueUrl=self._queue_url, MaxNumberOfMessages=BATCH_MESSAGES, WaitTimeSeconds=LONG_POLL_SECONDS
            )
        )
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({receiving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return receiving.result().get("Messages", []) if receiving.done() else []
        finally:
            receiving.cancel()
            stopping.cancel()
            await asyncio.gather(receiving, stopping, return_exceptions=True)

    async def _settle(self, message: "MessageTypeDef") -> Verdict:
        try:
            event = read_event(message["Body"], now=self._now())
        except ValueError as wrong:
            log.warning(
                "message is not a status change",
                action="event-unreadable",
                message_id=message["MessageId"],
                error=str(wrong),
            )
            return Verdict.DEAD_LETTER
        try:
            await self._active_index.take(event)
        except (errors.Unavailable, errors.VersionConflict) as silence:
            log.warning("event postponed", action="event-skip", workflow_id=event.workflow_id, error=silence.message)
            return Verdict.RETRY
        except Exception:  # one bad event must not stop the rest
            log.exception("event postponed", action="event-skip", workflow_id=event.workflow_id)
            return Verdict.RETRY
        return Verdict.ACK

    async def _delete(self, messages: Sequence["MessageTypeDef"]) -> None:
        """Delete messages. A message that is not deleted is received again, which is harmless."""
        if messages:
            await self._sqs.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), timeout=seconds)
