"""Step Functions that gives every call the same answer at once: HTTP on loopback, in a process of its own."""

import asyncio
import json
import multiprocessing
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

STARTED_AT: Final = 1767225600.123
ROWS: Final = 1_000
EVENTS: Final = 100

ANSWERS: Final[Mapping[str, object]] = {
    "CreateActivity": {"activityArn": "arn:aws:states:us-west-2:123456789012:activity:x", "creationDate": 1},
    "CreateStateMachine": {
        "stateMachineArn": "arn:aws:states:us-west-2:123456789012:stateMachine:x",
        "creationDate": 1,
    },
    "DescribeStateMachine": {
        "stateMachineArn": "arn:aws:states:us-west-2:123456789012:stateMachine:x",
        "name": "x",
        "status": "ACTIVE",
        "definition": "{}",
        "roleArn": "arn:aws:iam::123456789012:role/workflow-manager",
        "type": "STANDARD",
        "creationDate": 1,
    },
    "UpdateStateMachine": {"updateDate": 1},
    "StartExecution": {
        "executionArn": "arn:aws:states:us-west-2:123456789012:execution:bench--echo--0--fetch:x",
        "startDate": STARTED_AT,
    },
    "DescribeExecution": {
        "executionArn": "arn:aws:states:us-west-2:123456789012:execution:bench--echo--0--fetch:x",
        "stateMachineArn": "arn:aws:states:us-west-2:123456789012:stateMachine:bench--echo--0--fetch",
        "name": "x",
        "status": "RUNNING",
        "startDate": STARTED_AT,
        "input": '{"city":"Oslo"}',
        "inputDetails": {"included": True},
    },
    "ListExecutions": {
        "executions": [
            {
                "executionArn": f"arn:aws:states:us-west-2:123456789012:execution:bench--echo--0--fetch:other-{row:08}",
                "stateMachineArn": "arn:aws:states:us-west-2:123456789012:stateMachine:bench--echo--0--fetch",
                "name": f"other-{row:08}",
                "status": "RUNNING",
                "startDate": STARTED_AT + row,
            }
            for row in range(ROWS)
        ],
    },
    "GetExecutionHistory": {
        "events": [
            {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": STARTED_AT},
            *(
                {
                    "id": number,
                    "previousEventId": number - 1,
                    "timestamp": STARTED_AT + number,
                    **(
                        {"type": "PassStateEntered", "stateEnteredEventDetails": {"name": "fetch", "input": "{}"}}
                        if number % 2 == 0
                        else {"type": "PassStateExited", "stateExitedEventDetails": {"name": "fetch", "output": "{}"}}
                    ),
                }
                for number in range(2, EVENTS + 1)
            ),
        ]
    },
}


Answer: TypeAlias = Callable[[str, bytes], object]
"""Gives the answer to an action and the body of its request."""


class _Answering(asyncio.Protocol):
    """Answers requests of one connection, which come one after the other."""

    def __init__(self, answer: Callable[[str, bytes], bytes]) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, complete, body = self._received.partition(b"\r\n\r\n")
        if not complete:
            return
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(headers[b"content-length"]):
            return
        self._received = b""
        action = headers[b"x-amz-target"].rpartition(b".")[2].decode()
        self._transport.write(self._answer(action, body))  # type: ignore[attr-defined]


def _wire(answer: object) -> bytes:
    body = json.dumps(answer).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: r-1\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _serve(listener: socket.socket, make: Callable[[], Answer] | None) -> None:
    if make is None:
        answers = {action.lower(): _wire(answer) for action, answer in ANSWERS.items()}
        wired: Callable[[str, bytes], bytes] = lambda action, _: answers[action]  # noqa: E731
    else:
        answer = make()
        wired = lambda action, body: _wire(answer(action, body))  # noqa: E731
    server = await asyncio.get_running_loop().create_server(lambda: _Answering(wired), sock=listener)
    await server.serve_forever()


def _main(listener: socket.socket, make: Callable[[], Answer] | None) -> None:
    asyncio.run(_serve(listener, make))


@contextmanager
def running(make: Callable[[], Answer] | None = None) -> Iterator[str]:
    """Run it; gives its URL. What ``make`` returns in the other process answers in place of the canned answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(listener, make), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        process.terminate()
        process.join()
