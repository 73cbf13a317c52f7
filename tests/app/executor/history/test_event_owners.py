"""Which job an event belongs to, where the event before it tells something else.

Step Functions points some events to the event before the state's entry, or to the last event of another path.

Covers `app.executor.history.handlers` and `app.executor.history.folding`.
"""

from typing import Any

import pytest

from app.executor import history
from app.executor.history import Event
from tests.app.executor.history.recorded import PARALLEL, event
from workflow_manager.models import Job, JobStatus, WorkflowStatus

ERROR = "States.QueryEvaluationError"


def entered(event_id: int, before: int, state_type: str, name: str) -> Event:
    """Write the entry into a state."""
    return event(event_id, before, f"{state_type}StateEntered", name=name, input="{}")


def passed(event_id: int, before: int, name: str) -> Event:
    """Write the exit from a Pass."""
    return event(event_id, before, "PassStateExited", name=name, output="{}")


def evaluation_failed(event_id: int, before: int, name: str, *, entry: int | None = None) -> Event:
    """Write a failed evaluation; ``entry`` is the event that its cause names."""
    where = f" (entered at the event id #{entry})" if entry else ""
    cause = f"An error occurred while executing the state '{name}'{where}. The expression returned nothing."
    return event(event_id, before, "EvaluationFailed", error=ERROR, cause=cause, location="Output", state=name)


def execution_failed(event_id: int, before: int, **details: Any) -> Event:
    """Write the end of the run."""
    return event(event_id, before, "ExecutionFailed", error=ERROR, **details)


def statuses(jobs: tuple[Job, ...]) -> list[tuple[str, str]]:
    """Show the jobs by state and status."""
    return [(job.state, job.status.value) for job in jobs]


@pytest.mark.parametrize("state_type", ["Task", "Pass", "Wait", "Choice", "Map", "Parallel", "Succeed"])
def test_a_failed_evaluation_belongs_to_the_state_it_names_not_to_the_one_before(state_type: str) -> None:
    jobs = history.fold(
        [
            entered(2, 0, "Pass", "First"),
            passed(3, 2, "First"),
            entered(4, 3, state_type, "Second"),
            evaluation_failed(5, 3, "Second"),
            execution_failed(6, 5),
        ]
    )

    last = history.last_job(jobs, status=WorkflowStatus.FAILED)

    assert statuses(jobs) == [("First", "succeeded"), ("Second", "failed")]
    assert last is not None
    assert (last.state, (last.status_reason or "").split(":")[0]) == ("Second", ERROR)


def test_a_failed_evaluation_of_the_first_state_points_to_the_start_of_the_run() -> None:
    (job,) = history.fold([entered(2, 0, "Pass", "Only"), evaluation_failed(3, 0, "Only"), execution_failed(4, 3)])
    assert (job.status, job.status_reason is None) == (JobStatus.FAILED, False)


def test_a_map_whose_items_cannot_be_evaluated_fails_by_its_own_fault() -> None:
    (job,) = history.fold(
        [
            entered(2, 0, "Map", "Each"),
            evaluation_failed(3, 0, "Each"),
            event(4, 3, "MapStateFailed"),
            execution_failed(5, 4),
        ]
    )
    assert (job.status, (job.status_reason or "").split(":")[0]) == (JobStatus.FAILED, ERROR)


def test_a_failed_evaluation_in_a_branch_is_told_by_its_name() -> None:
    jobs = history.fold(
        [
            *PARALLEL,
            entered(3, 2, "Pass", "Left"),
            entered(4, 2, "Pass", "Right"),
            evaluation_failed(5, 2, "Left"),
            event(6, 5, "ParallelStateFailed"),
            execution_failed(7, 6),
        ]
    )
    assert statuses(jobs) == [("Both", "failed"), ("Left", "failed"), ("Right", "aborted_deps_failed")]


def test_a_failed_evaluation_in_an_item_is_told_by_its_path() -> None:
    jobs = history.fold(
        [
            entered(1, 0, "Map", "Each"),
            event(2, 1, "MapStateStarted", length=2),
            event(3, 2, "MapIterationStarted", name="Each", index=0),
            event(4, 2, "MapIterationStarted", name="Each", index=1),
            entered(5, 3, "Pass", "Work"),
            entered(6, 4, "Pass", "Work"),
            evaluation_failed(7, 3, "Work"),
            event(8, 7, "MapIterationFailed", name="Each", index=0),
            event(9, 7, "MapStateFailed"),
            execution_failed(10, 9),
        ]
    )
    assert [(job.iteration, job.status.value) for job in jobs] == [
        (None, "failed"),
        (0, "failed"),
        (1, "aborted_deps_failed"),
    ]


