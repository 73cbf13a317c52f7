"""What histories fold to: recorded ones in whole, and single facts about jobs."""

from typing import Any

import pytest

from app.executor import history
from app.models import JobStatus, StateResourceType
from tests.executor.histories import recorded
from tests.executor.histories.recorded import PARALLEL, event, jobs_of


@pytest.mark.parametrize("name", recorded.NAMES)
def test_a_recorded_history_folds_to_the_recorded_jobs(name: str) -> None:
    sample = recorded.load(name)
    jobs = history.fold(sample.events, state_machine=sample.definition)
    assert [recorded.line(job) for job in jobs] == sample.jobs


@pytest.mark.parametrize("name", recorded.NAMES)
def test_the_last_job_of_a_recorded_history_is_the_recorded_one(name: str) -> None:
    sample = recorded.load(name)
    last = history.last_job(history.fold(sample.events, state_machine=sample.definition), status=sample.status)
    assert last is not None
    assert last.id == sample.last_job


@pytest.mark.parametrize("name", recorded.NAMES)
def test_a_run_that_ended_leaves_no_job_going_on(name: str) -> None:
    if recorded.load(name).status.terminal:
        assert all(job.stopped_at for job in jobs_of(name).values())


@pytest.mark.parametrize("name", recorded.NAMES)
def test_times_of_a_job_and_its_tries_are_in_order(name: str) -> None:
    for job in jobs_of(name).values():
        entries = [(one.created_at, one.started_at, one.stopped_at) for one in job.attempts]
        for times in [*entries, (job.created_at, job.started_at, job.stopped_at)]:
            moments = [moment for moment in times if moment]
            assert moments == sorted(moments)


def test_a_job_shows_the_data_and_the_times_of_its_state() -> None:
    job = jobs_of("written_lambda_retried")["2"]
    times = {event["id"]: event["timestamp"] for event in recorded.load("written_lambda_retried").events}
    assert (job.input, job.output) == ("{}", '{"w":1}')
    assert (job.created_at, job.started_at, job.stopped_at) == (times[2], times[4], times[12])


def test_each_retry_of_a_task_is_an_attempt_with_its_own_times_and_reason() -> None:
    job = jobs_of("written_lambda_retried")["2"]
    times = {event["id"]: event["timestamp"] for event in recorded.load("written_lambda_retried").events}
    shown = [(one.created_at, one.started_at, one.stopped_at, one.reason) for one in job.attempts]
    assert shown == [
        (times[3], times[4], times[5], "ValueError: no such bucket"),
        (times[6], times[7], times[8], "States.Timeout"),
        (times[9], times[10], times[11], None),
    ]


def test_a_retried_map_has_an_attempt_for_each_start() -> None:
    reasons = [one.reason for one in jobs_of("written_map_retried_then_caught")["2"].attempts]
    assert reasons == ["Item.Bad: not today", "Item.Bad: not today"]


def test_the_worker_that_took_an_activity_task_is_the_container() -> None:
    assert jobs_of("written_activity_heartbeat")["2"].container == "host-7"


@pytest.mark.parametrize(
    ("name", "job_id", "expected"),
    [
        ("written_stopped_in_task", "2", ("production", "fetch", StateResourceType.ACTIVITY)),
        ("written_lambda_retried", "2", ("production", "resize", StateResourceType.LAMBDA_FUNCTION)),
        ("written_glue_sync", "2", ("production", "load", StateResourceType.TASK)),
        ("written_map_timed_out", "7", ("production", "resize", StateResourceType.LAMBDA_FUNCTION)),
        ("written_task_token_heartbeat", "2", ("", "sqs:sendMessage.waitForTaskToken", StateResourceType.TASK)),
    ],
)
def test_the_scheduled_resource_is_told_by_namespace_name_and_type(
    name: str, job_id: str, expected: tuple[str, str, StateResourceType]
) -> None:
    resource = jobs_of(name)[job_id].state_resource
    assert resource is not None
    assert (resource.namespace, resource.name, resource.type) == expected


@pytest.mark.parametrize(
    ("region", "uri"),
    [
        ("us-west-2", "arn:aws:states:::sqs:sendMessage"),
        ("us-gov-west-1", "arn:aws-us-gov:states:::sqs:sendMessage"),
        ("cn-north-1", "arn:aws-cn:states:::sqs:sendMessage"),
        (None, "arn:aws:states:::sqs:sendMessage"),
    ],
)
def test_the_partition_of_a_service_integration_follows_its_region(region: str | None, uri: str) -> None:
    entered = event(2, 0, "TaskStateEntered", name="Send")
    scheduled = event(3, 2, "TaskScheduled", resourceType="sqs", resource="sendMessage", region=region)
    (job,) = history.fold([entered, scheduled])
    assert job.state_resource is not None
    assert job.state_resource.uri == uri


