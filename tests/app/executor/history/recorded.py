"""The recorded histories of the folder beside this file, and a shorthand to write small ones.

``written_*`` are written by hand after the shape of answers of AWS, ``moto_*`` are recorded runs of the embedded AWS.
"""

import functools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.executor import history
from app.executor.history import Event
from workflow_manager.models import Job, WorkflowStatus

_FOLDER = Path(__file__).parent / "histories"
_STARTED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

NAMES = sorted(path.stem for path in _FOLDER.glob("*.json"))

_STATUSES = {
    "RUNNING": WorkflowStatus.RUNNING,
    "SUCCEEDED": WorkflowStatus.SUCCEEDED,
    "FAILED": WorkflowStatus.FAILED,
    "TIMED_OUT": WorkflowStatus.FAILED,
    "ABORTED": WorkflowStatus.CANCELLED,
}


@dataclass(frozen=True)
class Recorded:
    """One history with what it must fold to."""

    definition: dict[str, Any] | None
    status: WorkflowStatus
    events: tuple[Event, ...]
    jobs: list[str]
    last_job: str


@functools.cache
def load(name: str) -> Recorded:
    """Read one history, with times as botocore gives them."""
    document = json.loads((_FOLDER / f"{name}.json").read_text())
    return Recorded(
        definition=document["definition"],
        status=_STATUSES[document["execution"]["status"]],
        events=tuple(event | {"timestamp": datetime.fromisoformat(event["timestamp"])} for event in document["events"]),
        jobs=document["jobs"],
        last_job=document["last_job"],
    )


def jobs_of(name: str) -> dict[str, Job]:
    """Fold a recorded history into jobs by id."""
    sample = load(name)
    return {job.id: job for job in history.fold(sample.events, state_machine=sample.definition)}


def line(job: Job) -> str:
    """Write a job in one line, as the recorded files have it."""
    parts = [job.id, job.type, job.state]
    parts += [f"in {job.parent}"] if job.parent is not None else []
    parts += [f"branch {job.branch}"] if job.branch is not None else []
    parts += [f"item {job.iteration}"] if job.iteration is not None else []
    parts += [f"retries {len(job.attempts)}"] if job.attempts else []
    reason = "" if job.status_reason is None else ": " + job.status_reason.replace("\n", " / ")
    return " ".join([*parts, job.status]) + reason


def event(event_id: int, before: int, event_type: str, **details: Any) -> Event:
    """Write one event; its id is also the second at which it happened."""
    return {
        "id": event_id,
        "previousEventId": before,
        "type": event_type,
        "timestamp": _STARTED_AT + timedelta(seconds=event_id),
        details_key(event_type): details,
    }


def details_key(event_type: str) -> str:
    """Name the field with the details of an event type, as AWS does."""
    for suffix in ("StateEntered", "StateExited"):
        if event_type.endswith(suffix):
            return suffix[0].lower() + suffix[1:] + "EventDetails"
    return event_type[0].lower() + event_type[1:] + "EventDetails"


PARALLEL = (event(1, 0, "ParallelStateEntered", name="Both"), event(2, 1, "ParallelStateStarted"))
"""The start of a Parallel, whose branches begin after event 2."""
