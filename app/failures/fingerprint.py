"""The fingerprint of a failure: equal for the runs that fail of the same fault.

It is made of the definition, the path of the state to blame, the name of the error, and what the cause tells, without
what differs from run to run. The rules have a version, which the fingerprint begins with: a change of them makes new
fingerprints and never mixes old ones into them.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from app.failures import causes
from app.failures.normalization import MAX_CHARACTERS, MAX_READ_CHARACTERS, normalized
from workflow_manager.models import Job, JobStatus, Workflow

VERSION: Final = 1
"""Raise it when a change of these rules gives known failures other fingerprints."""

DIGEST_CHARACTERS: Final = 32
"""Of the hexadecimal SHA-256: 128 bits, so that no two faults ever share them."""

FINGERPRINT: Final = re.compile(rf"[0-9]{{1,4}}:[0-9a-f]{{{DIGEST_CHARACTERS}}}")
"""What a fingerprint looks like."""

MAX_ERROR_CHARACTERS: Final = 256
"""AWS takes no longer name of an error."""

MAX_PATH_CHARACTERS: Final = 1_000

_OWN_ERROR: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*+")
_KINDS_OF_LANGUAGES: Final = ("Error", "Exception", "Violation", "errorString", "Warning", "Fault", "Exit")
"""How languages and their libraries end the names of errors that have many causes."""

_EXIT_LINE: Final = re.compile(r"exit (?:status|code):? \d{1,5}")
_NO_REASON: Final = "failed without a reason"


class Fault(NamedTuple):
    """What a failure is about."""

    fingerprint: str
    """``VERSION:DIGEST``."""
    path: str
    """Names of the state to blame and of those around it, the outermost first, joined with ``/``; empty for the run."""
    error: str
    """Name of the error; empty when there is none."""
    message: str
    """What the cause tells, normalized; empty when the error says it all."""

    @property
    def title(self) -> str:
        """The failure in one line for people."""
        return _shortened(causes.headline(self.error, self.message) or _NO_REASON, MAX_CHARACTERS)


def of_run(
    definition: str, *, culprit: Job | None, jobs: Sequence[Job], error: str | None, reason: str | None
) -> Fault:
    """Return what the failure of a run is about.

    ``culprit`` is the job to blame, and ``jobs`` are those of the run. ``error`` and ``reason`` are those of the
    workflow; they count where no job failed, as in a run that timed out or was never started.
    """
    if culprit is not None and culprit.status is JobStatus.FAILED:
        return _failure(definition, path(culprit, jobs), culprit.error, culprit.cause, culprit.status_reason)
    where = path(culprit, jobs) if culprit is not None else ""
    return _failure(definition, where, error, None, reason)


def of_workflow(workflow: Workflow) -> Fault:
    """Return what the failure of a workflow with its jobs is about."""
    return of_run(
        workflow.workflow_definition.name,
        culprit=workflow.last_job,
        jobs=workflow.jobs,
        error=workflow.error,
        reason=workflow.status_reason,
    )


def path(job: Job, jobs: Iterable[Job]) -> str:
    """Return the names of a job's state and of those around it, without branches and items."""
    by_id = {one.id: one for one in jobs}
    names: list[str] = []
    here: Job | None = job
    while here is not None and len(names) <= len(by_id):
        names.append(here.state.replace("/", "%2F"))
        here = by_id.get(here.parent) if here.parent is not None else None
    return _shortened("/".join(reversed(names)), MAX_PATH_CHARACTERS)


def message_of(error: str, *, cause: str | None, reason: str | None) -> str:
    """Return what a cause tells, normalized; the reason stands in where the cause was not kept."""
    if _is_own(error):
        return ""
    told = _told(causes.plain(cause)) if cause and cause.strip() else (reason or "").partition("\n")[0]
    return normalized(told.removeprefix(f"{error}: ") if error else told)


def _failure(definition: str, where: str, error: str | None, cause: str | None, reason: str | None) -> Fault:
    name = " ".join(_printable((error or "")[:MAX_ERROR_CHARACTERS]).split())
    message = message_of(name, cause=cause, reason=reason)
    text = json.dumps([definition, where, name, message])
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARACTERS]
    return Fault(f"{VERSION}:{digest}", where, name, message)


def _is_own(error: str) -> bool:
    """Tell whether the author chose the name: such names tell one fault from another, and texts have names and ids.

    A name with a dot is one of AWS, of a command or of a package.
    """
    return _OWN_ERROR.fullmatch(error) is not None and not error.endswith(_KINDS_OF_LANGUAGES)


def _told(cause: str) -> str:
    """Return the line that tells, and the exit code that a command's output ends with."""
    said = causes.sentence(cause)[:MAX_READ_CHARACTERS]
    last = cause[-MAX_READ_CHARACTERS:].rpartition("\n")[2].strip()
    return f"{said} ({last})" if _EXIT_LINE.fullmatch(last) and last != said else said


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
