"""Waiting for and following a workflow at a service without events, by polling.

Covers `workflow_manager.client.watching` and `workflow_manager.client.outage_tolerance`.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.sdk.client.documents import workflow_json
from workflow_manager import errors
from workflow_manager.client import RetryPolicy, WorkflowManager
from workflow_manager.client.outage_tolerance import OUTAGE_SECONDS

Answer = dict[str, Any] | int
OUTAGE = 500


def snapshot(status: str, *, reason: str | None = None, observed: int = 0) -> dict[str, Any]:
    moment = (datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=observed)).isoformat()
    return workflow_json(status, statusReason=reason, observedAt=moment, lastUpdated=moment)


class Scripted:
    """A service without events whose workflow goes through a script, one answer per question; the last one stays."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(404, json={"message": "GET /workflows/w/events: Not Found"})
        self.asked.append(request.url.query.decode())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return (
            httpx.Response(answer, json={"message": "no"})
            if isinstance(answer, int)
            else httpx.Response(200, json=answer)
        )

    async def sleep(self, seconds: float) -> None:
        """Remember the pause, and let others run."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    def manager(self) -> WorkflowManager:
        """Open a client of this service."""
        return WorkflowManager("http://service.test", transport=httpx.MockTransport(self), sleep=self.sleep)


async def follow(service: Scripted) -> list[str]:
    async with service.manager() as manager:
        return [workflow.status.value async for workflow in manager.follow("w")]


async def test_every_change_is_shown_once() -> None:
    """What did not change is not repeated, and the end ends it."""
    service = Scripted([snapshot(status) for status in ("queued", "queued", "running", "running", "succeeded")])
    assert await follow(service) == ["queued", "running", "succeeded"]
    assert set(service.asked) == {"fetchHistory=true"}


async def test_being_looked_at_is_no_change() -> None:
    """A newer observation of the same state is not shown."""
    service = Scripted([*(snapshot("running", observed=second) for second in range(5)), snapshot("failed")])
    assert await follow(service) == ["running", "failed"]


async def test_a_new_reason_is_a_change() -> None:
    """Anything else that differs is shown."""
    service = Scripted([snapshot("running"), snapshot("running", reason="slow"), snapshot("failed")])
    assert await follow(service) == ["running", "running", "failed"]


async def test_an_ended_workflow_is_shown_at_once() -> None:
    """Following what is over asks once and never waits."""
    service = Scripted([snapshot("cancelled")])
    assert await follow(service) == ["cancelled"]
    assert service.pauses == []


async def test_the_interval_grows_while_nothing_happens() -> None:
    """From a fifth of a second to two, and back after a change."""
    service = Scripted([*[snapshot("queued")] * 9, snapshot("running"), snapshot("running"), snapshot("succeeded")])
    await follow(service)
    rounded = [round(pause, 2) for pause in service.pauses]
    assert rounded == [0.2, 0.3, 0.45, 0.68, 1.01, 1.52, 2.0, 2.0, 2.0, 0.2, 0.3]


class ServiceUnavailable:
    """A service without events that is unavailable for some seconds of virtual time, after some answers."""

    def __init__(self, seconds: float, *, answers: int = 1, failure: Exception | int | None = None) -> None:
        self._back_at = asyncio.get_running_loop().time() + seconds
        self._answers = answers
        self._failure = failure or httpx.ConnectError("refused")
        self._asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events") and self._answers:
            return httpx.Response(404, json={"message": "GET /workflows/w/events: Not Found"})
        self._asked += 1
        if self._asked <= self._answers:
            return httpx.Response(200, json=snapshot("running"))
        if asyncio.get_running_loop().time() < self._back_at:
            if isinstance(self._failure, int):
                return httpx.Response(self._failure, json={"message": "no"})
            raise self._failure
        return httpx.Response(200, json=snapshot("succeeded"))


@pytest.mark.looptime
async def test_an_outage_in_the_middle_is_waited_out() -> None:
    """A restart of the service, or of its machine, does not end the iteration; ``on_outage`` reports it."""
    reported: list[bool] = []
    away = httpx.MockTransport(ServiceUnavailable(OUTAGE_SECONDS * 0.9))
    async with WorkflowManager("http://service.test", transport=away) as manager:
        changes = manager.follow("w", on_outage=lambda outage: reported.append(outage is not None))
        assert [workflow.status.value async for workflow in changes] == ["running", "succeeded"]
    assert reported[0]
    assert not reported[-1]
    assert reported.count(False) == 1


@pytest.mark.looptime
async def test_an_outage_without_end_is_raised() -> None:
    """The follower waits no longer than ``outage_seconds``."""
    clock = asyncio.get_running_loop().time
    away = httpx.MockTransport(ServiceUnavailable(1e6))
    async with WorkflowManager("http://service.test", transport=away) as manager:
        with pytest.raises(errors.Unavailable, match="refused"):
            async for _ in manager.follow("w", outage_seconds=60):
                pass
    assert clock() == pytest.approx(60, abs=15)


@pytest.mark.looptime
async def test_an_outage_is_waited_out_for_as_long_as_the_timeout() -> None:
    """The time-out of the caller is what counts."""
    async with WorkflowManager(
        "http://service.test", transport=httpx.MockTransport(ServiceUnavailable(1800))
    ) as manager:
        assert (await manager.wait("w", timeout_seconds=3600)).status.value == "succeeded"


RESTARTS = [httpx.ConnectError("refused"), httpx.ReadError("cut"), httpx.ReadTimeout("slow"), 502, 503, 504, 429]


@pytest.mark.looptime
@pytest.mark.parametrize("failure", RESTARTS)
async def test_an_outage_that_begins_before_the_first_answer_is_waited_out(failure: Exception | int) -> None:
    """Following can start during a deployment."""
    reported: list[bool] = []
    away = httpx.MockTransport(ServiceUnavailable(120, answers=0, failure=failure))
    async with WorkflowManager("http://service.test", transport=away) as manager:
        assert (await manager.wait("w")).status.value == "succeeded"
    away = httpx.MockTransport(ServiceUnavailable(120, answers=0, failure=failure))
    async with WorkflowManager("http://service.test", transport=away) as manager:
        changes = manager.follow("w", on_outage=lambda outage: reported.append(outage is not None))
        assert [workflow.status.value async for workflow in changes] == ["succeeded"]
    assert reported[0]
    assert reported.count(False) == 1


@pytest.mark.looptime
async def test_an_outage_at_the_start_without_end_is_raised() -> None:
    """The tolerance is the same as later."""
    away = httpx.MockTransport(ServiceUnavailable(1e6, answers=0))
    async with WorkflowManager("http://service.test", transport=away) as manager:
        with pytest.raises(errors.Unavailable, match="refused"):
            async for _ in manager.follow("w", outage_seconds=60):
                pass
    assert asyncio.get_running_loop().time() == pytest.approx(60, abs=15)


@pytest.mark.looptime
async def test_an_outage_without_any_answer_before_may_have_a_shorter_limit() -> None:
    """A policy says so, such as that of the command line."""
    away = httpx.MockTransport(ServiceUnavailable(1e6, answers=0))
    policy = RetryPolicy(refused_seconds=8)
    async with WorkflowManager("http://service.test", transport=away, retries=policy) as manager:
        with pytest.raises(errors.Unavailable, match="refused"):
            async for _ in manager.follow("w"):
                pass
    assert asyncio.get_running_loop().time() == pytest.approx(8, abs=5)


async def test_a_fault_at_the_start_is_raised_at_once() -> None:
    """So is a response from another server: a wrong URL is an error at once."""
    service = Scripted([OUTAGE])
    with pytest.raises(errors.Unavailable):
        await follow(service)
    assert len(service.asked) == 1


async def test_a_workflow_that_is_gone_is_raised() -> None:
    """Waiting cannot bring it back."""
    service = Scripted([snapshot("running"), 404])
    with pytest.raises(errors.NotFound):
        await follow(service)


async def test_wait_returns_the_ended_workflow() -> None:
    """It asks for the status only, and for the jobs at the end."""
    service = Scripted([snapshot("queued"), snapshot("running"), snapshot("failed", reason="Boom")])
    async with service.manager() as manager:
        workflow = await manager.wait("w", timeout_seconds=30)
    assert workflow.status_reason == "Boom"
    assert service.asked == [*["fetchHistory=false"] * 3, "fetchHistory=true"]


async def test_wait_gives_up_after_its_time() -> None:
    """The workflow continues; TimeoutError names its last status."""
    service = Scripted([snapshot("running")])
    async with service.manager() as manager:
        with pytest.raises(TimeoutError, match=r"^Workflow w is running after 0\.05 s\.$"):
            await manager.wait("w", timeout_seconds=0.05)


@pytest.mark.looptime
async def test_wait_tells_that_nothing_was_ever_read() -> None:
    """It may be the service that took too long."""
    away = httpx.MockTransport(ServiceUnavailable(1e6, answers=0))
    async with WorkflowManager("http://service.test", transport=away) as manager:
        with pytest.raises(TimeoutError, match=r"^Workflow w was never read after 60 s\.$"):
            await manager.wait("w", timeout_seconds=60)
