"""How the memory store keeps workflows: in another form, and with nothing lost.

Covers `app.store.memory_records`.
"""

import gc
import tracemalloc
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store.memory_records import PACKED, PLAIN, CompactWorkflows
from tests import samples
from workflow_manager import models

TEXT = st.sampled_from(["", "a", "a:", ":a", "é", "two words", "x" * 50])
MAYBE_TEXT = st.none() | TEXT
TIMES = st.integers(0, 4 * 10**12).map(lambda milliseconds: samples.EPOCH + timedelta(milliseconds=milliseconds))
LOCAL_TIMES = TIMES.map(lambda moment: moment.astimezone(timezone(timedelta(hours=5, minutes=30))))
MAYBE_TIMES = st.none() | TIMES | LOCAL_TIMES


def resource(name: str | None, uri: str) -> models.JobResource:
    """Return what a job ran on."""
    return models.JobResource(
        name=name, namespace="dev", uri=uri, type=models.resource_type(uri), last_updated=samples.EPOCH
    )


def workflow_of(fields: dict[str, Any]) -> models.Workflow:
    """Return a workflow with these fields."""
    return samples.workflow(**fields)


ATTEMPTS = st.fixed_dictionaries(
    {"created_at": MAYBE_TIMES, "reason": MAYBE_TEXT, "exit_code": st.none() | st.integers(-255, 255)}
).map(lambda fields: models.JobAttempt(**fields))
JOBS = st.fixed_dictionaries(
    {"id": TEXT, "state": TEXT, "status": st.sampled_from(models.JobStatus), "created_at": TIMES | LOCAL_TIMES},
    optional={
        "status_reason": MAYBE_TEXT,
        "error": MAYBE_TEXT,
        "cause": MAYBE_TEXT,
        "started_at": MAYBE_TIMES,
        "stopped_at": MAYBE_TIMES,
        "input": MAYBE_TEXT,
        "output": MAYBE_TEXT,
        "container": MAYBE_TEXT,
        "state_resource": st.builds(resource, MAYBE_TEXT, TEXT),
        "attempts": st.lists(ATTEMPTS, max_size=2).map(tuple),
        "parent": MAYBE_TEXT,
        "branch": st.integers(0, 9),
        "iteration": st.integers(0, 9),
    },
).map(lambda fields: models.Job(type="Task", **fields))
WORKFLOWS = st.fixed_dictionaries(
    {"workflow_id": TEXT, "execution_arn": TEXT, "status": st.sampled_from(models.WorkflowStatus)},
    optional={
        "created_at": TIMES,
        "started_at": MAYBE_TIMES,
        "stopped_at": MAYBE_TIMES,
        "observed_at": MAYBE_TIMES,
        "workflow_definition": st.sampled_from(["a", "b"]).map(samples.definition),
        "namespace": TEXT,
        "queue": TEXT,
        "priority": st.integers(0, 9),
        "output": MAYBE_TEXT,
        "resolved_by_user": st.booleans(),
        "retry_for": MAYBE_TEXT,
        "retries": st.lists(TEXT, max_size=2).map(tuple),
        "tags": st.dictionaries(TEXT, TEXT, max_size=3),
        "jobs": st.lists(JOBS, max_size=2).map(tuple),
        "last_job": st.none() | JOBS,
        "status_reason": MAYBE_TEXT,
        "error": MAYBE_TEXT,
        "revision": st.integers(0, 10**6),
        "details_pending": st.booleans(),
        "request_fingerprint": MAYBE_TEXT,
    },
).map(workflow_of)
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def kept(workflow: models.Workflow) -> models.Workflow:
    """Return a workflow as it comes back."""
    workflows = CompactWorkflows()
    workflows["x"] = workflow
    return workflows["x"]


@EXAMPLES
@given(WORKFLOWS)
def test_a_workflow_comes_back_as_it_was_put(workflow: models.Workflow) -> None:
    back = kept(workflow)

    assert back == workflow
    assert back.model_dump_json(by_alias=True) == workflow.model_dump_json(by_alias=True)
    assert [(type(value)) for _, value in back] == [type(value) for _, value in workflow]


@EXAMPLES
@given(WORKFLOWS, WORKFLOWS)
def test_workflows_do_not_change_each_other(first: models.Workflow, second: models.Workflow) -> None:
    workflows = CompactWorkflows()
    workflows["1"] = first
    workflows["2"] = second

    assert (workflows["1"], workflows["2"]) == (first, second)


def test_every_field_is_kept() -> None:
    assert sorted((*PACKED, *PLAIN)) == sorted(models.Workflow.model_fields)


def test_text_that_is_no_proper_unicode_comes_back() -> None:
    job = samples_job(output='"\ud800"')

    assert kept(samples.workflow("x", jobs=(job,), last_job=job, input="\udfff")).jobs == (job,)


def test_workflows_share_their_definition() -> None:
    workflows = CompactWorkflows()
    for name in ("1", "2"):
        workflows[name] = samples.workflow(name)

    assert workflows["1"].workflow_definition is workflows["2"].workflow_definition


def test_definitions_that_differ_are_not_mixed_up() -> None:
    other = {**samples.ECHO, "Comment": "another one"}
    workflows = CompactWorkflows()
    workflows["1"] = samples.workflow("1")
    workflows["2"] = samples.workflow("2", workflow_definition=samples.definition(machine=other))

    assert workflows["1"].workflow_definition.state_machine == samples.ECHO
    assert workflows["2"].workflow_definition.state_machine == other


def test_the_tags_that_come_back_are_the_readers_own() -> None:
    workflows = CompactWorkflows()
    workflows["1"] = samples.workflow("1", tags={"a": "b"})

    workflows["1"].tags["a"] = "changed"

    assert workflows["1"].tags == {"a": "b"}


@pytest.mark.parametrize("fields", [{}, {"jobs": 2}], ids=["listed only", "with jobs"])
def test_the_garbage_collector_lets_a_record_go(fields: dict[str, Any]) -> None:
    jobs = tuple(samples_job(id=str(number)) for number in range(fields.get("jobs", 0)))
    workflows = CompactWorkflows()
    workflows["1"] = samples.workflow(
        "1",
        tags={"a": "b"},
        started_at=samples.EPOCH,
        retries=("2", "3"),
        jobs=jobs,
        last_job=jobs[-1] if jobs else None,
        status=models.WorkflowStatus.RUNNING,
    )
    gc.collect()
    gc.collect()  # what holds a tuple is looked at before the tuple is let go

    assert not gc.is_tracked(workflows._records["1"])


def samples_job(**fields: Any) -> models.Job:
    values: dict[str, Any] = {
        "id": "2",
        "state": "echo",
        "type": "Task",
        "status": models.JobStatus.RUNNING,
        "created_at": samples.EPOCH,
    }
    return models.Job(**(values | fields))


def test_jobs_with_many_payloads_are_held_deflated() -> None:
    """Like those of a loop that hands on the same document."""
    workflows = CompactWorkflows()
    job = models.Job(
        id="2",
        state="a",
        type="Pass",
        status=models.JobStatus.SUCCEEDED,
        created_at=samples.EPOCH,
        input="x" * 100_000,
        output="x" * 100_000,
    )
    workflow = samples.workflow("w", jobs=(job,) * 50, last_job=job)

    tracemalloc.start()
    workflows["w"] = workflow
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 1_000_000
    assert workflows["w"] == workflow
