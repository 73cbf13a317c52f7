"""What Step Functions says about a run, whichever call it said it in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.executor import history
from app.executor.history import reasons
from app.executor.history.payloads import Payloads
from app.failures import fingerprint
from app.failures.warnings import warnings
from app.store import WorkflowChanges
from workflow_manager import states_language
from workflow_manager.models import Job, Workflow, WorkflowStatus, is_resolved, to_milliseconds

STATUSES: Final = {
    "PENDING_REDRIVE": WorkflowStatus.RUNNING,
    "RUNNING": WorkflowStatus.RUNNING,
    "SUCCEEDED": WorkflowStatus.SUCCEEDED,
    "FAILED": WorkflowStatus.FAILED,
    "TIMED_OUT": WorkflowStatus.FAILED,
    "ABORTED": WorkflowStatus.CANCELLED,
}
"""Status of an execution to status of its workflow."""

ENDINGS: Final = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
    "ExecutionRedriven": "RUNNING",
}
"""Event that ends (or, after a redrive, reopens) a run to the status of the execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One answer about a run.

    A list of executions tells the status and the times only; then ``outcome_known`` is false. Jobs come from the
    history alone, and are None in any other answer.
    """

    status: WorkflowStatus
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    outcome_known: bool = False
    reason: str | None = None
    error: str | None = None
    output: str | None = None
    jobs: tuple[Job, ...] | None = None
    last_event_id: int = 0
    redrives: int | None = None
    """How often the run had been redriven by then; None if Step Functions was not asked."""

    @property
    def complete(self) -> bool:
        """Whether nothing about an ended run is missing."""
        return self.status.terminal and self.outcome_known and self.jobs is not None


OUTSIDE: Final = "outside"
"""Who redrove a run that was not redriven through this service."""


def is_stale(observation: Observation, redrives: int) -> bool:
    """Tell whether an observation is of a time before a run was redriven so often."""
    return observation.redrives is not None and observation.redrives < redrives


def is_later(observation: Observation, redrives: int) -> bool:
    """Tell whether an observation is of a time after a run was redriven once more."""
    return observation.redrives is not None and observation.redrives > redrives


def from_description(answer: Mapping[str, Any]) -> Observation:
    """Read an answer of DescribeExecution."""
    return Observation(
        status=STATUSES[answer["status"]],
        started_at=answer.get("startDate"),
        stopped_at=answer.get("stopDate"),
        outcome_known=True,
        reason=reasons.status_reason(answer),
        error=answer.get("error"),
        output=answer.get("output"),
        redrives=answer.get("redriveCount", 0),
    )


def from_row(row: Mapping[str, Any]) -> Observation:
    """Read a row of ListExecutions."""
    status = STATUSES[row["status"]]
    return Observation(
        status=status,
        started_at=row.get("startDate"),
        stopped_at=row.get("stopDate"),
        reason=reasons.TIMED_OUT_REASON if row["status"] == "TIMED_OUT" else None,
        redrives=row.get("redriveCount", 0),
    )


class RunReading:
    """A history read page by page: the jobs so far, and how the run started and ended.

    The state that restores variables is not of the definition, so it is none of the jobs.
    """

    def __init__(
        self, state_machine: Mapping[str, Any] | None, *, namespace: str = "", payloads: Payloads | None = None
    ) -> None:
        self._fold = history.HistoryFold(state_machine, namespace=namespace, payloads=payloads)
        self._ours = state_machine and states_language.restoring_state(dict(state_machine))
        self._started_at: datetime | None = None
        self._last: Mapping[str, Any] | None = None
        self._redrives = 0

    @property
    def kept_bytes(self) -> int:
        """Bytes of payloads that are held."""
        return self._fold.kept_bytes

    @property
    def last_event_id(self) -> int:
        """Id of the last event that was read."""
        return self._fold.last_event_id

    def add(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take in events in order of their ids; those seen before are skipped."""
        fresh = [event for event in events if event["id"] > self._fold.last_event_id]
        for event in fresh:
            if event["type"] == "ExecutionStarted":
                self._started_at = event["timestamp"]
            elif event["type"] in ENDINGS:
                self._last = event
                self._redrives = _details(event).get("redriveCount", self._redrives)
        self._fold.add(fresh)

    def observation(self) -> Observation:
        """Return what the events so far say."""
        ending = self._last
        status = ENDINGS[ending["type"]] if ending else "RUNNING"
        details = _details(ending) if ending else {}
        ended = STATUSES[status].terminal
        return Observation(
            status=STATUSES[status],
            started_at=self._started_at,
            stopped_at=ending["timestamp"] if ending and ended else None,
            outcome_known=True,
            reason=reasons.status_reason({"status": status, **details}),
            error=details.get("error"),
            output=details.get("output"),
            jobs=tuple(job for job in self._fold.jobs() if job.state != self._ours),
            last_event_id=self._fold.last_event_id,
            redrives=self._redrives,
        )


