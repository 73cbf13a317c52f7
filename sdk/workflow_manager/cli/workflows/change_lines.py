"""A followed workflow as lines: one per change, and its output or reason at the end."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from workflow_manager import models
from workflow_manager.cli.output.columns import definition_label, excerpt, headline, place
from workflow_manager.cli.output.escaping import escape, escape_lines
from workflow_manager.cli.output.table_layout import NOTHING

END_CHARACTERS: Final = 500
"""How many characters of the output or reason are shown at the end."""


def changed_lines(workflow: models.Workflow, shown: dict[str, str]) -> Iterator[str]:
    """Yield a line for each job, and for the workflow, that differs from ``shown``; update ``shown``."""
    for key, (time, text) in _lines(workflow).items():
        if shown.get(key) != text:
            shown[key] = text
            yield escape(f"{models.format_time(time)}  {text}")


def output_lines(workflow: models.Workflow) -> Iterator[str]:
    """Yield the full output of a workflow; the reason of a failure is in its last change line."""
    if workflow.status is models.WorkflowStatus.SUCCEEDED and workflow.output:
        yield f"Output: {escape_lines(workflow.output)}"


def end_lines(workflow: models.Workflow, *, full: str) -> Iterator[str]:
    """Yield the output or reason for a terminal; ``full`` is the command that shows the full text."""
    succeeded = workflow.status is models.WorkflowStatus.SUCCEEDED
    title, text = ("Output", workflow.output) if succeeded else ("Reason", workflow.status_reason)
    if not text:
        return
    cut = excerpt(text, length=END_CHARACTERS)
    yield escape(f"{title}: {cut}")
    if cut != " ".join(text.split()):
        yield f"Full text: {escape(full)}"


def _lines(workflow: models.Workflow) -> Mapping[str, tuple[datetime, str]]:
    """Return a line per job and one for the workflow: before its jobs while it runs, after them once it has ended."""
    jobs = {job.id: (_changed_at(job), _job_words(job)) for job in sorted(workflow.jobs, key=_changed_at)}
    changed = workflow.stopped_at or workflow.started_at or workflow.created_at
    words = f"{workflow.status.value:<9}  workflow {workflow.id} {definition_label(workflow.workflow_definition)}"
    own = {"": (changed, words + _because(workflow.status_reason))}
    return jobs | own if workflow.status.terminal else own | jobs


def _job_words(job: models.Job) -> str:
    where = "" if (inside := place(job)) == NOTHING else f" ({inside})"
    attempt = f" attempt {len(job.attempts) + 1}" if job.attempts else ""
    return f"{job.status.value:<9}  {job.type} {job.state}{where}{attempt}{_because(job.status_reason)}"


def _because(reason: str | None) -> str:
    return f": {headline(reason)}" if reason else ""


def _changed_at(job: models.Job) -> datetime:
    return (job.stopped_at or job.started_at or job.created_at).astimezone(UTC)
