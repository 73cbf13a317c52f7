"""The wire between a client and DynamoDB, as tests listen to it and cut it."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ConnectionClosedError

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

Request = dict[str, Any]


def http_session(client: "DynamoDBClient") -> Any:
    """Return what sends the requests of a client."""
    return client._client._endpoint.http_session  # type: ignore[attr-defined]  # of the client that translates errors


@dataclass
class Fault:
    """What happens to some requests of one operation."""

    operation: str
    happens: Callable[[Request], object] = lambda _: True
    times: int = 1
    after: bool = False
    """Whether the request reaches DynamoDB and only its answer is lost."""


@dataclass
class Wire:
    """Counts requests, what they cost, and loses some as networks do."""

    client: "DynamoDBClient"
    requests: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    """Read or write units by operation."""
    items: Counter[str] = field(default_factory=Counter)
    """Items and entries of indexes that were read, by operation."""
    faults: list[Fault] = field(default_factory=list)
    rewrites: dict[str, Callable[[Request], None]] = field(default_factory=dict)
    """Changes of requests by operation, before they are sent."""
    before: Callable[[str, Request], Awaitable[None]] | None = None
    """Called with every request before it is sent."""

    def __post_init__(self) -> None:
        session = http_session(self.client)
        self._send = session.send
        session.send = self.send

    @property
    def write_units(self) -> float:
        """What all writes cost."""
        return sum(self.units[operation] for operation in ("PutItem", "UpdateItem", "BatchWriteItem"))

    def lose(self, operation: str, *, times: int = 1, when: Callable[[Request], object] = lambda _: True) -> None:
        """Lose requests before DynamoDB gets them."""
        self.faults.append(Fault(operation, when, times))

    def lose_answers(
        self, operation: str, *, times: int = 1, when: Callable[[Request], object] = lambda _: True
    ) -> None:
        """Lose the answers of requests that DynamoDB carried out."""
        self.faults.append(Fault(operation, when, times, after=True))

    def count(self) -> None:
        """Ask DynamoDB from now on what requests cost."""
        for operation in ("PutItem", "UpdateItem", "BatchWriteItem", "GetItem", "BatchGetItem", "Query"):
            self.rewrites[operation] = lambda body: body.update(ReturnConsumedCapacity="TOTAL")

    async def send(self, request: Any) -> Any:
        """Stand in for the method of the client that sends a request."""
        operation = request.headers["X-Amz-Target"]
        operation = (operation.decode() if isinstance(operation, bytes) else operation).partition(".")[2]
        body = json.loads(request.body)
        if rewrite := self.rewrites.get(operation):
            rewrite(body)
            request.body = json.dumps(body).encode()
            request.headers["Content-Length"] = str(len(request.body))
        self.requests[operation] += 1
        if self.before is not None:
            await self.before(operation, body)
        fault = self._fault(operation, body)
        if fault is not None and not fault.after:
            raise ConnectionClosedError(endpoint_url=request.url)
        response = await self._send(request)
        self._note(operation, json.loads(await response.content or b"{}"))
        if fault is not None:
            raise ConnectionClosedError(endpoint_url=request.url)
        return response

    def _fault(self, operation: str, body: Request) -> Fault | None:
        for fault in self.faults:
            if fault.operation == operation and fault.times > 0 and fault.happens(body):
                fault.times -= 1
                return fault
        return None

    def _note(self, operation: str, answer: Request) -> None:
        self.items[operation] += answer.get("ScannedCount", 0)
        if operation == "BatchGetItem":
            self.items[operation] += sum(len(found) for found in answer["Responses"].values())
        consumed = answer.get("ConsumedCapacity", [])
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self.units[operation] += each["CapacityUnits"]