def test_the_entry_that_a_cause_names_decides_between_jobs_of_one_state() -> None:
    items = [
        entered(1, 0, "Map", "Each"),
        event(2, 1, "MapStateStarted", length=2),
        event(3, 2, "MapIterationStarted", name="Each", index=0),
        event(4, 2, "MapIterationStarted", name="Each", index=1),
        entered(5, 3, "Wait", "Rest"),
        entered(6, 4, "Wait", "Rest"),
    ]
    jobs = history.fold([*items, evaluation_failed(7, 2, "Rest", entry=5), event(8, 7, "MapStateFailed")])
    assert [job.status.value for job in jobs] == ["failed", "failed", "aborted_deps_failed"]


def test_a_failed_evaluation_can_be_retried_and_caught() -> None:
    events = [
        entered(2, 0, "Task", "Load"),
        evaluation_failed(3, 0, "Load"),
        event(4, 0, "ActivityScheduled", resource="arn:aws:states:us-west-2:1:activity:dev--load"),
        event(5, 4, "ActivityStarted", workerName="w1"),
        event(6, 5, "ActivitySucceeded", output="{}"),
        evaluation_failed(7, 6, "Load"),
        event(8, 7, "TaskStateExited", name="Load", output='{"caught":true}'),
        entered(9, 8, "Succeed", "Done"),
    ]
    load, done = history.fold(events)
    assert (load.status, load.output, load.container) == (JobStatus.FAILED, '{"caught":true}', "w1")
    assert done.parent is None


def test_an_evaluation_of_a_fail_state_that_fails_is_its_reason() -> None:
    definition = {"States": {"Stop": {"Type": "Fail", "Error": "Mine", "Cause": "{% $nope %}"}}}
    events = [entered(2, 0, "Fail", "Stop"), evaluation_failed(3, 0, "Stop"), execution_failed(4, 3)]
    (job,) = history.fold(events, state_machine=definition)
    assert (job.status_reason or "").startswith(f"{ERROR}: ")


def test_an_event_of_a_task_that_points_before_its_entry_is_of_the_task_on_that_path() -> None:
    (job,) = history.fold(
        [
            entered(2, 0, "Task", "Load"),
            event(3, 0, "TaskScheduled", resourceType="sqs", resource="sendMessage"),
            event(4, 3, "TaskStarted"),
            event(5, 4, "TaskSucceeded", output="{}"),
            event(6, 5, "TaskStateExited", name="Load", output="{}"),
        ]
    )
    assert (job.status, job.output) == (JobStatus.SUCCEEDED, "{}")


def test_an_exit_belongs_to_the_state_it_names() -> None:
    jobs = history.fold(
        [
            entered(2, 0, "Pass", "First"),
            passed(3, 2, "First"),
            entered(4, 3, "Pass", "Second"),
            passed(5, 3, "Second"),
        ]
    )
    assert statuses(jobs) == [("First", "succeeded"), ("Second", "succeeded")]


def test_the_end_of_a_run_blames_the_entry_that_its_cause_names() -> None:
    cause = "An error occurred while executing the state 'Left' (entered at the event id #3). Invalid path."
    jobs = history.fold(
        [
            *PARALLEL,
            entered(3, 2, "Task", "Left"),
            entered(4, 2, "Wait", "Right"),
            execution_failed(5, 4, cause=cause),
        ]
    )
    assert statuses(jobs) == [("Both", "failed"), ("Left", "failed"), ("Right", "aborted_deps_failed")]


def test_a_cause_that_was_handed_on_blames_nobody_who_was_caught() -> None:
    cause = "An error occurred while executing the state 'Load' (entered at the event id #2). Invalid path."
    jobs = history.fold(
        [
            entered(2, 0, "Task", "Load"),
            event(3, 2, "TaskFailed", error="E", cause=cause),
            event(4, 3, "TaskStateExited", name="Load", output="{}"),
            entered(5, 4, "Fail", "Stop"),
            execution_failed(6, 5, cause=cause),
        ]
    )
    last = history.last_job(jobs, status=WorkflowStatus.FAILED)
    assert last is not None
    assert last.state == "Stop"
