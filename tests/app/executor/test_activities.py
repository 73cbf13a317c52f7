"""A workflow that is submitted before its worker ever ran waits for it: its activities are there before its start.

Covers `app.executor.activities`.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.executor.sfn.quotas import LARGE, Quota
from app.executor.sfn.state_machines import NEW_FOR
from tests.rig import LoopClock, Rig
from workflow_manager import errors, models
from workflow_manager.models import WorkflowStatus

ACTIVITY = "arn:aws:states:us-west-2:123456789012:activity:"


def tasks(*resources: str) -> dict[str, Any]:
    """Return a machine with a branch for each resource."""
    branches = [
        {"StartAt": f"task {number}", "States": {f"task {number}": {"Type": "Task", "Resource": resource, "End": True}}}
        for number, resource in enumerate(resources)
    ]
    return {"StartAt": "all", "States": {"all": {"Type": "Parallel", "Branches": branches, "End": True}}}


def created(rig: Rig) -> set[str]:
    return {arn.removeprefix(ACTIVITY) for arn in rig.sfn.activities}


async def test_activities_are_there_before_the_first_start(rig: Rig) -> None:
    """Those of this account and region, however they are written; nothing else is an activity of ours."""
    registered = models.NewStateResource(name="renamed", namespace="dev", uri=f"{ACTIVITY}registered")
    await rig.registry.put_state_resource(registered)
    await rig.define(
        tasks(
            "resize",
            "resize",
            "renamed",
            f"{ACTIVITY}written-out",
            "lambda:resize",
            "glue:resize",
            "arn:aws:states:::sqs:sendMessage",
            "arn:aws:states:us-west-2:999999999999:activity:foreign",
            "arn:aws:states:eu-west-1:123456789012:activity:foreign",
        )
    )
    seen: set[str] = set()

    async def look() -> None:
        seen.update(created(rig))

    rig.sfn.before["start_execution"] = look
    await rig.start()
    assert seen == {"dev--resize", "registered", "written-out"}
    assert rig.sfn.calls["create_activity"] == 3


async def test_every_namespace_has_activities_of_its_own(rig: Rig) -> None:
    await rig.define()
    for namespace in ("dev", "production", "dev"):
        await rig.start(namespace=namespace)
    assert created(rig) == {"dev--echo", "production--echo"}


async def test_an_activity_is_created_once_for_all_machines(rig: Rig) -> None:
    await rig.define()
    await rig.define(name="other")
    reference = models.WorkflowDefinitionRef(name="other")
    await asyncio.gather(rig.start(), rig.start(workflow_definition=reference), rig.start())
    assert rig.sfn.calls["create_activity"] == 1


async def test_a_machine_that_gets_another_definition_gets_its_activities(rig: Rig) -> None:
    """A state resource may stand for another activity now."""
    await rig.define(tasks("resize"))
    rig.sfn.fail_next("create_state_machine", errors.StateMachineExists())
    rig.sfn.machines["arn:aws:states:us-west-2:123456789012:stateMachine:dev--echo--0--all"] = {}
    await rig.start()
    assert created(rig) == {"dev--resize"}


@pytest.mark.parametrize(
    "refusal",
    [errors.AccessDenied("no"), errors.RefusedByAWS("InvalidName"), errors.LimitReached(), errors.AWSError("odd")],
)
async def test_a_refusal_is_logged_and_blocks_nothing(
    rig: Rig, log_lines: list[Any], refusal: errors.WorkflowManagerError
) -> None:
    await rig.define()
    rig.sfn.fail_next("create_activity", refusal)
    workflow = await rig.start()
    assert not workflow.start_pending
    assert rig.sfn.execution(workflow.id).status == "RUNNING"
    [line] = [line for line in log_lines if line["action"] == "ensure-activity"]
    assert (line["activity"], line["error"]) == ("dev--echo", refusal.message)


async def test_the_activities_of_an_old_machine_are_not_created_again_after_a_restart(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its activities were created before its first start, and the quota is one call a second."""
    create = rig.sfn.create_state_machine

    async def created_long_ago(**parameters: Any) -> Any:
        return {**await create(**parameters), "creationDate": rig.clock.now() - NEW_FOR - timedelta(minutes=1)}

    monkeypatch.setattr(rig.sfn, "create_state_machine", created_long_ago)
    await rig.define()
    await rig.start()
    assert rig.sfn.calls == {"create_state_machine": 1, "describe_state_machine": 1, "start_execution": 1}


@pytest.mark.looptime
async def test_more_activities_than_the_quota_allows_put_the_start_off_and_nobody_elses() -> None:
    """The workflow waits, queued, until all are there; then it starts. One without activities starts meanwhile."""
    rig = Rig(clock=LoopClock(), quotas={**LARGE, "CreateActivity": Quota(5, 1)}, poll_seconds=1.0)
    await rig.define(tasks(*(f"task-{number}" for number in range(40))))
    await rig.define({"StartAt": "done", "States": {"done": {"Type": "Succeed"}}}, name="plain")
    polling = asyncio.create_task(rig.poller.run())
    many = await rig.start()
    plain = await rig.start(workflow_definition=models.WorkflowDefinitionRef(name="plain"))
    await asyncio.sleep(10)
    assert len(created(rig)) < 40
    assert (await rig.store.get_workflow(many.id)).status is WorkflowStatus.QUEUED
    assert rig.sfn.execution(plain.id)
    await asyncio.sleep(60)
    assert len(created(rig)) == 40
    assert rig.sfn.execution(many.id).status == "RUNNING"
    rig.poller.stop()
    await polling
