"""A queue in memory: a message that was received stays away until a test lets its time run out."""

import asyncio
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

JSON = dict[str, Any]


class FakeSQS:
    """What the service uses of an SQS client, raising our errors as the translated client does."""

    def __init__(self) -> None:
        self.visible: deque[JSON] = deque()
        self.in_flight: dict[str, JSON] = {}
        self.failures: deque[Exception] = deque()
        self.receiving = 0
        self.receipts: list[float] = []
        """When each call to receive messages came, on the clock of the loop."""
        self._numbers = count(1)
        self._arrived = asyncio.Event()

    def client(self) -> "SQSClient":
        """Return this fake under the type of the real client."""
        return cast("SQSClient", self)

    def send(self, *bodies: str) -> None:
        """Put messages into the queue."""
        for body in bodies:
            number = next(self._numbers)
            self.visible.append({"MessageId": f"m{number}", "ReceiptHandle": f"r{number}", "Body": body})
        self._arrived.set()

    def time_out(self) -> None:
        """Make what was received and not deleted visible again."""
        self.visible.extend(self.in_flight.values())
        self.in_flight.clear()
        self._arrived.set()

    def left(self) -> int:
        """Return how many messages were not deleted."""
        return len(self.visible) + len(self.in_flight)

    async def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> JSON:  # noqa: N803
        self.receipts.append(asyncio.get_running_loop().time())
        if self.failures:
            raise self.failures.popleft()
        self.receiving += 1
        try:
            if not self.visible:
                self._arrived.clear()
                async with asyncio.timeout(WaitTimeSeconds):
                    await self._arrived.wait()
        except TimeoutError:
            return {}
        finally:
            self.receiving -= 1
        taken = [self.visible.popleft() for _ in range(min(MaxNumberOfMessages, len(self.visible)))]
        self.in_flight |= {message["ReceiptHandle"]: message for message in taken}
        return {"Messages": taken}

    async def delete_message_batch(self, *, QueueUrl: str, Entries: list[JSON]) -> JSON:  # noqa: N803
        for entry in Entries:
            del self.in_flight[entry["ReceiptHandle"]]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}
