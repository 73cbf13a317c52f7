"""EventBridge and SQS: status changes that arrive late, and now and then not at all."""

import asyncio
import json
import random
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Any

from benchmarks.simulated_sfn import ROUND_TRIP_SECONDS, Run, moment

LATENCY_SECONDS = (0.5, 1.0)
LOST = 0.001
VISIBILITY_SECONDS = 60.0

JSON = dict[str, Any]


class SimulatedEvents:
    """The queue that EventBridge feeds, in virtual time."""

    def __init__(self, *, seed: int) -> None:
        self.lost = 0
        self._loop = asyncio.get_running_loop()
        self._random = random.Random(seed)
        self._visible: deque[tuple[Run, str]] = deque()
        self._in_flight: dict[str, asyncio.TimerHandle] = {}
        self._receipts = count(1)
        self._waiting: deque[asyncio.Future[None]] = deque()

    def announce(self, run: Run) -> None:
        """Send the start of a run, if it is not past, and its end, when their time has come."""
        if run.started >= self._loop.time():
            self._send(run, "RUNNING", run.started)
        self._send(run, run.ending, run.ends)

    async def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> JSON:
        await asyncio.sleep(ROUND_TRIP_SECONDS / 2)
        if not self._visible:
            turn = self._loop.create_future()
            self._waiting.append(turn)
            await asyncio.wait({turn}, timeout=WaitTimeSeconds)
            turn.cancel()
        taken = [self._visible.popleft() for _ in range(min(MaxNumberOfMessages, len(self._visible)))]
        answer = [self._take(run, status) for run, status in taken]
        await asyncio.sleep(ROUND_TRIP_SECONDS / 2)
        return {"Messages": answer}

    async def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[JSON]) -> JSON:
        await asyncio.sleep(ROUND_TRIP_SECONDS / 2)
        for entry in Entries:
            self._in_flight.pop(entry["ReceiptHandle"]).cancel()
        await asyncio.sleep(ROUND_TRIP_SECONDS / 2)
        return {}

    def _send(self, run: Run, status: str, seconds: float) -> None:
        if self._random.random() < LOST:
            self.lost += 1
            return
        latency = self._random.uniform(*LATENCY_SECONDS)
        self._loop.call_at(seconds + latency, self._put, run, status)

    def _put(self, run: Run, status: str) -> None:
        self._visible.append((run, status))
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _take(self, run: Run, status: str) -> JSON:
        receipt = str(next(self._receipts))
        self._in_flight[receipt] = self._loop.call_later(VISIBILITY_SECONDS, self._put, run, status)
        return {"MessageId": receipt, "ReceiptHandle": receipt, "Body": _body(run, status)}


def _body(run: Run, status: str) -> str:
    ended = status != "RUNNING"
    detail = {
        "executionArn": f"{run.machine.replace(':stateMachine:', ':execution:')}:{run.name}",
        "stateMachineArn": run.machine,
        "name": run.name,
        "status": status,
        "startDate": _milliseconds(run.started),
        "stopDate": _milliseconds(run.ends) if ended else None,
        "input": "{}",
        "inputDetails": {"included": True},
        "output": "{}" if status == "SUCCEEDED" else None,
        "outputDetails": {"included": True} if status == "SUCCEEDED" else None,
        "error": None,
        "cause": None,
    }
    return json.dumps(
        {
            "version": "0",
            "id": "315c1398-40ff-a850-213b-158f73e60175",
            "detail-type": "Step Functions Execution Status Change",
            "source": "aws.states",
            "detail": detail,
        }
    )


def _milliseconds(seconds: float) -> int:
    return round(moment(seconds).timestamp() * 1000)