def against(known: Workflow, observation: Observation) -> Observation | None:
    """Return what an observation may add to what is known; None when that is newer.

    Observations are ordered by the number of redrives, and within the same number a terminal status is final.
    """
    if is_stale(observation, known.redrives):
        return None
    if is_later(observation, known.redrives):
        stops = known.stop_pending and not observation.status.terminal
        return None if stops or known.status is WorkflowStatus.SUCCEEDED else observation
    if not known.status.terminal:
        return observation
    return within(known, observation) if observation.status.terminal else None


def within(ended: Workflow, observation: Observation) -> Observation:
    """Return what an observation of the same redrive may still add to a workflow that has ended."""
    if observation.status is ended.status:
        return observation
    return replace(
        observation, status=ended.status, stopped_at=ended.stopped_at, reason=ended.status_reason, error=ended.error
    )


def changes(observation: Observation, *, before: Workflow | None, now: datetime) -> WorkflowChanges:
    """Return what an observation changes in a workflow; nothing when it says what is stored.

    Without ``before`` nothing is known of what is stored, so everything that was observed is written.
    """
    if before is not None and is_later(observation, before.redrives):
        opened = reopening(observation.redrives or 0, by=OUTSIDE, now=now)
        return {**opened, **changes(observation, before=before.model_copy(update={**opened}), now=now)}
    warned = warning_changes(before, observation, now=now) if before is not None else {}
    if before is not None and not warned and _says_the_same(observation, before):
        return {}
    status = observation.status
    changed: WorkflowChanges = {"status": status, "last_updated": now, "observed_at": now}
    if observation.started_at is not None:
        changed["started_at"] = to_milliseconds(observation.started_at)
    if observation.jobs is not None:
        changed["jobs"] = observation.jobs
        changed["last_job"] = history.last_job(observation.jobs, status=status)
    if status.terminal:
        changed.update(_ending(observation, before=before, now=now))
    return changed | warned | fingerprint_changes(before, changed) if before is not None else changed


def warning_changes(before: Workflow, observation: Observation, *, now: datetime) -> WorkflowChanges:
    """Return the warnings if the history adds some to the known ones."""
    found = warnings(
        before.warnings,
        jobs=observation.jobs or (),
        events=observation.last_event_id,
        started_at=observation.started_at,
        now=now,
        running=not observation.status.terminal,
    )
    return {"warnings": found} if found != before.warnings else {}


def _ending(observation: Observation, *, before: Workflow | None, now: datetime) -> WorkflowChanges:
    changed: WorkflowChanges = {
        "details_pending": not observation.complete,
        "stopped_at": to_milliseconds(observation.stopped_at or now),
    }
    if observation.reason is not None:
        changed["status_reason"] = observation.reason
    if observation.error is not None:
        changed["error"] = observation.error
    if observation.outcome_known:
        changed["output"] = observation.output
    if is_resolved(observation.status):
        changed["resolved_by_user"] = True
    elif before is None or not before.status.terminal:
        changed["resolved_by_user"] = False  # who resolved it before did not know of this failure
    return changed


def fingerprint_changes(before: Workflow, changed: WorkflowChanges) -> WorkflowChanges:
    """Return the fingerprint of a failure whose jobs are written, and none for what is no failure any more."""
    if changed.get("status", before.status) is not WorkflowStatus.FAILED:
        return {"fingerprint": None} if before.fingerprint is not None else {}
    if "jobs" not in changed:
        return {}
    return {"fingerprint": fingerprint.of_workflow(before.model_copy(update=dict(changed))).fingerprint}


def reopening(
    redrives: int, *, by: str | None, now: datetime, status: WorkflowStatus = WorkflowStatus.RUNNING
) -> WorkflowChanges:
    """Return the changes that let a workflow go on: nothing of its last end is left."""
    return {
        "status": status,
        "redrives": redrives,
        "redriven_at": now,
        "redriven_by": by,
        "stopped_at": None,
        "status_reason": None,
        "error": None,
        "fingerprint": None,
        "output": None,
        "resolved_by_user": False,
        "resolved_by": None,
        "resolved_by_caller": None,
        "resolve_reason": None,
        "cancelled_by": None,
        "details_pending": False,
        "details_deferred": False,
        "start_pending": False,
        "stop_pending": False,
        "last_updated": now,
        "observed_at": now,
    }


def _says_the_same(observation: Observation, before: Workflow) -> bool:
    news_of_jobs = observation.jobs is not None and observation.jobs != before.jobs
    completes = before.details_pending and observation.complete
    return observation.status is before.status and not news_of_jobs and not completes


def _details(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (value for key, value in event.items() if key.endswith("EventDetails") and isinstance(value, Mapping))
    return next(found, {})
