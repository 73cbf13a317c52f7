"""Python functions as tasks, on a fake AWS.

Covers `workflow_manager.worker.functions.call` and `workflow_manager.worker.functions.handler`.
"""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pydantic
import pytest
from structlog.testing import capture_logs

from tests.sdk.worker.conftest import FAST, INPUT, eventually
from tests.sdk.worker.fake_activities import FakeActivities, ScheduledTask
from workflow_manager import errors
from workflow_manager.aws import translating
from workflow_manager.worker import Context, SyncContext, Worker
from workflow_manager.worker.config import Timings
from workflow_manager.worker.host.command_host import Host
from workflow_manager.worker.host.group import WorkerGroup
from workflow_manager.worker.host.services import SharedServices

Perform = Callable[..., Awaitable[ScheduledTask]]


@dataclass
class Hosted:
    """A worker that runs on the fake AWS."""

    aws: FakeActivities
    group: WorkerGroup
    run: asyncio.Task[None]

    async def schedule(self, task_input: str | Mapping[str, Any] = INPUT, *, task: str = "work") -> ScheduledTask:
        """Schedule a task for a function."""
        await self.group.registered()
        return await self.aws.schedule(f"dev--{task}", task_input)

    async def perform(self, task_input: str | Mapping[str, Any] = INPUT, *, task: str = "work") -> ScheduledTask:
        """Schedule a task and wait for its end."""
        scheduled = await self.schedule(task_input, task=task)
        await eventually(scheduled.ended.is_set, f"the end of {scheduled.token}")
        return scheduled


Start = Callable[..., Awaitable[Hosted]]


@pytest.fixture
async def start(aws: FakeActivities) -> AsyncIterator[Start]:
    """Start a worker, or one with a single function; it is stopped at the end."""
    hosted: list[Hosted] = []
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(404))) as http:

        async def begin(what: Worker | Callable[..., object], *, timings: Timings = FAST, **options: Any) -> Hosted:
            worker = what if isinstance(what, Worker) else _worker(what, options)
            client: Any = translating(aws, max_connections=100)
            services = SharedServices(polls=client, calls=client, http=http, environ={})
            group = await worker.group(services, host=Host(worker_name="worker-1", timings=timings))
            hosted.append(Hosted(aws, group, asyncio.create_task(group.run())))
            return hosted[-1]

        yield begin
        for one in hosted:
            one.group.request_stop()
            one.group.request_stop()
            await asyncio.wait({one.run}, timeout=5)
            assert one.run.done(), "the worker did not stop"


def _worker(function: Any, options: Mapping[str, Any]) -> Worker:
    worker = Worker(namespace="dev")
    worker.task("work", **options)(function)
    return worker


class Order(pydantic.BaseModel, extra="forbid"):
    """A typed input."""

    count: int
    color: str = "red"


@dataclass
class Receipt:
    """A typed output."""

    total: int


async def test_a_worker_without_tasks_or_namespace_is_refused(start: Start) -> None:
    with pytest.raises(errors.SettingsError, match="has no tasks"):
        await start(Worker(namespace="dev"))
    homeless = Worker()
    homeless.task("work")(lambda: None)
    with pytest.raises(errors.SettingsError, match="has no namespace"):
        await start(homeless)
    homeless = Worker(namespace="$NO_SUCH_VARIABLE")
    homeless.task("work")(lambda: None)
    with pytest.raises(errors.SettingsError, match="namespace is empty"):
        await start(homeless)


async def test_an_async_function_gets_its_input_typed_and_its_output_is_written(start: Start) -> None:
    async def work(order: Order) -> Receipt:
        return Receipt(total=order.count * 2)

    task = await (await start(work)).perform({**INPUT, "count": 9007199254740993})
    assert task.output == '{"_EXECUTION_NAME":"run-1","total":18014398509481986}'
    assert task.worker_name == "worker-1"


async def test_a_plain_function_runs_in_a_thread(start: Start) -> None:
    def work(receipt: Receipt) -> dict[str, str]:
        return {"thread": threading.current_thread().name, "total": str(receipt.total)}

    assert (await (await start(work)).perform({**INPUT, "total": 3})).json_output == {
        "_EXECUTION_NAME": "run-1",
        "thread": "task-work",
        "total": "3",
    }


