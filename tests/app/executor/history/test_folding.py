"""What histories fold to: recorded ones in whole, and single facts about jobs.

Covers `app.executor.history.folding` and `app.executor.history.run`.
"""

from typing import Any

import pytest

from app.executor import history
from tests.app.executor.history import recorded
from tests.app.executor.history.recorded import PARALLEL, event, jobs_of
from workflow_manager.models import JobStatus, StateResourceType


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
    assert (job.created_at, job.started_at, job.stopped_at) == (times[2], times[10], times[12])


def test_each_try_before_the_last_is_an_attempt_with_its_own_times_and_reason() -> None:
    job = jobs_of("written_lambda_retried")["2"]
    times = {event["id"]: event["timestamp"] for event in recorded.load("written_lambda_retried").events}
    heads = [(one.reason or "").partition("\n")[0] for one in job.attempts]
    shown = [(one.created_at, one.started_at, one.stopped_at, one.error) for one in job.attempts]
    assert heads == ["ValueError: no such bucket", "States.Timeout"]
    assert shown == [
        (times[3], times[4], times[5], "ValueError"),
        (times[6], times[7], times[8], "States.Timeout"),
    ]


def test_a_retried_map_has_an_attempt_for_each_start_before_the_last() -> None:
    job = jobs_of("written_map_retried_then_caught")["2"]
    assert [one.reason for one in job.attempts] == ["Item.Bad: not today"]
    assert job.status_reason == "Item.Bad: not today"


def activity_tries(*workers: str) -> list[history.Event]:
    """Write a task that each worker takes and fails, in turn."""
    events = [event(1, 0, "TaskStateEntered", name="Fetch")]
    for number, worker in enumerate(workers):
        first = 2 + 3 * number
        arn = "arn:aws:states:us-west-2:1:activity:dev--fetch"
        events += [
            event(first, first - 1, "ActivityScheduled", resource=arn),
            event(first + 1, first, "ActivityStarted", workerName=worker),
            event(first + 2, first + 1, "ActivityFailed", error="E", cause=f"of {worker}"),
        ]
    return events


def test_an_attempt_names_the_worker_that_took_it_and_the_job_the_last_one() -> None:
    (job,) = history.fold(activity_tries("w1", "w2", "w3"))
    assert [(one.task_arn, one.reason) for one in job.attempts] == [("w1", "E: of w1"), ("w2", "E: of w2")]
    assert (job.container, job.status_reason) == ("w3", "E: of w3")


def test_the_only_try_of_a_task_is_the_job_itself() -> None:
    (job,) = history.fold(activity_tries("w1"))
    assert (job.attempts, job.container, job.status) == ((), "w1", JobStatus.QUEUED)


def test_a_task_that_is_scheduled_again_has_not_started() -> None:
    (job,) = history.fold(activity_tries("w1", "w2")[:5])
    assert (job.status, job.started_at, job.container, len(job.attempts)) == (JobStatus.QUEUED, None, None, 1)


def test_a_failed_job_keeps_error_and_cause_apart_and_whole() -> None:
    cause = "\n".join(f"line {number}" for number in range(3_000))
    events = [
        event(1, 0, "MapStateEntered", name="Each"),
        event(2, 1, "MapStateStarted", length=1),
        event(3, 2, "MapIterationStarted", name="Each", index=0),
        event(4, 3, "TaskStateEntered", name="Work"),
        event(5, 4, "TaskFailed", error="Mine", cause=cause),
        event(6, 5, "MapIterationFailed", name="Each", index=0),
        event(7, 6, "MapStateFailed"),
        event(8, 7, "ExecutionFailed", error="Mine", cause=cause),
    ]
    each, work = history.fold(events)
    assert (work.error, work.cause) == ("Mine", cause)
    assert (each.error, each.cause, each.status_reason) == ("Mine", None, work.status_reason)


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


INTEGRATION = "arn:aws:states:::lambda:invoke"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"Type": "Task", "Resource": "fetch"}, ("dev", "fetch", StateResourceType.ACTIVITY, None)),
        ({"Type": "Task", "Resource": "lambda:fetch"}, ("dev", "fetch", StateResourceType.LAMBDA_FUNCTION, None)),
        ({"Type": "Task", "Resource": "glue:load"}, ("dev", "load", StateResourceType.TASK, None)),
        (
            {"Type": "Task", "Resource": "arn:aws:states:us-west-2:1:activity:prod--fetch"},
            ("prod", "fetch", StateResourceType.ACTIVITY, "arn:aws:states:us-west-2:1:activity:prod--fetch"),
        ),
        (
            {"Type": "Task", "Resource": INTEGRATION, "Parameters": {"FunctionName": "prod--resize"}},
            ("prod", "resize", StateResourceType.LAMBDA_FUNCTION, INTEGRATION),
        ),
        (
            {"Type": "Task", "Resource": INTEGRATION, "Arguments": {"FunctionName": "{% $name %}"}},
            ("dev", "lambda:invoke", StateResourceType.LAMBDA_FUNCTION, INTEGRATION),
        ),
        ({"Type": "Task", "Resource": ["?"]}, ("dev", None, StateResourceType.ACTIVITY, None)),
    ],
)
def test_a_task_that_failed_before_it_was_scheduled_has_its_resource(
    state: dict[str, Any], expected: tuple[str, str | None, StateResourceType, str | None]
) -> None:
    events = [event(1, 0, "TaskStateEntered", name="Work"), event(2, 1, "ExecutionFailed", error="States.Runtime")]
    (job,) = history.fold(events, state_machine={"States": {"Work": state}}, namespace="dev")
    resource = job.state_resource
    assert resource is not None
    assert (resource.namespace, resource.name, resource.type, resource.uri) == expected


@pytest.mark.parametrize("state_type", ["Choice", "Pass", "Wait", "Succeed", "Fail", "Parallel", "Map", "Task"])
def test_every_job_has_a_resource_with_namespace_and_type(state_type: str) -> None:
    (job,) = history.fold([event(1, 0, f"{state_type}StateEntered", name="S")], namespace="dev")
    assert job.state_resource is not None
    assert (job.state_resource.namespace, job.state_resource.name) == ("dev", None)
    assert job.state_resource.type is StateResourceType.ACTIVITY


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
        (JobStatus.RUNNING, 1, None),
        (JobStatus.FAILED, 0, "1"),
        (JobStatus.RUNNING, 0, "1"),
    ]


def test_a_try_that_was_never_seen_scheduled_is_one() -> None:
    (job,) = history.fold([event(1, 0, "TaskStateEntered", name="Fetch"), event(2, 1, "ActivityStarted")])
    assert job.started_at is not None


def test_a_state_whose_path_is_unknown_is_placed_by_the_definition() -> None:
    branches: list[dict[str, Any]] = [{"States": {"Left": {}}}, {"States": {"Right": {}}}]
    definition: dict[str, Any] = {"States": {"Both": {"Branches": branches}}}
    done = [event(3, 2, "PassStateEntered", name="Left"), event(4, 3, "PassStateExited", name="Left")]
    gap = [event(9, 8, "PassStateEntered", name="Right")]
    right = history.fold([*PARALLEL, *done, *gap], state_machine=definition)[-1]
    assert (right.parent, right.branch) == ("1", 1)
