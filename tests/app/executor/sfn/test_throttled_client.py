"""Calls of Step Functions: each attempt waits for its quota, and what got no answer is repeated.

Covers `app.executor.sfn.throttled_client` and `app.executor.sfn.circuit_breaker`.
"""

import asyncio
from typing import Any, cast

import pytest

from app.executor import CircuitBreaker, Quotas, throttled
from app.executor.sfn.circuit_breaker import FAILURES, PROBE_SECONDS, SLOW_SECONDS
from app.executor.sfn.quotas import Quota
from app.executor.sfn.throttled_client import ATTEMPTS
from tests.rig import Rig
from workflow_manager import errors

ARN = "arn:aws:states:us-west-2:123456789012:stateMachine:dev--echo--0--echo"


def quotas(rig: Rig, **actions: Quota) -> Quotas:
    """Return quotas on the clock of a rig."""
    return Quotas(actions, clock=rig.clock.seconds)


async def start(rig: Rig, limits: Quotas | None = None, circuit_breaker: CircuitBreaker | None = None) -> Any:
    """Start an execution through a paced client."""
    await rig.sfn.create_state_machine(name=ARN.rpartition(":")[2], definition="{}", roleArn="", tags=[])
    client = throttled(cast("Any", rig.sfn), limits or quotas(rig), circuit_breaker)
    return await client.start_execution(stateMachineArn=ARN, name="w", input="{}")


async def ask(rig: Rig) -> Any:
    """Ask for an execution through a paced client."""
    arn = (await start(rig))["executionArn"]
    return await throttled(cast("Any", rig.sfn), quotas(rig)).describe_execution(executionArn=arn)


@pytest.mark.parametrize("failure", [errors.Throttled(), errors.NoAnswer()])
async def test_an_attempt_that_failed_is_repeated(rig: Rig, failure: Exception) -> None:
    rig.sfn.fail_next("describe_execution", *[failure] * (ATTEMPTS - 1))

    assert (await ask(rig))["status"] == "RUNNING"


@pytest.mark.parametrize("failure", [errors.Throttled(), errors.NoAnswer()])
async def test_there_are_no_more_attempts_than_it_takes(rig: Rig, failure: Exception) -> None:
    rig.sfn.fail_next("describe_execution", *[failure] * 10)

    with pytest.raises(type(failure)):
        await ask(rig)
    assert rig.sfn.calls["describe_execution"] == ATTEMPTS


@pytest.mark.parametrize(
    "failure",
    [
        errors.Throttled(),  # whoever wants to start something comes back later
        errors.LimitReached(),
        errors.CredentialsRejected(),
        errors.Unavailable(),
        errors.RefusedByAWS("no"),
    ],
)
async def test_a_start_that_a_repetition_cannot_help_is_not_repeated(rig: Rig, failure: Exception) -> None:
    rig.sfn.fail_next("start_execution", failure)

    with pytest.raises(type(failure)):
        await start(rig)
    assert rig.sfn.calls["start_execution"] == 1


async def test_every_attempt_counts_against_the_quota(rig: Rig) -> None:
    limits = quotas(rig, StartExecution=Quota(100, 10))
    rig.sfn.fail_next("start_execution", errors.NoAnswer(), errors.NoAnswer())

    await start(rig, limits)

    (headroom,) = limits.headroom()
    assert (headroom.calls, headroom.available) == (3, 97)


@pytest.mark.parametrize("refusal", [errors.AccessDenied("no"), errors.RefusedByAWS("no"), errors.AWSError("no")])
async def test_a_refusal_says_nothing_of_an_attempt_before_it_that_got_no_answer(rig: Rig, refusal: Exception) -> None:
    rig.sfn.fail_next("start_execution", errors.NoAnswer(), refusal)

    with pytest.raises(errors.NoAnswer, match="at first, and then: no"):
        await start(rig)


async def test_starts_without_an_answer_are_an_outage_until_there_is_one(rig: Rig) -> None:
    circuit_breaker = CircuitBreaker(clock=rig.clock.seconds)
    rig.sfn.fail_next("start_execution", *[errors.NoAnswer()] * FAILURES)

    with pytest.raises(errors.NoAnswer):
        await start(rig, circuit_breaker=circuit_breaker)
    is_open = circuit_breaker.is_open
    await start(rig, circuit_breaker=circuit_breaker)

    assert (is_open, circuit_breaker.is_open) == (True, False)


@pytest.mark.parametrize("answer", [errors.Throttled(), errors.RefusedByAWS("no"), errors.LimitReached()])
async def test_a_refusal_is_an_answer(rig: Rig, answer: Exception) -> None:
    circuit_breaker = CircuitBreaker(clock=rig.clock.seconds)
    for _ in range(FAILURES):
        circuit_breaker.record_failure()
    rig.sfn.fail_next("start_execution", answer)

    with pytest.raises(type(answer)):
        await start(rig, circuit_breaker=circuit_breaker)

    assert not circuit_breaker.is_open


@pytest.mark.looptime
@pytest.mark.parametrize(("seconds", "is_open"), [(0.1, False), (SLOW_SECONDS, True)])
async def test_a_start_that_is_given_up_counts_when_it_took_long(rig: Rig, seconds: float, is_open: bool) -> None:
    circuit_breaker = CircuitBreaker(clock=rig.clock.seconds)
    rig.sfn.before["start_execution"] = lambda: asyncio.sleep(3600)
    for _ in range(FAILURES):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await start(rig, circuit_breaker=circuit_breaker)

    assert circuit_breaker.is_open is is_open


def test_in_an_outage_one_start_at_a_time_is_tried(rig: Rig) -> None:
    circuit_breaker = CircuitBreaker(clock=rig.clock.seconds)
    assert [circuit_breaker.allow() for _ in range(3)] == [True] * 3
    for _ in range(FAILURES):
        circuit_breaker.record_failure()

    first = [circuit_breaker.allow() for _ in range(3)]
    rig.clock.advance(PROBE_SECONDS)
    second = [circuit_breaker.allow() for _ in range(3)]

    assert first == second == [True, False, False]
