"""The mutable records that a history is folded into: tries, jobs and the containers that hold them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from app.executor.history.reasons import NO_FAILURE, ReportedFailure
from workflow_manager import models
from workflow_manager.models import JobStatus

CONTAINER_TYPES = frozenset({"Parallel", "Map"})
TRIED_TYPES = CONTAINER_TYPES | {"Task"}
"""Types whose work can be retried, and which therefore wait for a start after they were entered."""


class JobPlace(NamedTuple):
    """Where a job runs: a container, and which branch of a Parallel or item of a Map."""

    container: "Container"
    branch: int | None = None
    iteration: int | None = None

    @property
    def path(self) -> tuple[int | None, int | None]:
        """The sequential path inside the container; jobs of one path follow each other."""
        return self.branch, self.iteration


@dataclass(slots=True)
class Attempt:
    """One attempt of a task, or one start of a Parallel or Map."""

    created: datetime
    started: datetime | None = None
    stopped: datetime | None = None
    why: ReportedFailure = NO_FAILURE
    """Without the cause: a job may have thousands of attempts."""
    worker: str | None = None
    """Who took it: a worker, or the run of a distributed Map."""

    @property
    def failed(self) -> bool:
        """Whether it ended badly."""
        return self.why.reason is not None

    def end(self, at: datetime, why: ReportedFailure) -> None:
        """Note when and why it ended."""
        self.stopped, self.why = at, why.without_cause()

    def attempt(self) -> models.JobAttempt:
        """Show the try as the API does."""
        return models.JobAttempt(
            created_at=self.created,
            started_at=self.started,
            stopped_at=self.stopped,
            reason=self.why.reason,
            error=self.why.error,
            task_arn=self.worker,
        )


@dataclass(slots=True, eq=False)
class Record:
    """One entry into one state."""

    id: int
    state: str
    type: str
    place: JobPlace
    created: datetime
    input: str | None
    resource: models.JobResource
    status: JobStatus = JobStatus.CREATED
    started: datetime | None = None
    stopped: datetime | None = None
    why: ReportedFailure = NO_FAILURE
    output: str | None = None
    assigned: dict[str, str] | None = None
    attempts: list[Attempt] = field(default_factory=list)
    inside: "Container | None" = None
    """What a started Parallel or Map holds."""
    failing: datetime | None = None
    """When the last attempt failed, until an event shows whether it is retried, caught or fatal."""
    aborted: datetime | None = None
    """When the state was aborted, until an event shows why."""
    exited: bool = False
    """The state passed on an output, so a failure of it was caught."""
    resumable: bool = False
    """The run ended with this job unfinished and was redriven."""
    left_out: bool = False
    """Some of its payloads were dropped; Step Functions has them."""

    @property
    def open(self) -> bool:
        """Whether the job goes on."""
        return self.stopped is None

    @property
    def live(self) -> bool:
        """Whether the job goes on, or may go on after a redrive."""
        return self.open or self.resumable

    @property
    def broken(self) -> bool:
        """Whether the job failed and nothing caught it so far."""
        return self.failing is not None or (self.status is JobStatus.FAILED and not self.exited)

    def begin_try(self, at: datetime, *, status: JobStatus) -> Attempt:
        """Start over: a first try, a retry, or the continuation after a redrive."""
        self.failing, self.why, self.status = None, NO_FAILURE, status
        self.attempts.append(Attempt(created=at))
        return self.attempts[-1]

    def run(self, at: datetime) -> None:
        """Note that the current try, or a state that needs no try, has started."""
        self.status = JobStatus.RUNNING
        self.started = self.started or at
        if self.attempts and self.attempts[-1].started is None:
            self.attempts[-1].started = at

    def fail_try(self, at: datetime, why: ReportedFailure) -> None:
        """End the current try badly; what that means for the job, a later event tells."""
        self.status = JobStatus.FAILED
        if self.type in TRIED_TYPES:
            if not self.attempts or self.attempts[-1].failed:
                self.begin_try(at, status=JobStatus.QUEUED)  # it failed before it was scheduled
            self.attempts[-1].end(at, why)
            self.status = JobStatus.QUEUED
        self.failing, self.why = at, why

    def end_try(self, at: datetime, why: ReportedFailure = NO_FAILURE) -> None:
        """End the current try, unless it has ended."""
        if self.attempts and self.attempts[-1].stopped is None:
            self.attempts[-1].end(at, why)

    def mark_aborted(self, at: datetime) -> None:
        """Note that the state was cut short; the event that ends what is around it tells why."""
        if self.open and not self.broken:
            self.status, self.aborted = JobStatus.ABORTED_DEPS_FAILED, at

    def close(self, status: JobStatus, at: datetime, why: ReportedFailure = NO_FAILURE) -> None:
        """End the job. A failed job stopped when its last try did, not when that was found fatal."""
        self.end_try(at, why)
        self.status, self.stopped, self.failing = status, self.failing or at, None
        self.why = self.why if self.why.reason else why
        self.place.container.leave(self)

    def abort(self, status: JobStatus, at: datetime, why: ReportedFailure) -> None:
        """End the job and all that goes on inside it, because of something outside it."""
        if self.inside:
            self.inside.abort(status, at, why)
        self.failing, self.why = None, NO_FAILURE
        self.close(status, self.aborted or at, why)

    def reopen(self) -> None:
        """Let a job go on that had ended with its run."""
        self.stopped = self.aborted = None
        self.why = NO_FAILURE
        self.resumable = False
        self.place.container.enter(self)
        for container in (self.place.container, self.inside):
            if container:
                container.failed = container.failed_child = None

    def explain(self, why: ReportedFailure) -> None:
        """Say why the job and its last try ended, where nothing has said so."""
        self.why = self.why if self.why.reason else why
        if self.attempts and not self.attempts[-1].why.reason:
            self.attempts[-1].why = why.without_cause()

    def drop_payloads(self) -> None:
        """Keep everything but what can be large."""
        if any(value is not None for value in (self.input, self.output, self.assigned, self.why.cause)):
            self.input = self.output = self.assigned = None
            self.why = self.why.without_cause()
            self.left_out = True

    def runs(self, resource: models.JobResource | None) -> bool:
        """Whether a task of this resource can be one of the job's; an unknown resource can."""
        return resource is None or self.resource.uri in {None, resource.uri}

    def job(self) -> models.Job:
        """Return the job as the API shows it: with the fields of the last attempt, and earlier ones as ``attempts``."""
        parent = self.place.container.job
        last = self.attempts[-1] if self.attempts else None
        return models.Job(
            id=str(self.id),
            state=self.state,
            type=self.type,
            status=self.status,
            status_reason=self.why.reason,
            error=self.why.error,
            cause=self.why.cause,
            created_at=self.created,
            started_at=last.started if last else self.started,
            stopped_at=self.stopped or self.aborted,
            input=self.input,
            output=self.output,
            assigned_variables=self.assigned,
            payloads_left_out=self.left_out or None,
            container=last.worker if last else None,
            state_resource=self.resource,
            attempts=tuple(one.attempt() for one in self.attempts[:-1]),
            parent=str(parent.id) if parent else None,
            branch=self.place.branch,
            iteration=self.place.iteration,
        )


