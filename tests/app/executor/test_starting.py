"""Starting workflows.

Covers `app.executor.executor` and `app.executor.outbox`.
"""

import asyncio

import pytest

from app.executor.sfn.circuit_breaker import FAILURES
from app.executor.sfn.quotas import Quota
from app.executor.sfn.state_machines import GOOD_FOR_SECONDS
from app.executor.sfn.throttled_client import ATTEMPTS
from app.poller.refresher import GRACE
from tests.rig import ROLE_ARN, Rig
from workflow_manager import errors, models
from workflow_manager.models import WorkflowStatus


async def test_a_started_workflow_is_recorded_as_queued_with_its_execution(rig: Rig) -> None:
    await rig.define(tags={"team": "infra", "tier": "1"})

    workflow = await rig.start(input='{"foo":true}', tags={"tier": "2"})

    assert workflow.status is WorkflowStatus.QUEUED
    assert workflow.input == '{"foo":true}'
    assert workflow.tags == {"team": "infra", "tier": "2"}
    assert workflow.queue == "default"
    assert rig.sfn.execution(workflow.id).arn == workflow.execution_arn
    assert rig.sfn.inputs() == [{"foo": True, "_EXECUTION_NAME": workflow.id}]
    assert await rig.store.get_workflow(workflow.id) == workflow


async def test_a_warm_start_is_one_call_and_one_write(rig: Rig) -> None:
    await rig.define()
    await rig.start()
    before = rig.sfn.calls.copy()

    workflow = await rig.start()

    assert rig.sfn.calls - before == {"start_execution": 1}
    assert workflow.revision == 0


async def test_a_cold_start_creates_the_state_machine_without_asking_first(rig: Rig) -> None:
    await rig.define()
    await rig.start()

    assert rig.sfn.calls == {"create_activity": 1, "create_state_machine": 1, "start_execution": 1}


async def test_concurrent_first_starts_create_the_state_machine_once(rig: Rig) -> None:
    await rig.define()
    rig.sfn.before["create_state_machine"] = lambda: asyncio.sleep(0)

    await asyncio.gather(*(rig.start() for _ in range(100)))

    assert rig.sfn.calls == {"create_activity": 1, "create_state_machine": 1, "start_execution": 100}


async def test_a_caller_that_goes_away_does_not_stop_the_creation_for_others(rig: Rig) -> None:
    await rig.define()
    reached, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await go.wait()

    rig.sfn.before["create_state_machine"] = hold
    first = asyncio.create_task(rig.start())
    await reached.wait()
    second = asyncio.create_task(rig.start())
    await asyncio.sleep(0)
    first.cancel()
    go.set()

    workflow = await second

    assert rig.sfn.execution(workflow.id)
    assert rig.sfn.calls["create_state_machine"] == 1


async def test_a_state_machine_that_was_deleted_outside_is_made_again(rig: Rig) -> None:
    await rig.define()
    await rig.start()
    rig.sfn.machines.clear()

    workflow = await rig.start()

    assert rig.sfn.execution(workflow.id)


async def test_a_changed_state_resource_updates_the_state_machine_at_the_next_start(rig: Rig) -> None:
    await rig.define()
    await rig.start()
    uri = "arn:aws:states:us-west-2:123456789012:activity:other"
    await rig.registry.put_state_resource(models.NewStateResource(namespace="dev", name="echo", uri=uri))

    await rig.start()

    (machine,) = rig.sfn.machines.values()
    assert uri in machine["definition"]
    assert rig.sfn.calls["update_state_machine"] == 1


async def resource(rig: Rig, uri: str) -> None:
    """Say what the name ``echo`` stands for."""
    await rig.registry.put_state_resource(models.NewStateResource(name="echo", namespace="dev", uri=uri))


async def test_what_another_replica_made_of_a_state_machine_is_noticed_after_a_minute(rig: Rig) -> None:
    replica = Rig(replica_of=rig)
    await rig.define()
    await resource(rig, "arn:one")
    await rig.start()
    await resource(replica, "arn:two")
    await replica.start()
    await resource(rig, "arn:one")
    rig.clock.advance(GOOD_FOR_SECONDS)

    await rig.start()

    (machine,) = rig.sfn.machines.values()
    assert '"arn:one"' in machine["definition"]
    assert rig.sfn.calls["describe_state_machine"] == 1


