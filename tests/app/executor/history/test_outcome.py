"""Which jobs a failure, a stop or a timeout ends, and which one is to blame.

Covers `app.executor.history.outcome`.
"""

import pytest

from app.executor import history
from tests.app.executor.history import recorded
from tests.app.executor.history.recorded import PARALLEL, event, jobs_of
from workflow_manager.models import JobStatus, WorkflowStatus


def test_the_reason_of_a_try_leaves_the_job_when_the_next_begins() -> None:
    events = recorded.load("written_lambda_retried").events
    (job,) = history.fold(events[:6])
    assert (job.status, job.status_reason) == (JobStatus.QUEUED, None)


def test_a_failed_job_stopped_when_its_last_try_did() -> None:
    events = [
        event(2, 0, "TaskStateEntered", name="Fetch"),
        event(3, 2, "TaskScheduled"),
        event(4, 3, "TaskFailed", error="E"),
        event(50, 4, "ExecutionFailed", error="E"),
    ]
    (job,) = history.fold(events)
    assert job.stopped_at == events[2]["timestamp"]


def test_a_caught_failure_keeps_its_reason_and_passes_its_output_on() -> None:
    job = jobs_of("moto_task_caught")["2"]
    assert (job.status, job.status_reason) == (JobStatus.FAILED, "E: c")
    assert job.output == '{"Error":"E","Cause":"c"}'


def test_a_fail_state_without_a_definition_takes_its_reason_from_the_end_of_the_run() -> None:
    (job,) = history.fold(recorded.load("moto_fail_state").events)
    assert job.status_reason == "Gone: nothing to do"


def test_the_error_of_the_run_is_the_reason_of_every_job_on_the_way_to_the_culprit() -> None:
    jobs = history.fold(
        [
            event(1, 0, "ParallelStateEntered", name="Both"),
            event(2, 1, "ParallelStateStarted"),
            event(3, 2, "PassStateEntered", name="Pick"),
            event(4, 3, "ParallelStateFailed"),
            event(5, 4, "ExecutionFailed", error="States.Runtime", cause="bad path"),
        ]
    )
    assert [(job.state, job.status, job.status_reason) for job in jobs] == [
        ("Both", "failed", "States.Runtime: bad path"),
        ("Pick", "failed", "States.Runtime: bad path"),
    ]


def test_the_culprit_is_found_when_the_failure_points_to_another_path() -> None:
    jobs = history.fold(
        [
            event(1, 0, "ParallelStateEntered", name="Both"),
            event(2, 1, "ParallelStateStarted"),
            event(3, 2, "TaskStateEntered", name="Left"),
            event(4, 2, "WaitStateEntered", name="Rest"),
            event(5, 3, "TaskScheduled"),
            event(6, 5, "TaskFailed", error="Left.Broke"),
            event(7, 4, "ParallelStateFailed"),
            event(8, 7, "ExecutionFailed", error="Left.Broke"),
        ]
    )
    assert [(job.state, job.status) for job in jobs] == [
        ("Both", "failed"),
        ("Left", "failed"),
        ("Rest", "aborted_deps_failed"),
    ]


def test_a_step_of_a_path_that_was_cut_short_does_not_go_on() -> None:
    jobs = history.fold([*recorded.load("moto_parallel_caught").events, event(99, 14, "PassStateEntered", name="Late")])
    late = jobs[-1]
    assert (late.state, late.parent, late.status) == ("Late", "2", JobStatus.ABORTED_DEPS_FAILED)


def test_late_events_of_a_task_that_was_cut_short_change_nothing() -> None:
    events = recorded.load("moto_stopped").events
    late = [event(98, 6, "ActivitySucceeded", output="{}"), event(99, 98, "TaskStateExited", name="Slow", output="{}")]
    assert history.fold([*events, *late]) == history.fold(events)


def test_an_abort_shows_before_the_event_that_tells_why() -> None:
    events = recorded.load("written_stopped_in_parallel").events
    left = history.fold(events[:7])[1]
    assert (left.status, left.stopped_at) == (JobStatus.ABORTED_DEPS_FAILED, events[6]["timestamp"])


def test_an_aborted_state_stopped_when_it_was_aborted_not_when_the_run_was() -> None:
    events = recorded.load("written_stopped_in_parallel").events
    stopped = {job.state: job.stopped_at for job in history.fold(events)}
    assert (stopped["Left"], stopped["Rest"]) == (events[6]["timestamp"], events[7]["timestamp"])