class Container:
    """The jobs directly inside the run itself, or inside one start of a Parallel or Map."""

    __slots__ = ("branches", "failed", "failed_child", "going_on", "job", "latest", "named")

    def __init__(self, job: Record | None) -> None:
        self.job = job
        self.going_on: dict[int, Record] = {}
        self.latest: dict[tuple[int | None, int | None], Record] = {}
        """The last job entered in each path."""
        self.named: dict[str, Record] = {}
        """The last job entered of each state."""
        self.branches = 0
        self.failed: Record | None = None
        """The last job that ended in failure without being caught."""
        self.failed_child: Record | None = None
        """The job that made the container fail."""

    def enter(self, record: Record) -> None:
        """Take in a job that is new or goes on again."""
        self.going_on[record.id] = record
        self.latest[record.place.path] = self.named[record.state] = record

    def leave(self, record: Record) -> None:
        """Note that a job has ended."""
        self.going_on.pop(record.id, None)
        if record.broken:
            self.failed = record
        elif self.failed is record:
            self.failed = None

    def next_branch(self) -> int:
        """Number a branch by its appearance."""
        self.branches += 1
        return self.branches - 1

    def abort(self, status: JobStatus, at: datetime, why: ReportedFailure) -> None:
        """End everything that goes on."""
        for record in tuple(self.going_on.values()):
            record.abort(status, at, why)

    def find_failed_child(self, hint: Record | None) -> Record | None:
        """Tell which direct job made the container fail.

        The hint is the job that the failure event points to. It is not enough: with concurrent paths the event can
        point to the last event of another path.
        """
        child = self.child_of(hint)
        if self.failed_child or (child and child.broken):
            return self.failed_child or child
        failing = [(record.failing, record.id, record) for record in self.going_on.values() if record.failing]
        return max(failing)[-1] if failing else self.failed or child

    def unfinished(self) -> Iterator[Record]:
        """Walk over the jobs, at any depth, at which a redrive goes on."""
        for record in self.latest.values():
            if not record.open and not record.exited and record.status is not JobStatus.SUCCEEDED:
                yield record
                if record.inside:
                    yield from record.inside.unfinished()

    def child_of(self, record: Record | None) -> Record | None:
        """Lift a job to the one directly inside this container."""
        return next((one for one in lineage(record) if one.place.container is self), None)


def lineage(record: Record | None) -> Iterator[Record]:
    """Walk from a job outwards through the containers around it."""
    while record is not None:
        yield record
        record = record.place.container.job
