"""What a redrive goes on with.

Covers `app.executor.history.folding`.
"""

from datetime import timedelta

from app.executor import history
from tests.app.executor.history import recorded
from tests.app.executor.history.recorded import PARALLEL, event, jobs_of
from workflow_manager.models import JobStatus


def test_the_runs_of_a_distributed_map_are_shown_like_workers() -> None:
    job = jobs_of("written_map_run_redriven")["2"]
    arns = [*(one.task_arn for one in job.attempts), job.container]
    assert arns == ["arn:aws:states:us-west-2:123456789012:mapRun:m/Each:0f"] * 2


def test_a_redriven_job_goes_on_without_the_old_reason() -> None:
    events = recorded.load("written_redriven_rescheduled").events
    job = history.fold(events[:10])[-1]
    assert (job.status, job.status_reason, job.stopped_at) == (JobStatus.QUEUED, None, None)


def test_a_redrive_changes_no_job_before_something_of_it_goes_on() -> None:
    events = recorded.load("written_redriven_parallel").events
    assert history.fold(events[:14]) == history.fold(events[:13])


def test_a_second_redrive_goes_on_with_what_the_first_left() -> None:
    events = [*recorded.load("written_redriven_failed_again").events]
    again = [
        event(30, 13, "ExecutionRedriven", redriveCount=2),
        event(31, 30, "LambdaFunctionScheduled"),
        event(32, 31, "LambdaFunctionSucceeded", output="{}"),
        event(33, 32, "TaskStateExited", name="Resize", output="{}"),
    ]
    again = [{**one, "timestamp": one["timestamp"] + timedelta(hours=1)} for one in again]
    job = history.fold([*events, *again])[-1]
    assert (job.id, job.status, len(job.attempts)) == ("4", JobStatus.SUCCEEDED, 2)


def test_a_wait_that_a_redrive_resumes_can_simply_end() -> None:
    jobs = history.fold(
        [
            event(1, 0, "WaitStateEntered", name="Rest"),
            event(2, 0, "ExecutionAborted"),
            event(3, 2, "ExecutionRedriven", redriveCount=1),
            event(4, 3, "WaitStateExited", name="Rest", output="{}"),
        ]
    )
    assert [(job.status, job.output) for job in jobs] == [(JobStatus.SUCCEEDED, "{}")]


REDRIVEN = 10
"""Id of the event with which a redrive begins, in the tests below."""


def test_a_redriven_state_that_had_failed_can_simply_end() -> None:
    (job,) = history.fold(
        [
            event(1, 0, "PassStateEntered", name="Pick"),
            event(2, 1, "ExecutionFailed", error="States.Runtime"),
            event(REDRIVEN, 2, "ExecutionRedriven", redriveCount=1),
            event(11, REDRIVEN, "PassStateExited", name="Pick", output="{}"),
        ]
    )
    assert (job.status, job.status_reason) == (JobStatus.SUCCEEDED, None)


def test_a_redriven_parallel_that_starts_again_begins_one_attempt() -> None:
    jobs = history.fold(
        [
            *PARALLEL,
            event(3, 2, "TaskStateEntered", name="Left"),
            event(4, 2, "PassStateEntered", name="Right"),
            event(5, 4, "PassStateExited", name="Right"),
            event(6, 3, "TaskFailed", error="Busy"),
            event(7, 6, "ParallelStateFailed"),
            event(8, 7, "ExecutionFailed", error="Busy"),
            event(REDRIVEN, 8, "ExecutionRedriven", redriveCount=1),
            event(11, REDRIVEN, "ParallelStateStarted"),
            event(12, 6, "TaskScheduled"),
        ]
    )
    assert [(job.state, job.status, len(job.attempts)) for job in jobs] == [
        ("Both", "running", 1),
        ("Left", "queued", 1),
        ("Right", "succeeded", 0),
    ]


def test_the_failure_before_a_redrive_is_not_blamed_for_the_one_after() -> None:
    before = [
        event(1, 0, "TaskStateEntered", name="Fetch"),
        event(2, 1, "TaskFailed", error="Old"),
        event(3, 2, "ExecutionFailed", error="Old"),
        event(REDRIVEN, 3, "ExecutionRedriven", redriveCount=1),
    ]
    again = [event(11, REDRIVEN, "TaskStateEntered", name="Fetch"), event(12, 11, "ExecutionFailed", error="New")]
    assert [(job.status, job.status_reason) for job in history.fold([*before, *again])] == [
        ("failed", "Old"),
        ("failed", "New"),
    ]


def test_a_redriven_map_fails_for_its_new_reason() -> None:
    events = recorded.load("written_redriven_map").events[:21]
    failed = [
        event(22, 21, "TaskFailed", error="New"),
        event(23, 22, "MapStateFailed"),
        event(24, 23, "ExecutionFailed", error="New"),
    ]
    assert history.fold([*events, *failed])[0].status_reason == "New"


