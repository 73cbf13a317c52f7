"""What tables and details show of definitions, workflows, jobs and state resources."""

from datetime import UTC, datetime, timedelta

from app import models
from app.cli.output import NOTHING, Columns

EXCERPT_CHARACTERS = 200


def definition_label(definition: models.WorkflowDefinition) -> str:
    """Write a definition as the command line reads it: name and version."""
    return f"{definition.name}:{definition.version}"


def tags(values: models.Tags) -> str:
    """Write tags as ``key=value`` pairs."""
    return " ".join(f"{key}={value}" for key, value in values.items()) or NOTHING


def time(moment: datetime | None) -> str:
    """Write a time to the second, in UTC."""
    return NOTHING if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(start: datetime | None, end: datetime | None) -> str:
    """Write how long something took, or takes until now."""
    if start is None:
        return NOTHING
    seconds = max(((end or datetime.now(UTC)) - start) / timedelta(seconds=1), 0.0)
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def excerpt(text: str | None, *, length: int = EXCERPT_CHARACTERS) -> str:
    """Cut text to one short line."""
    line = " ".join((text or "").split())
    return (line if len(line) <= length else line[: length - 1] + "…") or NOTHING


def place(job: models.Job) -> str:
    """Tell where inside a Parallel or Map a job ran."""
    parts = [("branch", job.branch), ("item", job.iteration)]
    return " ".join(f"{word} {index}" for word, index in parts if index is not None) or NOTHING


DEFINITION_COLUMNS: Columns[models.WorkflowDefinition] = {
    "name": lambda definition: definition.name,
    "version": lambda definition: str(definition.version),
    "created": lambda definition: time(definition.created_at),
    "tags": lambda definition: tags(definition.default_tags),
}

WORKFLOW_COLUMNS: Columns[models.Workflow] = {
    "id": lambda workflow: workflow.id,
    "definition": lambda workflow: definition_label(workflow.workflow_definition),
    "namespace": lambda workflow: workflow.namespace,
    "status": lambda workflow: workflow.status.value,
    "created": lambda workflow: time(workflow.created_at),
    "duration": lambda workflow: duration(workflow.started_at or workflow.created_at, workflow.stopped_at),
    "reason": lambda workflow: excerpt(workflow.status_reason, length=80),
}

JOB_COLUMNS: Columns[models.Job] = {
    "state": lambda job: job.state,
    "type": lambda job: job.type,
    "status": lambda job: job.status.value,
    "attempts": lambda job: str(len(job.attempts) or NOTHING),
    "where": place,
    "duration": lambda job: duration(job.started_at or job.created_at, job.stopped_at),
    "worker": lambda job: job.container or NOTHING,
    "reason": lambda job: excerpt(job.status_reason, length=80),
}

STATE_RESOURCE_COLUMNS: Columns[models.StateResource] = {
    "namespace": lambda resource: resource.namespace,
    "name": lambda resource: resource.name,
    "uri": lambda resource: resource.uri,
    "type": lambda resource: resource.type.value,
    "updated": lambda resource: time(resource.last_updated),
}


def workflow_fields(workflow: models.Workflow, *, full: bool) -> dict[str, str]:
    """Choose what the details of a workflow name; ``full`` does not cut its texts."""
    cut = (lambda text: text or NOTHING) if full else excerpt
    fields = {
        "id": workflow.id,
        "definition": definition_label(workflow.workflow_definition),
        "status": workflow.status.value,
        "reason": cut(workflow.status_reason),
        "namespace": workflow.namespace,
        "queue": workflow.queue,
        "tags": tags(workflow.tags),
        "created": time(workflow.created_at),
        "started": time(workflow.started_at),
        "stopped": time(workflow.stopped_at),
        "duration": duration(workflow.started_at or workflow.created_at, workflow.stopped_at),
        "resolved": "yes" if workflow.resolved_by_user else "no",
        "resumes": workflow.retry_for or NOTHING,
        "resumed by": " ".join(workflow.retries) or NOTHING,
        "input": cut(workflow.input),
        "output": cut(workflow.output),
        "execution": workflow.execution_arn,
    }
    return {name: value for name, value in fields.items() if value != NOTHING}


def job_fields(job: models.Job) -> dict[str, str]:
    """Choose what the full details of a job name."""
    shown = {title: show(job) for title, show in JOB_COLUMNS.items()}
    shown |= {
        "reason": job.status_reason or NOTHING,
        "resource": job.state_resource.uri if job.state_resource else NOTHING,
        "input": job.input or NOTHING,
        "output": job.output or NOTHING,
    }
    return {name: value for name, value in shown.items() if value != NOTHING}
