"""The activity part of Step Functions in memory: tokens, long polls, heartbeats, time-outs, refusals, faults."""

import asyncio
import itertools
import json
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

MAX_OUTPUT_BYTES = 262_144
MAX_ERROR_CHARACTERS = 256
MAX_CAUSE_CHARACTERS = 32_768


@dataclass(eq=False)
class ScheduledTask:
    """One task as its execution sees it."""

    token: str
    input: str
    heartbeat_seconds: float | None
    status: str = "SCHEDULED"
    worker_name: str | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    heartbeats: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    timer: asyncio.TimerHandle | None = None

    @property
    def json_output(self) -> Any:
        """The output, parsed."""
        assert self.output is not None
        return json.loads(self.output)

    def end(self, status: str, **outcome: str) -> None:
        """Close the task; its token is of no use any more."""
        self.status = status
        for name, value in outcome.items():
            setattr(self, name, value)
        if self.timer:
            self.timer.cancel()
        self.ended.set()


class FakeActivities:
    """Answers like AWS does, with the error codes of AWS; ``poll_seconds`` is how long an empty poll is held."""

    def __init__(self, *, poll_seconds: float = 60.0) -> None:
        self.poll_seconds = poll_seconds
        self.activities: dict[str, deque[ScheduledTask]] = {}
        self.tags: dict[str, dict[str, str]] = defaultdict(dict)
        self.tasks: dict[str, ScheduledTask] = {}
        self.calls: list[tuple[str, float]] = []
        self.faults: dict[str, deque[Exception]] = defaultdict(deque)
        self.hanging: set[str] = set()
        """Operations that are never answered."""
        self.open_polls = 0
        self._numbers = itertools.count(1)
        self._news = asyncio.Condition()

    def count(self, operation: str) -> int:
        """Tell how often an operation was called."""
        return sum(name == operation for name, _ in self.calls)

    def fail(self, operation: str, *codes: str) -> None:
        """Let the next calls of an operation fail, one with each code."""
        self.faults[operation].extend(refusal(code, operation) for code in codes)

    async def schedule(
        self, name: str, task_input: str | Mapping[str, Any], *, heartbeat_seconds: float | None = None
    ) -> ScheduledTask:
        """Enter a task state of some execution."""
        text = task_input if isinstance(task_input, str) else json.dumps(task_input)
        task = ScheduledTask(f"token-{next(self._numbers)}", text, heartbeat_seconds)
        self.activities[_arn(name)].append(task)
        self.tasks[task.token] = task
        async with self._news:
            self._news.notify_all()
        return task

    def abort(self, task: ScheduledTask) -> None:
        """Stop the execution that the task belongs to."""
        task.end("ABORTED")

    async def create_activity(self, *, name: str, tags: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
        await self._called("create_activity")
        if _arn(name) not in self.activities:
            self.activities[_arn(name)] = deque()
            self.tags[_arn(name)] = {tag["key"]: tag["value"] for tag in tags}
        return {"activityArn": _arn(name)}

    async def tag_resource(self, *, resourceArn: str, tags: Sequence[Mapping[str, str]]) -> object:  # noqa: N803
        await self._called("tag_resource")
        self.tags[resourceArn].update({tag["key"]: tag["value"] for tag in tags})
        return {}

    async def get_activity_task(self, *, activityArn: str, workerName: str) -> Mapping[str, Any]:  # noqa: N803
        await self._called("get_activity_task")
        if activityArn not in self.activities:
            raise refusal("ActivityDoesNotExist", "get_activity_task")
        self.open_polls += 1
        try:
            async with asyncio.timeout(self.poll_seconds), self._news:
                queue = self.activities[activityArn]
                await self._news.wait_for(lambda: queue)
                return self._started(queue.popleft(), workerName)
        except TimeoutError:
            return {"taskToken": None, "input": None}
        finally:
            self.open_polls -= 1

    async def send_task_heartbeat(self, *, taskToken: str) -> object:  # noqa: N803
        await self._called("send_task_heartbeat")
        task = self._open(taskToken, "send_task_heartbeat")
        task.heartbeats += 1
        self._wind(task)
        return {}

    async def send_task_success(self, *, taskToken: str, output: str) -> object:  # noqa: N803
        await self._called("send_task_success")
        task = self._open(taskToken, "send_task_success")
        try:
            json.loads(output)
        except ValueError:
            raise refusal("InvalidOutput", "send_task_success") from None
        if len(output.encode()) > MAX_OUTPUT_BYTES:
            raise refusal("ValidationException", "send_task_success")
        task.end("SUCCEEDED", output=output)
        return {}

    async def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> object:  # noqa: N803
        await self._called("send_task_failure")
        task = self._open(taskToken, "send_task_failure")
        if len(error) > MAX_ERROR_CHARACTERS or len(cause) > MAX_CAUSE_CHARACTERS:
            raise refusal("ValidationException", "send_task_failure")
        error.encode()
        cause.encode()
        task.end("FAILED", error=error, cause=cause)
        return {}

    async def _called(self, operation: str) -> None:
        self.calls.append((operation, asyncio.get_running_loop().time()))
        if operation in self.hanging:
            await asyncio.Event().wait()
        if self.faults[operation]:
            raise self.faults[operation].popleft()

    def _open(self, token: str, operation: str) -> ScheduledTask:
        if token not in self.tasks:
            raise refusal("InvalidToken", operation)
        task = self.tasks[token]
        if task.status != "STARTED":
            raise refusal("TaskTimedOut" if task.status == "TIMED_OUT" else "TaskDoesNotExist", operation)
        return task

    def _started(self, task: ScheduledTask, worker_name: str) -> Mapping[str, Any]:
        task.status, task.worker_name = "STARTED", worker_name
        self._wind(task)
        return {"taskToken": task.token, "input": task.input}

    def _wind(self, task: ScheduledTask) -> None:
        if task.timer:
            task.timer.cancel()
        if task.heartbeat_seconds is not None:
            task.timer = asyncio.get_running_loop().call_later(task.heartbeat_seconds, task.end, "TIMED_OUT")


def refusal(code: str, operation: str = "Operation") -> ClientError:
    """Make the error that botocore raises for an error code of AWS."""
    error = {"Code": code, "Message": f"made up {code}"}
    status = 500 if code.startswith(("Internal", "Service")) else 400
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)  # type: ignore[typeddict-item]  # the rest is of no use


def _arn(name: str) -> str:
    return f"arn:aws:states:us-west-2:123456789012:activity:{name}"