async def test_a_state_machine_that_is_as_it_was_costs_one_question_a_minute(rig: Rig) -> None:
    await rig.define()
    for _ in range(10):
        rig.clock.advance(GOOD_FOR_SECONDS / 2)
        await asyncio.gather(*(rig.start() for _ in range(3)))

    assert rig.sfn.calls["describe_state_machine"] == 4
    assert rig.sfn.calls["create_state_machine"] == 1
    assert rig.sfn.calls["update_state_machine"] == 0


async def test_a_state_machine_gets_the_role_that_is_set_now(rig: Rig) -> None:
    await rig.define()
    await rig.start()
    (machine,) = rig.sfn.machines.values()
    machine["roleArn"] = "arn:aws:iam::123456789012:role/old"
    rig.clock.advance(GOOD_FOR_SECONDS)

    await rig.start()

    (machine,) = rig.sfn.machines.values()
    assert machine["roleArn"] == ROLE_ARN


async def test_a_state_machine_that_was_deleted_meanwhile_is_made_again(rig: Rig) -> None:
    await rig.define()
    await rig.start()
    rig.sfn.machines.clear()
    rig.clock.advance(GOOD_FOR_SECONDS)

    await rig.start()

    assert (rig.sfn.calls["create_state_machine"], rig.sfn.calls["start_execution"]) == (2, 2)


async def test_a_state_machine_that_aws_does_not_see_although_it_is_made_is_left_to_the_poller(rig: Rig) -> None:
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.StateMachineNotFound(), errors.StateMachineNotFound())

    workflow = await rig.start()

    assert workflow.status is WorkflowStatus.QUEUED
    assert (await rig.store.get_workflow(workflow.id)).start_pending


async def test_an_answer_that_nobody_knows_is_no_refusal(rig: Rig) -> None:
    """Only a definite refusal may end a workflow: the execution may run, whatever the answer means."""
    await rig.define()
    rig.sfn.fail_next("start_execution", errors.AWSError("SomethingNewException: no"))

    workflow = await rig.start()
    rig.clock.advance(GRACE.total_seconds())
    await rig.poller.poll_once()

    assert rig.sfn.execution(workflow.id).status == "RUNNING"


async def test_a_state_machine_that_is_deleted_while_it_is_updated_is_made_again(rig: Rig) -> None:
    await rig.define()
    rig.sfn.fail_next("create_state_machine", errors.StateMachineExists())
    rig.sfn.fail_next("update_state_machine", errors.StateMachineNotFound())

    workflow = await rig.start()
    rig.clock.advance(GRACE.total_seconds())
    await rig.poller.poll_once()

    assert rig.sfn.execution(workflow.id).status == "RUNNING"


def out(rig: Rig) -> None:
    """Have Step Functions be down, as far as a process knows."""
    for _ in range(FAILURES):
        rig.circuit_breaker.record_failure()


async def test_during_an_outage_workflows_are_recorded_at_once_and_one_start_a_second_is_tried(rig: Rig) -> None:
    await rig.define()
    out(rig)
    rig.sfn.before["start_execution"] = _no_answer

    workflows = [await rig.start() for _ in range(10)]

    assert all(workflow.status is WorkflowStatus.QUEUED for workflow in workflows)
    assert rig.sfn.calls["start_execution"] <= ATTEMPTS
    assert len((await rig.store.list_active_workflows(limit=20)).ids) == 10


async def _no_answer() -> None:
    raise errors.NoAnswer


async def test_a_start_that_works_ends_an_outage(rig: Rig) -> None:
    await rig.define()
    out(rig)

    await rig.start()
    await rig.start()

    assert len(rig.sfn.executions) == 2


async def test_who_finds_others_waiting_for_the_quota_is_left_to_the_dispatcher() -> None:
    rig = Rig(quotas={"StartExecution": Quota(2, 1)})
    await rig.define()

    workflows = [await rig.start() for _ in range(3)]

    stored = [await rig.store.get_workflow(workflow.id) for workflow in workflows]
    assert [workflow.start_pending for workflow in stored] == [False, False, True]


async def test_another_process_finding_the_same_state_machine_does_not_update_it(rig: Rig) -> None:
    await rig.define()
    await rig.start()
    replica = Rig(replica_of=rig)

    await replica.start()

    assert rig.sfn.calls["update_state_machine"] == 0


