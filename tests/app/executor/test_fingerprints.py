"""Failed workflows get the fingerprint of their fault with their details.

Covers `app.executor.observations`, `app.executor.reconciler` and `app.failures.fingerprint`.
"""

import pytest

from app.executor import observations
from app.executor.observations import Observation
from app.failures import fingerprint
from tests import samples
from tests.rig import Rig
from workflow_manager.models import Job, JobStatus, Workflow, WorkflowStatus


async def fail(rig: Rig, error: str, cause: str) -> Workflow:
    """Let a run fail in its first state, and see it."""
    workflow = await rig.start()
    await rig.poller.poll_once()
    rig.sfn.enter(workflow.id, "echo")
    rig.sfn.fail(workflow.id, error, cause)
    await rig.poller.poll_once()
    return await rig.store.get_workflow(workflow.id)


async def test_runs_that_fail_of_one_fault_are_found_by_its_fingerprint(rig: Rig) -> None:
    await rig.define()
    one = await fail(rig, "States.TaskFailed", "no bucket 17")
    other = await fail(rig, "States.TaskFailed", "no bucket 839")
    third = await fail(rig, "States.TaskFailed", "no queue")

    assert one.fingerprint == other.fingerprint == fingerprint.of_workflow(one).fingerprint
    assert third.fingerprint not in {None, one.fingerprint}


async def test_what_runs_or_succeeds_has_no_fingerprint(rig: Rig) -> None:
    workflow = await rig.started()
    rig.sfn.enter(workflow.id, "echo")
    await rig.poller.poll_once()
    running = await rig.store.get_workflow(workflow.id)
    rig.sfn.succeed(workflow.id)
    await rig.poller.poll_once()

    assert running.fingerprint is None
    assert (await rig.store.get_workflow(workflow.id)).fingerprint is None


async def test_a_start_that_aws_refuses_has_one_too(rig: Rig) -> None:
    await rig.define()
    workflow = await rig.start()

    ended = await rig.reconciler.end(workflow, WorkflowStatus.FAILED, "the role may not be passed")

    assert ended.fingerprint == fingerprint.of_workflow(ended).fingerprint
    assert ended.fingerprint is not None


def failed_observation(**fields: object) -> Observation:
    job = Job(
        id="2", state="echo", type="Task", status=JobStatus.FAILED, created_at=samples.EPOCH, error="T.E", cause="c"
    )
    values = {"status": WorkflowStatus.FAILED, "outcome_known": True, "jobs": (job,), "error": "T.E"} | fields
    return Observation(**values)  # type: ignore[arg-type]


def test_a_failure_without_its_details_has_none_yet() -> None:
    before = samples.workflow("a", status=WorkflowStatus.RUNNING)

    changed = observations.changes(failed_observation(jobs=None), before=before, now=samples.EPOCH)

    assert "fingerprint" not in changed


@pytest.mark.parametrize("status", [WorkflowStatus.RUNNING, WorkflowStatus.SUCCEEDED])
def test_what_is_no_failure_any_more_loses_its_fingerprint(status: WorkflowStatus) -> None:
    before = samples.workflow("a", status=WorkflowStatus.FAILED, fingerprint="1:f")

    changed = observations.changes(failed_observation(status=status), before=before, now=samples.EPOCH)

    assert changed["fingerprint"] is None


async def test_a_failure_that_was_not_read_before_is_read_for_its_fingerprint(rig: Rig) -> None:
    workflow = await rig.started()

    written = await rig.reconciler.record(workflow.id, failed_observation(), revision=workflow.revision)

    assert written.fingerprint == fingerprint.of_workflow(written).fingerprint


async def test_a_failure_whose_history_is_gone_is_told_by_its_reason(rig: Rig) -> None:
    workflow = await rig.started()
    bare = failed_observation(jobs=None, outcome_known=False, reason="Workflow timed out", error=None)
    ended = await rig.reconciler.record(workflow.id, bare, revision=workflow.revision)

    settled = await rig.reconciler.settle_details(ended, bare)

    assert (ended.fingerprint, fingerprint.of_workflow(settled).title) == (None, "Workflow timed out")
    assert settled.fingerprint == fingerprint.of_workflow(settled).fingerprint