def test_the_failing_job_of_a_retried_parallel_is_of_its_last_start() -> None:
    jobs = history.fold(
        [
            event(1, 0, "ParallelStateEntered", name="Both"),
            event(2, 1, "ParallelStateStarted"),
            event(3, 2, "FailStateEntered", name="Left"),
            event(4, 3, "ParallelStateStarted"),
            event(5, 4, "FailStateEntered", name="Right"),
            event(6, 5, "ParallelStateFailed"),
            event(7, 6, "ExecutionFailed", error="E"),
        ],
        state_machine={
            "States": {"Both": {"Branches": [{"States": {"Left": {}}}, {"States": {"Right": {}}}]}},
        },
    )
    failing = history.failing_job(jobs)
    assert failing is not None
    assert failing.state == "Right"


def test_a_run_that_timed_out_has_no_failing_job() -> None:
    sample = recorded.load("written_execution_timed_out")
    assert history.failing_job(history.fold(sample.events)) is None


def test_a_run_that_entered_no_state_has_no_last_job() -> None:
    assert history.last_job((), status=WorkflowStatus.FAILED) is None


@pytest.mark.parametrize(
    "caught",
    [
        (
            event(3, 2, "TaskStateEntered", name="Caught"),
            event(4, 3, "TaskFailed", error="Old"),
            event(5, 4, "TaskStateExited", name="Caught"),
        ),
        (
            event(3, 2, "MapStateEntered", name="Caught"),
            event(4, 3, "MapStateFailed"),
            event(5, 4, "MapStateExited", name="Caught"),
        ),
    ],
    ids=["task", "container"],
)
def test_a_caught_failure_is_not_blamed_for_a_later_one(caught: tuple[history.Event, ...]) -> None:
    after = [
        event(6, 5, "PassStateEntered", name="Repair"),
        event(7, 2, "WaitStateEntered", name="Rest"),
        event(8, 6, "ParallelStateFailed"),
        event(9, 8, "ExecutionFailed", error="New"),
    ]
    jobs = history.fold([*PARALLEL, *caught, *after])
    failing = history.failing_job(jobs)
    assert failing is not None
    assert (failing.state, failing.status_reason) == ("Repair", "New")
    assert jobs[0].status_reason == "New"


def test_the_item_that_failed_a_map_is_told_by_its_own_event() -> None:
    jobs = history.fold(
        [
            event(1, 0, "MapStateEntered", name="Each"),
            event(2, 1, "MapStateStarted", length=2),
            event(3, 2, "MapIterationStarted", name="Each", index=0),
            event(4, 2, "MapIterationStarted", name="Each", index=1),
            event(5, 3, "TaskStateEntered", name="Work"),
            event(6, 4, "TaskStateEntered", name="Work"),
            event(7, 5, "TaskFailed", error="Busy"),
            event(8, 6, "TaskFailed", error="Broken"),
            event(9, 8, "MapIterationFailed", name="Each", index=1),
            event(10, 7, "MapStateFailed"),
        ]
    )
    assert [(job.status, job.status_reason) for job in jobs] == [
        ("failed", "Broken"),
        ("aborted_deps_failed", "Aborted because Work failed"),
        ("failed", "Broken"),
    ]


def test_the_job_of_a_failed_item_is_failed_while_its_map_may_be_retried() -> None:
    events = recorded.load("moto_map_retried").events
    each, _, work = history.fold(events[:16])
    assert (each.status, work.status) == (JobStatus.RUNNING, JobStatus.FAILED)


def test_an_aborted_item_shows_before_its_map_has_failed() -> None:
    events = recorded.load("written_map_timed_out").events
    assert events[19]["type"] == "MapIterationAborted"
    assert [job.status for job in history.fold(events[:20])][2] == JobStatus.ABORTED_DEPS_FAILED


def test_an_abort_that_points_to_the_failed_sibling_does_not_change_it() -> None:
    events = recorded.load("written_parallel_sibling_between_tries").events
    assert events[11]["type"] == "TaskStateAborted"
    assert history.fold(events[:12]) == history.fold(events[:11])


def test_of_two_branches_that_failed_the_first_made_the_run_fail() -> None:
    jobs = history.fold(
        [
            *PARALLEL,
            event(3, 2, "FailStateEntered", name="Left"),
            event(4, 2, "FailStateEntered", name="Right"),
            event(5, 3, "ParallelStateFailed"),
            event(6, 5, "ExecutionFailed", error="E"),
        ]
    )
    failing = history.failing_job(jobs)
    assert failing is not None
    assert failing.state == "Left"