def test_branches_are_numbered_by_the_definition() -> None:
    branches = {job.state: job.branch for job in jobs_of("written_parallel_sibling_between_tries").values()}
    assert branches == {"Both": None, "Left": 1, "Right": 0}


def test_branches_are_numbered_by_appearance_without_a_definition() -> None:
    jobs = history.fold(recorded.load("written_parallel_sibling_between_tries").events)
    assert {job.state: job.branch for job in jobs} == {"Both": None, "Left": 0, "Right": 1}


def test_an_entered_task_is_created_then_queued_then_running() -> None:
    fold = history.HistoryFold()
    seen = []
    for one in (
        event(1, 0, "TaskStateEntered", name="Fetch"),
        event(2, 1, "ActivityScheduled", resource="arn:aws:states:us-west-2:1:activity:dev--fetch"),
        event(3, 2, "ActivityStarted", workerName="host-7"),
        event(4, 3, "ActivitySucceeded", output="{}"),
        event(5, 4, "TaskStateExited", name="Fetch", output="{}"),
    ):
        fold.add([one])
        seen.append(fold.jobs()[0].status)
    assert seen == ["created", "queued", "running", "running", "succeeded"]


@pytest.mark.parametrize("state_type", ["Choice", "Pass", "Wait", "Succeed"])
def test_a_state_without_tries_runs_from_its_entry(state_type: str) -> None:
    (job,) = history.fold([event(2, 0, f"{state_type}StateEntered", name="S")])
    assert (job.status, job.started_at, job.attempts) == (JobStatus.RUNNING, job.created_at, ())


def test_a_job_between_two_tries_is_queued_with_the_reason_of_the_last() -> None:
    job = jobs_of("written_still_running")["6"]
    assert (job.status, job.status_reason, job.stopped_at) == (JobStatus.QUEUED, "Busy", None)


def test_a_truncated_input_or_output_is_left_out() -> None:
    whole = recorded.load("moto_linear").events
    cut = [dict(one) for one in whole]
    for one in cut:
        for field, details in one.items():
            if field in {"stateEnteredEventDetails", "stateExitedEventDetails"}:
                one[field] = details | {"inputDetails": {"truncated": True}, "outputDetails": {"truncated": True}}
    assert [(job.input, job.output) for job in history.fold(cut)] == [(None, None)] * 2
    assert all(job.input and job.output for job in history.fold(whole))


def test_a_history_read_without_execution_data_folds_to_the_same_jobs_without_data() -> None:
    sample = recorded.load("moto_nested_failed")
    bare = [
        {field: _without_data(value) if isinstance(value, dict) else value for field, value in one.items()}
        for one in sample.events
    ]
    without = [job.model_copy(update={"input": None, "output": None}) for job in history.fold(sample.events)]
    assert list(history.fold(bare)) == without


def _without_data(details: dict[str, object]) -> dict[str, object]:
    return {field: value for field, value in details.items() if field not in {"input", "output"}}


def test_a_parallel_that_had_failed_can_start_again() -> None:
    jobs = history.fold(
        [
            *PARALLEL,
            event(3, 2, "FailStateEntered", name="Left"),
            event(4, 3, "ParallelStateFailed"),
            event(5, 4, "ParallelStateStarted"),
            event(6, 5, "PassStateEntered", name="Left"),
        ]
    )
    assert [(job.status, len(job.attempts), job.parent) for job in jobs] == [
        (JobStatus.RUNNING, 2, None),
        (JobStatus.FAILED, 0, "1"),
        (JobStatus.RUNNING, 0, "1"),
    ]


def test_a_try_that_was_never_seen_scheduled_is_an_attempt() -> None:
    (job,) = history.fold([event(1, 0, "TaskStateEntered", name="Fetch"), event(2, 1, "ActivityStarted")])
    assert len(job.attempts) == 1


def test_a_state_whose_path_is_unknown_is_placed_by_the_definition() -> None:
    branches: list[dict[str, Any]] = [{"States": {"Left": {}}}, {"States": {"Right": {}}}]
    definition: dict[str, Any] = {"States": {"Both": {"Branches": branches}}}
    done = [event(3, 2, "PassStateEntered", name="Left"), event(4, 3, "PassStateExited", name="Left")]
    gap = [event(9, 8, "PassStateEntered", name="Right")]
    right = history.fold([*PARALLEL, *done, *gap], state_machine=definition)[-1]
    assert (right.parent, right.branch) == ("1", 1)