def test_a_job_whose_state_was_entered_again_takes_no_more_tries() -> None:
    jobs = history.fold(
        [
            *PARALLEL,
            event(3, 2, "TaskStateEntered", name="Left"),
            event(4, 2, "TaskStateEntered", name="Right"),
            event(5, 0, "ExecutionAborted"),
            event(REDRIVEN, 5, "ExecutionRedriven", redriveCount=1),
            event(11, REDRIVEN, "TaskStateEntered", name="Left"),
            event(12, REDRIVEN, "TaskScheduled"),
        ]
    )
    assert [(job.id, job.state, job.status) for job in jobs[1:]] == [
        ("3", "Left", "aborted_by_user"),
        ("4", "Right", "queued"),
        ("11", "Left", "created"),
    ]


def test_branches_go_on_at_their_entries_as_aws_records_it() -> None:
    """AWS says of both branches, the failed one too, that they were aborted, and starts nothing again on a redrive."""
    jobs = history.fold(
        [
            *PARALLEL,
            event(3, 2, "TaskStateEntered", name="Good"),
            event(4, 2, "TaskStateEntered", name="Bad"),
            event(5, 2, "TaskStateEntered", name="Cut"),
            event(6, 3, "TaskStateExited", name="Good", output="1"),
            event(7, 4, "ActivityScheduled"),
            event(8, 5, "ActivityScheduled"),
            event(9, 7, "ActivityFailed", error="Busy"),
            event(10, 9, "TaskStateAborted"),
            event(11, 9, "TaskStateAborted"),
            event(12, 9, "ParallelStateFailed"),
            event(13, 12, "ExecutionFailed", error="Busy"),
            event(14, 13, "ExecutionRedriven", redriveCount=1),
            event(15, 4, "ActivityScheduled"),
            event(16, 5, "ActivityScheduled"),
            event(17, 16, "ActivitySucceeded", output="3"),
            event(18, 17, "TaskStateExited", name="Cut", output="3"),
            event(19, 15, "ActivitySucceeded", output="2"),
            event(20, 19, "TaskStateExited", name="Bad", output="2"),
            event(21, 20, "ParallelStateSucceeded"),
            event(22, 20, "ParallelStateExited", name="Both", output="[1,2,3]"),
        ]
    )
    assert [(job.state, job.status, job.output, len(job.attempts)) for job in jobs] == [
        ("Both", "succeeded", "[1,2,3]", 1),
        ("Good", "succeeded", "1", 0),
        ("Bad", "succeeded", "2", 1),
        ("Cut", "succeeded", "3", 1),
    ]


def test_items_go_on_at_their_entries_as_aws_records_it() -> None:
    jobs = history.fold(
        [
            event(1, 0, "MapStateEntered", name="Each"),
            event(2, 1, "MapStateStarted"),
            event(3, 2, "MapIterationStarted", name="Each", index=0),
            event(4, 3, "TaskStateEntered", name="Work"),
            event(5, 4, "ActivityScheduled"),
            event(6, 5, "ActivityFailed", error="Busy"),
            event(7, 6, "MapIterationFailed", name="Each", index=0),
            event(8, 6, "TaskStateAborted"),
            event(9, 6, "MapStateFailed"),
            event(10, 9, "ExecutionFailed", error="Busy"),
            event(11, 10, "ExecutionRedriven", redriveCount=1),
            event(12, 4, "ActivityScheduled"),
            event(13, 12, "ActivitySucceeded"),
            event(14, 13, "TaskStateExited", name="Work", output="1"),
            event(15, 14, "MapIterationSucceeded", name="Each", index=0),
            event(16, 14, "MapIterationStarted", name="Each", index=1),
            event(17, 16, "TaskStateEntered", name="Work"),
        ]
    )
    assert [(job.state, job.iteration, job.status, len(job.attempts)) for job in jobs] == [
        ("Each", None, "running", 1),
        ("Work", 0, "succeeded", 1),
        ("Work", 1, "created", 0),
    ]


def test_a_parallel_whose_result_was_too_large_runs_all_branches_again() -> None:
    jobs = jobs_of("moto_redriven_parallel_whole")
    assert [(job.state, job.branch, job.status, job.parent) for job in jobs.values()] == [
        ("Both", None, "succeeded", None),
        *[("L1", 0, "succeeded", "2"), ("R1", 1, "succeeded", "2")] * 2,
    ]
    assert [one.error for one in jobs["2"].attempts] == ["States.DataLimitExceeded"]
    assert all(not job.attempts for job in jobs.values() if job.parent)


def test_branches_are_numbered_anew_when_all_run_again() -> None:
    events = recorded.load("moto_redriven_parallel_whole").events
    assert [job.branch for job in history.fold(events)] == [None, 0, 1, 0, 1]


def test_after_three_redrives_the_reason_is_that_of_the_last_failure() -> None:
    events = [event(1, 0, "TaskStateEntered", name="Fetch")]
    for number in range(4):
        last = events[-1]["id"]
        if number:
            events.append(event(last + 1, last, "ExecutionRedriven", redriveCount=number))
            last += 1
        events += [
            event(last + 1, 1, "ActivityScheduled"),
            event(last + 2, last + 1, "ActivityFailed", error=f"E{number}"),
            event(last + 3, last + 2, "ExecutionFailed", error=f"E{number}"),
        ]
    (job,) = history.fold(events)
    assert (job.status, job.status_reason, [one.reason for one in job.attempts]) == ("failed", "E3", ["E0", "E1", "E2"])