def timed(function: Any) -> Any:
    """Decorate a function as many libraries do, so that nothing shows whether it is async."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


async def test_a_coroutine_that_a_decorator_hides_is_awaited_with_the_context_it_wants(start: Start) -> None:
    @timed
    async def work(given: dict[str, int], context: Context) -> dict[str, int]:
        await context.heartbeat()
        return {"n": given["n"] + 1}

    assert (await (await start(work)).perform({**INPUT, "n": 1})).json_output["n"] == 2


async def test_an_awaitable_that_a_plain_function_returns_is_awaited(start: Start) -> None:
    async def double(n: int) -> int:
        await asyncio.sleep(0)
        return 2 * n

    def work(n: int) -> Awaitable[int]:
        return double(n)

    assert (await (await start(work)).perform("21")).output == "42"


async def test_what_a_plain_function_returns_is_worked_out_in_its_thread(start: Start) -> None:
    def thread(_: int) -> str:
        return threading.current_thread().name

    def work() -> Any:
        return map(thread, range(2))

    assert (await (await start(work)).perform("1")).output == '["task-work","task-work"]'


async def test_a_heartbeat_that_would_wait_for_itself_is_an_error(start: Start) -> None:
    async def late(context: SyncContext) -> None:
        context.heartbeat()

    def work(context: SyncContext) -> Awaitable[None]:
        return late(context)

    task = await (await start(work)).perform()
    assert (task.status, task.error) == ("FAILED", "RuntimeError")
    assert "await a Context instead" in (task.cause or "")


async def test_an_untyped_function_gets_what_json_holds(start: Start) -> None:
    async def work(given):  # type: ignore[no-untyped-def]  # on purpose
        return {"given": given}

    assert (await (await start(work)).perform({**INPUT, "a": [1]})).json_output["given"] == {"a": [1]}


async def test_a_parameter_with_a_default_gets_the_input_when_no_other_does(start: Start) -> None:
    async def work(order: Order = Order(count=1)) -> dict[str, int]:  # noqa: B008  # on purpose
        return {"count": order.count}

    assert (await (await start(work)).perform({**INPUT, "count": 5})).json_output["count"] == 5


async def test_a_function_that_takes_and_returns_nothing_gives_an_empty_object(start: Start) -> None:
    async def work() -> None:
        pass

    assert (await (await start(work)).perform()).output == '{"_EXECUTION_NAME":"run-1"}'


@pytest.mark.parametrize("text", ['"hello"', "17", "[1,2]", "null", '{"a":1}'])
async def test_input_and_output_may_be_any_json(start: Start, text: str) -> None:
    async def work(given: Any) -> Any:
        return given

    assert (await (await start(work)).perform(text)).output == text


@pytest.mark.parametrize(
    ("task_input", "cause"),
    [
        (
            {"count": "many"},
            "count: Input should be a valid integer, unable to parse string as an integer (got 'many')",
        ),
        ({}, "count: Field required (got {})"),
        ({"count": 1, "size": 2}, "size: Extra inputs are not permitted (got 2)"),
    ],
)
async def test_an_input_of_another_type_is_refused_and_the_function_not_called(
    start: Start, task_input: dict[str, Any], cause: str
) -> None:
    called = False

    async def work(order: Order) -> None:
        nonlocal called
        called = True

    task = await (await start(work)).perform({**INPUT, **task_input})
    assert (task.error, task.cause) == ("Worker.InvalidInput", cause)
    assert not called


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (
            {"total": "much"},
            "total: Input should be a valid integer, unable to parse string as an integer (got 'much')",
        ),
        (None, "Input should be a dictionary or an instance of Receipt (got None)"),
    ],
)
async def test_an_output_of_another_type_than_declared_fails_the_task(start: Start, output: Any, cause: str) -> None:
    async def work() -> Receipt:
        return output  # type: ignore[no-any-return]  # on purpose

    task = await (await start(work)).perform()
    assert (task.error, task.cause) == ("Worker.InvalidOutput", cause)


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ({"a": float("nan")}, "NaN and infinite numbers are not JSON"),
        ({"a": object()}, "cannot be written as JSON: Unable to serialize unknown type: <class 'object'>"),
        ({"a": "x" * 262_144}, "task output is larger than the 262,144 bytes that Step Functions takes"),
    ],
)
async def test_an_output_that_cannot_be_sent_fails_the_task(start: Start, output: object, cause: str) -> None:
    async def work() -> Any:
        return output

    task = await (await start(work)).perform()
    assert (task.error, task.cause) == ("Worker.InvalidOutput", cause)


async def test_the_context_tells_the_execution_and_logs_with_it(start: Start) -> None:
    async def work(context: Context) -> dict[str, str]:
        context.log.warning("halfway", percent=50)
        return {"execution": context.execution_name, "task": context.task_name}

    with capture_logs() as logs:
        task = await (await start(work)).perform()
    assert task.json_output == {"_EXECUTION_NAME": "run-1", "execution": "run-1", "task": "work"}
    assert {"event": "halfway", "percent": 50, "task": "work", "log_level": "warning"} in logs


async def test_each_function_has_its_own_activity_and_its_own_concurrency(start: Start) -> None:
    worker = Worker(namespace="dev")
    running, most = 0, 0

    async def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1

    worker.task("many", concurrency=3)(count)
    worker.task("one")(count)
    hosted = await start(worker)
    await asyncio.gather(*(hosted.perform(task="many") for _ in range(6)))
    assert most == 3
    most = 0
    await asyncio.gather(*(hosted.perform(task="one") for _ in range(3)))
    assert most == 1
    assert {arn.rpartition(":")[2] for arn in hosted.aws.activities} == {"dev--many", "dev--one"}


async def test_heartbeats_go_out_while_a_thread_blocks(start: Start) -> None:
    def work(context: SyncContext) -> None:
        context.cancelled.wait(0.5)

    hosted = await start(work)
    task = await hosted.schedule()
    await eventually(task.ended.is_set, "the end")
    assert task.heartbeats >= 3


async def test_a_heartbeat_can_be_sent_by_hand(start: Start) -> None:
    async def work(context: Context) -> None:
        for _ in range(3):
            await context.heartbeat()

    def work_in_thread(context: SyncContext) -> None:
        for _ in range(3):
            context.heartbeat()

    worker = Worker(namespace="dev")
    worker.task("work")(work)
    worker.task("thread")(work_in_thread)
    hosted = await start(worker, timings=replace(FAST, heartbeat_interval_seconds=60))
    for name in ("work", "thread"):
        task = await hosted.perform(task=name)
        assert (task.status, task.heartbeats) == ("SUCCEEDED", 4)


async def test_a_heartbeat_by_hand_outlives_an_aws_that_throttles(start: Start) -> None:
    async def work(context: Context) -> None:
        hosted.aws.fail("send_task_heartbeat", "ThrottlingException")
        await context.heartbeat()

    hosted = await start(work, timings=replace(FAST, heartbeat_interval_seconds=60))
    assert (await hosted.perform()).status == "SUCCEEDED"


@pytest.mark.parametrize("in_thread", [True, False])
async def test_a_heartbeat_by_hand_tells_that_the_task_is_lost(start: Start, in_thread: bool) -> None:
    raised = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def work(context: Context) -> None:
        hosted.aws.abort(task)
        with pytest.raises(errors.TaskLost):
            await context.heartbeat()
        raised.set()

    def work_in_thread(context: SyncContext) -> None:
        loop.call_soon_threadsafe(hosted.aws.abort, task)
        with pytest.raises(errors.TaskLost):
            context.heartbeat()
        loop.call_soon_threadsafe(raised.set)

    hosted = await start(work_in_thread if in_thread else work, timings=replace(FAST, heartbeat_interval_seconds=60))
    task = await hosted.schedule()
    await eventually(raised.is_set, "the error")
    await eventually(lambda: hosted.aws.open_polls == 1, "the next poll")
    assert hosted.aws.count("send_task_success") == hosted.aws.count("send_task_failure") == 0
