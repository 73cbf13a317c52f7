"""Which way a workflow is recovered, and what that means: decisions without I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from app.executor.history import failing_job
from workflow_manager import errors
from workflow_manager.models import (
    Job,
    JobStatus,
    RecoverRequest,
    RecoveryMode,
    RecoveryPreview,
    Workflow,
)

REDRIVABLE: Final = timedelta(days=14)
"""How long after its end a run can be redriven."""

MAX_EVENTS: Final = 25_000
MANY_EVENTS: Final = 20_000

DATA_LIMIT: Final = "States.DataLimitExceeded"
TIMEOUTS: Final = frozenset({"States.Timeout", "States.HeartbeatTimeout"})
DONE: Final = JobStatus.SUCCEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What Step Functions says of an execution that has ended."""

    redrives: int
    ended: bool
    refusal: str | None
    """Why it cannot be redriven, in AWS's words."""


def culprit(workflow: Workflow) -> Job | None:
    """Return the job that ended a run, or was cut short by its end."""
    return failing_job(workflow.jobs) or workflow.last_job


def outermost(job: Job, jobs: Iterable[Job]) -> Job:
    """Return a job, or the Parallel or Map around it that nothing is around."""
    by_id = {each.id: each for each in jobs}
    while (around := by_id.get(job.parent or "")) is not None:
        job = around
    return job


def choose(request: RecoverRequest, standing: Standing | None, job: Job | None) -> tuple[RecoveryMode, str]:
    """Return how to recover, and why. Raises ``InvalidRequest``, and ``NotRecoverable`` in AWS's words."""
    given = request.model_dump(by_alias=True, exclude_none=True)
    changed = [name for name in ("startAt", "input", "inputPatch", "version") if name in given]
    if request.input is not None and request.input_patch is not None:
        raise errors.InvalidRequest("input and inputPatch exclude each other")
    if request.mode == "redrive" and changed:
        raise errors.InvalidRequest(
            f"a redrive runs the same definition with the same input: leave out {changed[0]}, or resume"
        )
    refusal = "Step Functions no longer has the execution" if standing is None else standing.refusal
    if request.mode == "redrive":
        if refusal is not None:
            raise errors.NotRecoverable(f"the run cannot be redriven: {refusal}")
        return "redrive", "a redrive was asked for"
    if request.mode == "resume":
        return "resume", "a resume was asked for"
    if changed:
        return "resume", "only a new run can have another start, input or version"
    obstacle = f"the run cannot be redriven: {refusal}" if refusal is not None else _fails_again(job)
    return ("redrive", "the same run can go on where it failed") if obstacle is None else ("resume", obstacle)


def _fails_again(job: Job | None) -> str | None:
    if job is not None and job.type == "Fail":
        return f"a redrive would enter the Fail state {job.state!r} again"
    if job is not None and job.error == DATA_LIMIT:
        return f"a redrive would meet the same limit again: {DATA_LIMIT}"
    return None


def start_at(workflow: Workflow, job: Job | None) -> str:
    """Return the outermost state to resume at: the one that failed, or whose failure led to a Fail state.

    Raises ``UnknownState`` when the run entered no state.
    """
    if job is None:
        raise errors.UnknownState(f"workflow {workflow.id} never entered a state; name one with startAt")
    top = outermost(job, workflow.jobs)
    if top.type != "Fail":
        return top.state
    before = [each for each in workflow.jobs if each.parent is None and int(each.id) < int(top.id)]
    failed = [each for each in before if each.status is JobStatus.FAILED]
    return next((each.state for each in (*reversed(failed), *reversed(before))), top.state)


def redrive_preview(workflow: Workflow, job: Job | None, *, events: int | None, latest: int | None) -> RecoveryPreview:
    """Say what a redrive means."""
    all_again = job is not None and job.error == DATA_LIMIT
    top = outermost(job, workflow.jobs) if job is not None else None
    inside = {each.id for each in workflow.jobs if top is not None and outermost(each, workflow.jobs).id == top.id}
    again = [each for each in workflow.jobs if each.id in inside and (all_again or each.status is not DONE)]
    kept = [each for each in workflow.jobs if each.status is DONE and each not in again]
    warnings = list(_redrive_warnings(job, again, events=events))
    if all_again:
        warnings.append(f"after {DATA_LIMIT} all branches and items run again")
    version = workflow.workflow_definition.version
    if latest is not None and latest > version:
        warnings.append(f"version {latest} of the definition exists; a redrive stays with version {version}")
    ended = workflow.stopped_at
    return RecoveryPreview(
        runs_again=_names(again),
        kept=_names(kept),
        version=version,
        redrive_deadline=ended + REDRIVABLE if ended else None,
        events=events,
        warnings=tuple(warnings),
    )


def resume_preview(
    workflow: Workflow, *, start: str, version: int, machine: Mapping[str, Any], events: int | None
) -> RecoveryPreview:
    """Say what a resume at a state means."""
    entry = max((int(job.id) for job in workflow.jobs if job.parent is None and job.state == start), default=0)
    kept = [job for job in workflow.jobs if job.status is DONE and int(job.id) < entry]
    again = [job for job in workflow.jobs if entry and int(job.id) >= entry]
    warnings = [f"{job.state} ran before and runs again" for job in again if job.status is DONE and job.type == "Task"]
    missing = [name for name in dict.fromkeys(job.state for job in again if job.parent is None) if name not in machine]
    warnings += [f"version {version} has no state {name!r}" for name in missing]
    ended = workflow.stopped_at
    return RecoveryPreview(
        runs_again=_names(again) or (start,),
        kept=_names(kept),
        start_at=start,
        version=version,
        redrive_deadline=ended + REDRIVABLE if ended else None,
        events=events,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _redrive_warnings(job: Job | None, again: Iterable[Job], *, events: int | None) -> Iterable[str]:
    if job is not None and job.type == "Fail":
        yield f"the Fail state {job.state!r} is entered again and will fail again"
    for each in again:
        if each.type == "Task" and each.error in TIMEOUTS:
            yield f"a worker may still be busy with {each.state!r}, which timed out; what it returns no longer counts"
    if events is not None and events > MANY_EVENTS:
        yield f"the history has {events} of {MAX_EVENTS} events"


def _names(jobs: Iterable[Job]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_name, jobs)))


def _name(job: Job) -> str:
    if job.iteration is not None:
        return f"{job.state} (item {job.iteration})"
    return job.state if job.branch is None else f"{job.state} (branch {job.branch})"
