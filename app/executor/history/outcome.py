"""Which job stands for a whole run: the one that made it fail, or the one entered last."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from workflow_manager.models import Job, JobStatus, WorkflowStatus

_Children: TypeAlias = dict[str | None, list[Job]]

_ABORTED = frozenset({JobStatus.ABORTED_BY_USER, JobStatus.ABORTED_DEPS_FAILED})


def failing_job(jobs: Sequence[Job]) -> Job | None:
    """Find the job whose error ended the run: the innermost one, with the jobs in order of entry.

    A caught failure is followed by another job on the same path, so only the last job of a path can have ended the
    run. None when no job failed, as in a run that timed out.
    """
    children: _Children = defaultdict(list)
    for job in jobs:
        children[job.parent].append(job)
    found = None
    candidate = _broken(children[None])
    while candidate is not None:
        found = candidate
        candidate = _broken(_of_last_start(found, children[found.id]))
    return found


def last_job(jobs: Sequence[Job], *, status: WorkflowStatus) -> Job | None:
    """Pick the job that a list of workflows shows: of a failed run the one to blame, else the one entered last.

    For a failed run without a failed job (it timed out) this is the last aborted job: jobs are entered after
    those around them.
    """
    if status is WorkflowStatus.FAILED:
        cut_short = (job for job in reversed(jobs) if job.status in _ABORTED)
        found = failing_job(jobs) or next(cut_short, None)
        if found is not None:
            return found
    return jobs[-1] if jobs else None


def _broken(jobs: Iterable[Job]) -> Job | None:
    """Give the first to fail among the last jobs of each path."""
    last = {(job.branch, job.iteration): job for job in jobs}
    failed = [job for job in last.values() if job.status is JobStatus.FAILED]
    return min(failed, key=lambda job: (job.stopped_at or job.created_at, int(job.id)), default=None)


def _of_last_start(container: Job, jobs: Iterable[Job]) -> Iterable[Job]:
    """Leave out what an earlier try of the container ran: that failure was retried.

    A container that was redriven goes on with the jobs of the try before. What was stored by an earlier version has
    the last start among the attempts.
    """
    starts = [one.created_at for one in container.attempts[-1:]] + [container.started_at]
    started_at = max((start for start in starts if start is not None), default=None)
    return [job for job in jobs if started_at is None or (job.stopped_at or job.created_at) >= started_at]
