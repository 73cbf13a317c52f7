"""Redriving executions: throttled, and once for each token.

Covers `app.executor.sfn.redrive`, `app.executor.sfn.quotas` and `app.executor.sfn.throttled_client`.
"""

import json
from datetime import timedelta
from typing import Any, cast

import pytest

from app.executor import Quotas, throttled
from app.executor.observations import RunReading, from_description, from_row
from app.executor.sfn import quotas
from app.executor.sfn.quotas import Quota
from app.executor.sfn.redrive import redrive
from app.settings import Settings
from tests.rig import Rig
from tests.sdk.local.workbench import ROLE, unique
from workflow_manager import aws, errors
from workflow_manager.models import WorkflowStatus

NAME = "dev--echo--0--echo"
ARN = f"arn:aws:states:us-west-2:123456789012:execution:{NAME}:w"


async def failed(rig: Rig) -> None:
    """Start an execution and let it fail."""
    await rig.sfn.create_state_machine(name=NAME, definition="{}", roleArn="", tags=[])
    machine_arn = f"arn:aws:states:us-west-2:123456789012:stateMachine:{NAME}"
    await rig.sfn.start_execution(stateMachineArn=machine_arn, name="w", input="{}")
    rig.sfn.fail("w", "Broken", "on purpose")


def client(rig: Rig, **limits: Quota) -> Any:
    """Return a throttled client of the rig's Step Functions."""
    return throttled(cast("Any", rig.sfn), Quotas(limits, clock=rig.clock.seconds))


@pytest.mark.parametrize("name", ["large", "other", "embedded"])
def test_redrives_have_a_quota(name: str) -> None:
    assert quotas.preset(name)["RedriveExecution"] == Quota(1300, 300)


async def test_a_redrive_counts_against_its_quota(rig: Rig) -> None:
    await failed(rig)
    limits = Quotas({"RedriveExecution": Quota(10, 1)}, clock=rig.clock.seconds)

    date = await redrive(throttled(cast("Any", rig.sfn), limits), ARN, client_token="w-1")

    assert (date, limits.headroom()[0].calls) == (rig.clock.now(), 1)
    assert (rig.sfn.execution("w").status, rig.sfn.execution("w").redrives.count) == ("RUNNING", 1)


async def test_a_redrive_without_an_answer_is_repeated_and_happens_once(rig: Rig) -> None:
    await failed(rig)
    await redrive(client(rig), ARN, client_token="w-1")
    rig.sfn.fail("w", "Broken", "again")
    rig.sfn.fail_next("redrive_execution", errors.NoAnswer(), errors.Throttled())

    await redrive(client(rig), ARN, client_token="w-1")

    assert (rig.sfn.calls["redrive_execution"], rig.sfn.execution("w").redrives.count) == (4, 1)


async def test_what_cannot_be_redriven_is_told_in_the_words_of_aws(rig: Rig) -> None:
    await failed(rig)
    rig.clock.advance(timedelta(days=14, minutes=1).total_seconds())

    with pytest.raises(errors.NotRedrivable, match="Execution redrivable period exceeded"):
        await redrive(client(rig), ARN, client_token="w-1")


async def test_after_an_attempt_without_an_answer_a_refusal_tells_how_things_are(rig: Rig) -> None:
    """Step Functions would have answered the token, had it taken it."""
    await failed(rig)
    rig.sfn.redrive("w")
    rig.sfn.fail_next("redrive_execution", errors.NoAnswer())

    with pytest.raises(errors.NotRedrivable, match="is RUNNING"):
        await redrive(client(rig), ARN, client_token="w-1")


async def test_every_answer_of_the_embedded_aws_tells_of_redrives(
    local_aws_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws_url)
    definition = json.dumps({"StartAt": "Stop", "States": {"Stop": {"Type": "Wait", "Seconds": 600, "End": True}}})
    async with aws.connect(Settings(aws_region="us-west-2").aws).step_functions() as sfn:
        machine = await sfn.create_state_machine(name=unique("m"), definition=definition, roleArn=ROLE)
        machine_arn = machine["stateMachineArn"]
        arn = (await sfn.start_execution(stateMachineArn=machine_arn))["executionArn"]
        await sfn.stop_execution(executionArn=arn)

        first = await redrive(sfn, arn, client_token="w-1")
        again = await redrive(sfn, arn, client_token="w-1")

        (row,) = (await sfn.list_executions(stateMachineArn=machine_arn))["executions"]
        reading = RunReading(json.loads(definition))
        reading.add((await sfn.get_execution_history(executionArn=arn))["events"])
        seen = from_description(await sfn.describe_execution(executionArn=arn)), from_row(row), reading.observation()
        with pytest.raises(errors.NotRedrivable, match="Execution is RUNNING and cannot be redriven"):
            await redrive(sfn, arn, client_token="w-2")
    assert first == again
    assert [(one.status, one.redrives) for one in seen] == [(WorkflowStatus.RUNNING, 1)] * 3
