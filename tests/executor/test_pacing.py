"""Calls of Step Functions: each attempt waits for its quota, and what got no answer is repeated."""

from typing import Any, cast

import pytest

from app import errors
from app.executor import Quotas, paced
from app.executor.pacing import ATTEMPTS
from app.executor.quotas import Quota
from tests.rig import Rig

ARN = "arn:aws:states:us-west-2:123456789012:stateMachine:dev--echo--0--echo"


def quotas(rig: Rig, **actions: Quota) -> Quotas:
    """Return quotas on the clock of a rig."""
    return Quotas(actions, clock=rig.clock.seconds)


async def start(rig: Rig, limits: Quotas | None = None) -> Any:
    """Start an execution through a paced client."""
    await rig.sfn.create_state_machine(name=ARN.rpartition(":")[2], definition="{}", roleArn="", tags=[])
    client = paced(cast("Any", rig.sfn), limits or quotas(rig))
    return await client.start_execution(stateMachineArn=ARN, name="w", input="{}")


@pytest.mark.parametrize("failure", [errors.Throttled(), errors.NoAnswer()])
async def test_an_attempt_that_failed_is_repeated(rig: Rig, failure: Exception) -> None:
    rig.sfn.fail_next("start_execution", *[failure] * (ATTEMPTS - 1))

    assert (await start(rig))["executionArn"].endswith(":w")


@pytest.mark.parametrize("failure", [errors.Throttled(), errors.NoAnswer()])
async def test_there_are_no_more_attempts_than_it_takes(rig: Rig, failure: Exception) -> None:
    rig.sfn.fail_next("start_execution", *[failure] * 10)

    with pytest.raises(type(failure)):
        await start(rig)
    assert rig.sfn.calls["start_execution"] == ATTEMPTS


@pytest.mark.parametrize(
    "failure",
    [errors.LimitReached(), errors.CredentialsRejected(), errors.Unavailable(), errors.RefusedByAWS("no")],
)
async def test_what_a_repetition_cannot_help_is_not_repeated(rig: Rig, failure: Exception) -> None:
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


@pytest.mark.parametrize("refusal", [errors.AccessDenied("no"), errors.RefusedByAWS("no")])
async def test_a_refusal_says_nothing_of_an_attempt_before_it_that_got_no_answer(rig: Rig, refusal: Exception) -> None:
    rig.sfn.fail_next("start_execution", errors.NoAnswer(), refusal)

    with pytest.raises(errors.NoAnswer, match="at first, and then: no"):
        await start(rig)


async def test_a_refusal_after_a_throttled_attempt_is_definite(rig: Rig) -> None:
    rig.sfn.fail_next("start_execution", errors.Throttled(), errors.AccessDenied("no"))

    with pytest.raises(errors.AccessDenied):
        await start(rig)