@pytest.mark.parametrize(("version", "expected"), [(-1, 1), (0, 0), (1, 1)])
async def test_the_version_asked_for_is_run(rig: Rig, version: int, expected: int) -> None:
    definition = await rig.define()
    await rig.registry.update_definition(
        "echo", models.NewWorkflowDefinitionRequest(name="echo", state_machine=definition.state_machine)
    )

    workflow = await rig.start(workflow_definition=models.WorkflowDefinitionRef(name="echo", version=version))

    assert workflow.workflow_definition.version == expected
    assert f"dev--echo--{expected}--echo" in workflow.execution_arn


@pytest.mark.parametrize("refusal", [errors.RefusedByAWS("InvalidDefinition"), errors.AccessDenied("no")])
@pytest.mark.parametrize("operation", ["create_state_machine", "start_execution"])
async def test_a_definite_refusal_is_answered_and_leaves_no_record(
    rig: Rig, operation: str, refusal: Exception
) -> None:
    await rig.define()
    rig.sfn.fail_next(operation, refusal)

    with pytest.raises(type(refusal)):
        await rig.start()
    assert not (await rig.store.list_active_workflows(limit=1)).workflows


@pytest.mark.parametrize("silence", [errors.Unavailable(), errors.Throttled(), errors.CredentialsRejected()])
@pytest.mark.parametrize("operation", ["create_state_machine", "start_execution"])
async def test_without_a_clear_answer_the_workflow_stays_queued_and_is_started_later(
    rig: Rig, operation: str, silence: Exception
) -> None:
    await rig.define()
    rig.sfn.fail_next(operation, silence)

    workflow = await rig.start()
    rig.clock.advance(60)
    await rig.poller.poll_once()
    await rig.poller.poll_once()

    assert (await rig.store.get_workflow(workflow.id)).status is WorkflowStatus.RUNNING
    assert len(rig.sfn.executions) == 1


async def test_an_input_that_is_too_large_is_refused_before_anything_is_recorded(rig: Rig) -> None:
    await rig.define()

    with pytest.raises(errors.InvalidInput):
        await rig.start(input={"a": "x" * 262_144})
    assert rig.sfn.calls.total() == 0
    assert not (await rig.store.list_active_workflows(limit=1)).workflows


async def test_a_repeated_key_with_the_same_request_is_the_same_workflow(rig: Rig) -> None:
    await rig.define()

    first = await rig.start(key="k", input="{}")
    second = await rig.start(key="k", input="{}")

    assert first.id == second.id
    assert len(rig.sfn.executions) == 1


async def test_concurrent_requests_with_one_key_make_one_workflow(rig: Rig) -> None:
    await rig.define()
    rig.sfn.before["start_execution"] = lambda: asyncio.sleep(0)

    workflows = await asyncio.gather(*(rig.start(key="k") for _ in range(20)))

    assert len({workflow.id for workflow in workflows}) == 1
    assert len(rig.sfn.executions) == 1


async def test_a_repeated_key_with_another_request_is_refused(rig: Rig) -> None:
    await rig.define()
    await rig.start(key="k")

    with pytest.raises(errors.IdempotencyKeyReused):
        await rig.start(key="k", input='{"other":1}')


async def test_a_state_machine_is_tagged_with_where_it_comes_from(rig: Rig) -> None:
    await rig.define(tags={"team": "infra", "note": "a;b"})
    await rig.start()

    (machine,) = rig.sfn.machines.values()

    assert {tag["key"]: tag["value"] for tag in machine["tags"]} == {
        "application": "echo",
        "environment": "dev",
        "workflow-definition-name": "echo",
        "workflow-definition-version": "0",
        "workflow-definition-start-at": "echo",
        "team": "infra",
        "note": "a-b",
    }


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"paused": True}, "waits: the queue slow is paused"),
        ({"max_running": 1}, "waits for its turn: the queue slow has limits"),
        ({"starts_per_second": 1}, "waits for its turn: the queue slow has limits"),
    ],
)
async def test_who_looks_at_a_workflow_that_waits_is_told_why(rig: Rig, limits: dict[str, object], reason: str) -> None:
    await rig.define()
    await rig.queues.put("slow", models.QueueLimits.model_validate(limits))
    workflow = await rig.start(queue="slow")

    shown = await rig.executor.get(workflow.id)

    assert shown.status_reason == reason
    assert (await rig.store.get_workflow(workflow.id)).status_reason is None


async def test_in_an_outage_it_is_told_that_step_functions_does_not_answer(rig: Rig) -> None:
    await rig.define()
    out(rig)
    await rig.start()  # finds out whether it is over
    out(rig)
    workflow = await rig.start()

    assert (await rig.executor.get(workflow.id)).status_reason == "waits: Step Functions does not answer"
