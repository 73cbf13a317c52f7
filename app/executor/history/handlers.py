"""What each type of event means for the jobs of a run."""

from collections.abc import Callable, Mapping
from typing import Final

from app.executor.history import reasons, resources
from app.executor.history.events import Owner, SeenEvent
from app.executor.history.reasons import NO_FAILURE, ReportedFailure
from app.executor.history.records import TRIED_TYPES, Container, JobPlace, Record
from app.executor.history.run import Run
from workflow_manager import models
from workflow_manager.models import JobStatus

IGNORED: Final = frozenset(
    {
        "ExecutionStarted",  # no state is entered yet; the input is on the workflow
        "MapIterationSucceeded",  # known from the exit of the last state of the item
        "MapRunSucceeded",  # MapStateExited follows and carries the output
        "MapStateSucceeded",  # as above
        "ParallelStateSucceeded",  # ParallelStateExited follows and carries the output
    }
)
"""Event types that change no job. They still hand on the path that they are on."""


# States


def _entered(run: Run, seen: SeenEvent) -> Owner:
    name = seen.text("name") or ""
    place = run.place(name, seen)
    record = Record(seen.id, name, seen.state_type, place, seen.at, seen.text("input"), run.resource(name, seen))
    run.enter(record)
    around = place.container.job
    if around and not run.revive(around, seen.at):
        record.abort(JobStatus.ABORTED_DEPS_FAILED, seen.at, NO_FAILURE)  # a late step of a path that was cut short
    elif record.type == "Fail":
        record.close(JobStatus.FAILED, seen.at, ReportedFailure.of(*run.definition.failure_of(name)))
        run.payloads.took(record)
    elif record.type not in TRIED_TYPES:
        record.run(seen.at)
    return record


def _exited(run: Run, seen: SeenEvent) -> Owner | None:
    record = next((one for one in run.around(seen) if one.live or one.broken), None)
    if record is None:
        return None
    caught = record.broken and not record.resumable
    record.exited, record.output, record.assigned = True, seen.text("output"), seen.assigned
    if record.output == record.input:
        record.output = record.input  # one text in memory instead of two
    run.payloads.took(record)
    if run.revive(record, seen.at):
        record.close(JobStatus.FAILED if caught else JobStatus.SUCCEEDED, seen.at)
    else:
        record.place.container.leave(record)
    return record


def _state_aborted(run: Run, seen: SeenEvent) -> None:
    """Note an abort where the event says of what; AWS mostly points to the sibling that failed."""
    if isinstance(seen.owner, Record) and seen.owner.type == seen.state_type:
        seen.owner.mark_aborted(seen.at)


def _evaluation_failed(run: Run, seen: SeenEvent) -> Owner | None:
    record = run.evaluated(seen)
    if record is None:
        return None
    if record.type == "Fail":
        record.why = seen.failure  # what the definition says is the expression that failed
    elif run.revive(record, seen.at):
        record.fail_try(seen.at, seen.failure)
    run.payloads.took(record)
    return record


# Tries of a task


def _activity_scheduled(run: Run, seen: SeenEvent) -> Owner | None:
    arn = seen.text("resource")
    found = resources.arn_resource(arn, namespace=run.namespace, seen_at=seen.at) if arn else None
    return _scheduled(run, seen, found)


def _service_scheduled(run: Run, seen: SeenEvent) -> Owner | None:
    return _scheduled(run, seen, resources.service_resource(seen.details, namespace=run.namespace, seen_at=seen.at))


def _scheduled(run: Run, seen: SeenEvent, resource: models.JobResource | None) -> Owner | None:
    record = run.task(seen, resource)
    if record:
        record.resource = resource or record.resource
        record.begin_try(seen.at, status=JobStatus.QUEUED)
    return record


def _started(run: Run, seen: SeenEvent) -> Owner | None:
    record = run.task(seen)
    if record:
        if not record.attempts or record.attempts[-1].stopped:
            record.begin_try(seen.at, status=JobStatus.QUEUED)
        record.attempts[-1].worker = seen.text("workerName") or record.attempts[-1].worker
        record.run(seen.at)
    return record


def _try_succeeded(run: Run, seen: SeenEvent) -> Owner | None:
    record = run.task(seen)
    if record:
        record.end_try(seen.at)
    return record


def _try_failed(run: Run, seen: SeenEvent) -> Owner | None:
    record = run.task(seen)
    if record:
        record.fail_try(seen.at, seen.failure)
        run.payloads.took(record)
    return record


# Starts of a Parallel or Map


def _container_started(run: Run, seen: SeenEvent) -> Owner | None:
    record = run.container(seen) or next((one for one in run.around(seen) if one.broken), None)
    if record is None:
        return None
    resumed = record.resumable
    if resumed and not seen.lost:
        run.start_over(record)
    if not run.revive(record, seen.at):
        record.reopen()
    if resumed and record.inside:
        return JobPlace(record.inside)
    if record.inside:
        failed_child = run.end_inside(record.inside, seen)
        record.end_try(
            failed_child.stopped or seen.at if failed_child else seen.at,
            failed_child.why if failed_child else NO_FAILURE,
        )
    record.inside = Container(record)
    record.begin_try(seen.at, status=JobStatus.RUNNING)
    record.run(seen.at)
    return JobPlace(record.inside)


def _container_failed(run: Run, seen: SeenEvent) -> Owner | None:
    record = run.container(seen)
    if record:
        run.fail(record, seen)
    return record


def _iteration_started(run: Run, seen: SeenEvent) -> Owner | None:
    record = run.container(seen)
    if record is None or not run.revive(record, seen.at):
        return None
    record.inside = record.inside or Container(record)
    return JobPlace(record.inside, iteration=seen.item)


