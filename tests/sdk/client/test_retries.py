"""The client repeats what may be repeated, and only that.

Covers `workflow_manager.client.retries`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime

import httpx
import pytest

from workflow_manager import errors, models
from workflow_manager.client import RetryPolicy, WorkflowManager
from workflow_manager.client.retries import retry_after_seconds

pytestmark = pytest.mark.looptime

START = models.StartWorkflowRequest(
    workflow_definition=models.WorkflowDefinitionRef(name="x"), namespace="dev", input="{}"
)
RESOURCE = models.NewStateResource(name="n", namespace="ns", uri="u")
DEFINITION = models.NewWorkflowDefinitionRequest(name="x", state_machine={})

Call = Callable[[WorkflowManager], Awaitable[object]]
Handler = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]

REPEATABLE: list[Call] = [
    lambda m: m.list_definitions(),
    lambda m: m.get_workflow("w"),
    lambda m: m.list_workflows(),
    lambda m: m.start_workflow(START),
    lambda m: m.resume_workflow("w", start_at="s"),
    lambda m: m.put_state_resource(RESOURCE),
]
NOT_REPEATABLE: list[Call] = [
    lambda m: m.create_definition(DEFINITION),
    lambda m: m.update_definition(DEFINITION),
    lambda m: m.cancel_workflow("w"),
    lambda m: m.resolve_workflow("w"),
    lambda m: m.delete_state_resource("ns", "n"),
]


class Broken:
    """A service that fails in one way, every time, and counts."""

    def __init__(self, failure: Exception | int) -> None:
        self._failure = failure
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._failure, int):
            return httpx.Response(self._failure, json={"message": "no"})
        raise self._failure

    async def sleep(self, seconds: float) -> None:
        """Remember the pause instead of making it."""
        self.pauses.append(seconds)

    def manager(self, handler: Handler | None = None, *, retries: RetryPolicy | None = None) -> WorkflowManager:
        """Open a client of this service, or of one that hands on to it."""
        return WorkflowManager(
            "http://service.test",
            transport=httpx.MockTransport(handler or self),
            retries=retries,
            sleep=self.sleep,
            randomness=lambda: 0.5,
        )

    async def suffer(self, call: Call, *, retries: RetryPolicy | None = None) -> errors.WorkflowManagerError:
        """Make the call and return what it raised."""
        async with self.manager(retries=retries) as manager:
            with pytest.raises(errors.WorkflowManagerError) as raised:
                await call(manager)
        return raised.value


@pytest.mark.parametrize("call", REPEATABLE)
@pytest.mark.parametrize("failure", [503, 429, 502, 504, httpx.ReadError("cut"), httpx.ReadTimeout("slow")])
async def test_a_repeatable_request_is_tried_for_half_a_minute(call: Call, failure: Exception | int) -> None:
    """Reads, replacements, starts and resumes survive a restart of the service."""
    service = Broken(failure)
    assert isinstance(await service.suffer(call), errors.Unavailable)
    assert service.pauses[:6] == [0.125, 0.25, 0.5, 1.0, 2.0, 2.0]
    assert max(service.pauses) == 2.0
    assert sum(service.pauses) == pytest.approx(RetryPolicy().retry_seconds)
    assert len(service.requests) == len(service.pauses) + 1


@pytest.mark.parametrize("call", NOT_REPEATABLE)
@pytest.mark.parametrize("failure", [503, httpx.ReadError("cut"), httpx.WriteError("cut")])
async def test_what_may_have_arrived_is_not_repeated(call: Call, failure: Exception | int) -> None:
    """A second version, or a refusal of what the first try did, would come of it."""
    service = Broken(failure)
    assert isinstance(await service.suffer(call), errors.Unavailable)
    assert len(service.requests) == 1


@pytest.mark.parametrize("call", REPEATABLE + NOT_REPEATABLE)
async def test_what_never_left_is_always_repeated(call: Call) -> None:
    """Nothing can have happened twice when no connection was made."""
    service = Broken(httpx.ConnectError("refused"))
    error = await service.suffer(call)
    assert error.message == "No response from http://service.test: refused"
    assert sum(service.pauses) == pytest.approx(30)


@pytest.mark.parametrize("call", [lambda m: m.health_check(), lambda m: m.readiness_check()])
@pytest.mark.parametrize("failure", [503, httpx.ConnectError("refused")])
async def test_a_question_about_the_health_is_asked_once(call: Call, failure: Exception | int) -> None:
    """That there is no answer is the answer."""
    service = Broken(failure)
    assert isinstance(await service.suffer(call), errors.Unavailable)
    assert len(service.requests) == 1


async def test_what_no_attempt_can_heal_is_not_repeated() -> None:
    """An answer that cannot be decoded, for example."""
    service = Broken(httpx.DecodingError("no gzip"))
    await service.suffer(lambda m: m.list_definitions())
    assert len(service.requests) == 1


async def test_without_any_answer_before_a_policy_may_give_up_sooner() -> None:
    """A mistyped URL should not take half a minute to report."""
    service = Broken(httpx.ConnectError("refused"))
    await service.suffer(lambda m: m.list_definitions(), retries=RetryPolicy(refused_seconds=5))
    assert sum(service.pauses) == pytest.approx(5)


async def test_a_service_that_has_answered_is_waited_for_as_long_as_ever() -> None:
    """It is there, so it will come back."""
    service = Broken(httpx.ConnectError("refused"))
    answers = iter([httpx.Response(200, json=[])])
    policy = RetryPolicy(refused_seconds=5)

    def once(request: httpx.Request) -> httpx.Response:
        return next(answers, None) or service(request)

    async with service.manager(once, retries=policy) as manager:
        await manager.list_definitions()
        with pytest.raises(errors.Unavailable):
            await manager.list_definitions()
    assert sum(service.pauses) == pytest.approx(30)


async def test_an_attempt_that_took_all_the_time_is_repeated_once() -> None:
    """A connection that was silently dropped is noticed only by the time-out of the request."""
    service = Broken(httpx.ReadTimeout("slow"))

    async def hangs(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(40)
        return service(request)

    async with service.manager(hangs) as manager:
        with pytest.raises(errors.Unavailable):
            await manager.list_definitions()
    assert len(service.requests) == 2


@pytest.mark.parametrize("status", [400, 404, 409, 413, 500])
async def test_a_definite_answer_is_not_questioned(status: int) -> None:
    """Asking again would only give the same answer later."""
    service = Broken(status)
    await service.suffer(lambda m: m.get_workflow("w"))
    assert len(service.requests) == 1


@pytest.mark.parametrize("call", [lambda m: m.start_workflow(START), lambda m: m.resume_workflow("w", start_at="s")])
async def test_all_tries_of_a_start_carry_one_key(call: Call) -> None:
    """The service recognises the repetition, so no second workflow starts."""
    service = Broken(503)
    await service.suffer(call)
    keys = {request.headers["Idempotency-Key"] for request in service.requests}
    assert len(service.requests) > 10
    assert len(keys) == 1


async def test_two_starts_carry_two_keys() -> None:
    """Two calls with the same request are two workflows."""
    service = Broken(400)
    await service.suffer(lambda m: m.start_workflow(START))
    await service.suffer(lambda m: m.start_workflow(START))
    assert len({request.headers["Idempotency-Key"] for request in service.requests}) == 2


async def test_a_key_of_the_caller_is_used() -> None:
    """A caller that repeats across processes brings its own key."""
    service = Broken(400)
    await service.suffer(lambda m: m.start_workflow(START, idempotency_key="mine"))
    assert service.requests[0].headers["Idempotency-Key"] == "mine"


async def test_an_outage_that_ends_is_not_noticed() -> None:
    """The third try succeeds and its answer is returned."""
    answers = iter([httpx.Response(503), httpx.Response(502), httpx.Response(200, json=[])])
    service = Broken(503)
    transport = httpx.MockTransport(lambda _request: next(answers))
    async with WorkflowManager("http://service.test", transport=transport, sleep=service.sleep) as manager:
        assert await manager.list_definitions() == []
    assert len(service.pauses) == 2


def test_pauses_double_up_to_a_limit() -> None:
    """The limits are what the random pauses stay below."""
    policy = RetryPolicy(attempts=6, first_pause_seconds=1.0, longest_pause_seconds=5.0)
    assert list(policy.pause_limits()) == [1.0, 2.0, 4.0, 5.0, 5.0]


async def test_a_policy_may_count_the_attempts() -> None:
    """For callers that prefer an early error."""
    service = Broken(503)
    await service.suffer(lambda m: m.list_definitions(), retries=RetryPolicy(attempts=3))
    assert len(service.requests) == 3


# What the service asks for


class Busy:
    """A service that asks twice for a pause, and then answers."""

    def __init__(self, retry_after: str) -> None:
        self._retry_after = retry_after
        self.asked = 0
        self.pauses: list[float] = []

    def __call__(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.asked < 3:
            return httpx.Response(429, headers={"Retry-After": self._retry_after}, json={"message": "slowly"})
        return httpx.Response(200, json=[])

    async def sleep(self, seconds: float) -> None:
        """Remember the pause instead of making it."""
        self.pauses.append(seconds)

    def manager(self) -> WorkflowManager:
        """Open a client of this service."""
        return WorkflowManager(
            "http://service.test", transport=httpx.MockTransport(self), sleep=self.sleep, randomness=lambda: 0.5
        )


@pytest.mark.parametrize(
    ("retry_after", "pauses"), [("7", [7, 7]), ("0", [0.125, 0.25]), ("soon", [0.125, 0.25]), ("-1", [0.125, 0.25])]
)
async def test_a_pause_that_the_service_asks_for_is_made(retry_after: str, pauses: list[float]) -> None:
    """When it is longer than ours."""
    service = Busy(retry_after)
    async with service.manager() as manager:
        assert await manager.list_definitions() == []
    assert service.pauses == pauses


async def test_a_pause_that_is_too_long_is_told() -> None:
    """A person does not wait for an hour."""
    service = Busy("3600")
    async with service.manager() as manager:
        with pytest.raises(errors.Throttled, match="slowly"):
            await manager.list_definitions()
    assert service.asked == 1


def test_a_pause_may_end_at_a_date() -> None:
    """The other form of the header; one that is past asks for nothing."""
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert retry_after_seconds("Fri, 02 Jan 2026 12:00:20 GMT", now=lambda: noon) == 20
    assert retry_after_seconds("Fri, 02 Jan 2026 11:00:00 GMT", now=lambda: noon) == 0


async def test_all_attempts_together_have_a_time() -> None:
    """A request ends within it, even if the service hangs, and reports the last failure."""

    async def hangs(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(request.extensions["timeout"]["read"])
        raise httpx.ReadTimeout("slow")

    policy = RetryPolicy(total_seconds=12)
    async with WorkflowManager(
        "http://service.test", transport=httpx.MockTransport(hangs), timeout_seconds=5, retries=policy
    ) as manager:
        with pytest.raises(
            errors.Unavailable, match=r"^No response from http://service.test: slow \(gave up after 12 s\)$"
        ):
            await manager.list_definitions()
    assert asyncio.get_running_loop().time() == pytest.approx(12, abs=0.5)