def _iteration_failed(run: Run, seen: SeenEvent) -> None:
    """Note which job made an item fail; no other event tells it from jobs that failed at the same time."""
    record = run.container(seen)
    failed_child = record.inside.latest.get((None, seen.item)) if record and record.inside else None
    if failed_child and failed_child.open:
        run.fail(failed_child, seen)
    if failed_child and failed_child.broken:
        failed_child.place.container.failed_child = failed_child.place.container.failed_child or failed_child


def _iteration_aborted(run: Run, seen: SeenEvent) -> None:
    record = run.container(seen)
    latest = record.inside.latest.get((None, seen.item)) if record and record.inside else None
    if latest:
        latest.mark_aborted(seen.at)


def _map_run_started(run: Run, seen: SeenEvent) -> None:
    record = run.container(seen)
    if record and run.revive(record, seen.at) and record.attempts:
        record.attempts[-1].worker = seen.text("mapRunArn")


def _map_run_failed(run: Run, seen: SeenEvent) -> None:
    record = run.container(seen)
    if record and record.open:
        record.fail_try(seen.at, seen.failure)
        run.payloads.took(record)


def _map_run_aborted(run: Run, seen: SeenEvent) -> None:
    record = run.container(seen)
    if record:
        record.mark_aborted(seen.at)


# The run itself


def _execution_succeeded(run: Run, seen: SeenEvent) -> None:
    run.root.abort(JobStatus.SUCCEEDED, seen.at, NO_FAILURE)


def _execution_failed(run: Run, seen: SeenEvent) -> None:
    """End the run; its error is also the reason of each job on the way to the failed child that has none yet."""
    failed_child = run.end_inside(run.root, seen)
    while failed_child:
        inner = failed_child.inside.failed_child if failed_child.inside else None
        failed_child.explain(seen.failure.without_cause() if inner else seen.failure)
        run.payloads.took(failed_child)
        failed_child = inner


def _execution_aborted(run: Run, seen: SeenEvent) -> None:
    why = reasons.stop_reason(seen.details.get("error"), seen.details.get("cause"))
    run.root.abort(JobStatus.ABORTED_BY_USER, seen.at, ReportedFailure(why))


def _execution_timed_out(run: Run, seen: SeenEvent) -> None:
    run.root.abort(JobStatus.ABORTED_DEPS_FAILED, seen.at, ReportedFailure(reasons.TIMED_OUT_REASON))


def _execution_redriven(run: Run, seen: SeenEvent) -> Owner:
    """Let unfinished jobs go on, each as soon as an event of it says so."""
    run.redrive(seen.id)
    return JobPlace(run.root)


HANDLERS: Final[Mapping[str, Callable[[Run, SeenEvent], Owner | None]]] = {
    "ChoiceStateEntered": _entered,
    "FailStateEntered": _entered,
    "MapStateEntered": _entered,
    "ParallelStateEntered": _entered,
    "PassStateEntered": _entered,
    "SucceedStateEntered": _entered,
    "TaskStateEntered": _entered,
    "WaitStateEntered": _entered,
    "ChoiceStateExited": _exited,
    "MapStateExited": _exited,
    "ParallelStateExited": _exited,
    "PassStateExited": _exited,
    "SucceedStateExited": _exited,
    "TaskStateExited": _exited,
    "WaitStateExited": _exited,
    "MapStateAborted": _state_aborted,
    "ParallelStateAborted": _state_aborted,
    "TaskStateAborted": _state_aborted,
    "WaitStateAborted": _state_aborted,
    "EvaluationFailed": _evaluation_failed,
    "ActivityScheduled": _activity_scheduled,
    "LambdaFunctionScheduled": _activity_scheduled,
    "TaskScheduled": _service_scheduled,
    "ActivityStarted": _started,
    "LambdaFunctionStarted": _started,
    "TaskStarted": _started,
    "TaskSubmitted": _started,
    "ActivitySucceeded": _try_succeeded,
    "LambdaFunctionSucceeded": _try_succeeded,
    "TaskSucceeded": _try_succeeded,
    "ActivityFailed": _try_failed,
    "ActivityScheduleFailed": _try_failed,
    "ActivityTimedOut": _try_failed,
    "LambdaFunctionFailed": _try_failed,
    "LambdaFunctionScheduleFailed": _try_failed,
    "LambdaFunctionStartFailed": _try_failed,
    "LambdaFunctionTimedOut": _try_failed,
    "TaskFailed": _try_failed,
    "TaskStartFailed": _try_failed,
    "TaskSubmitFailed": _try_failed,
    "TaskTimedOut": _try_failed,
    "MapStateStarted": _container_started,
    "ParallelStateStarted": _container_started,
    "MapStateFailed": _container_failed,
    "ParallelStateFailed": _container_failed,
    "MapIterationStarted": _iteration_started,
    "MapIterationFailed": _iteration_failed,
    "MapIterationAborted": _iteration_aborted,
    "MapRunStarted": _map_run_started,
    "MapRunRedriven": _map_run_started,
    "MapRunFailed": _map_run_failed,
    "MapRunAborted": _map_run_aborted,
    "ExecutionSucceeded": _execution_succeeded,
    "ExecutionFailed": _execution_failed,
    "ExecutionAborted": _execution_aborted,
    "ExecutionTimedOut": _execution_timed_out,
    "ExecutionRedriven": _execution_redriven,
}
"""What to do about each event type; the answer is what the event belongs to, where the handler knows better."""
