"""The columns of tables and the fields of details, for each resource."""

from datetime import UTC, datetime, timedelta

from workflow_manager import models
from workflow_manager.cli.output.table_layout import NOTHING, Column, Columns

EXCERPT_CHARACTERS = 200

RETRIED_TYPES = frozenset({"Task", "Parallel", "Map"})


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
    """Write the time from start to end, or until now."""
    if start is None:
        return NOTHING
    seconds = max(((end or datetime.now(UTC)) - start) / timedelta(seconds=1), 0.0)
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def yes_or_no(truth: bool) -> str:
    """Write a truth value."""
    return "yes" if truth else "no"


def one_line(text: str | None) -> str:
    """Write text as one line of any length."""
    return " ".join((text or "").split()) or NOTHING


def headline(reason: str | None) -> str:
    """Write the first line of a reason, which holds the error; details show the rest."""
    return one_line((reason or "").strip().partition("\n")[0])


def attempts(job: models.Job) -> str:
    """Count the attempts of a job, itself included; nothing for a state that is never retried."""
    return str(len(job.attempts) + 1) if job.attempts or job.type in RETRIED_TYPES else NOTHING


def began(job: models.Job) -> datetime:
    """Return when the first attempt of a job started, or when the job was created."""
    first = job.attempts[0] if job.attempts else job
    return first.started_at or job.created_at


def excerpt(text: str | None, *, length: int = EXCERPT_CHARACTERS) -> str:
    """Cut text to one short line, for a terminal."""
    line = one_line(text)
    return line if len(line) <= length else line[: length - 1] + "…"


def place(job: models.Job) -> str:
    """Write the branch or item of a Parallel or Map that a job ran in."""
    parts = [("branch", job.branch), ("item", job.iteration)]
    return " ".join(f"{word} {index}" for word, index in parts if index is not None) or NOTHING


def compact_time(moment: datetime) -> str:
    """Write a time without its year and to the minute, in UTC."""
    return moment.astimezone(UTC).strftime("%m-%d %H:%M")


def _compact_created(item: models.WorkflowDefinition | models.Workflow) -> str:
    return compact_time(item.created_at)


def _compact_updated(resource: models.StateResource) -> str:
    return compact_time(resource.last_updated)


def _limit(number: float | None) -> str:
    return NOTHING if number is None else f"{number:g}"


DEFINITION_COLUMNS: Columns[models.WorkflowDefinition] = {
    "name": Column(lambda definition: definition.name),
    "version": Column(lambda definition: str(definition.version)),
    "created": Column(lambda definition: time(definition.created_at), drop_priority=2, compact=_compact_created),
    "tags": Column(lambda definition: tags(definition.default_tags), min_width=10, drop_priority=1),
}

WORKFLOW_COLUMNS: Columns[models.Workflow] = {
    "id": Column(lambda workflow: workflow.id),
    "definition": Column(lambda workflow: definition_label(workflow.workflow_definition), min_width=11),
    "namespace": Column(lambda workflow: workflow.namespace, min_width=10, drop_priority=5),
    "status": Column(lambda workflow: workflow.status.value),
    "priority": Column(lambda workflow: str(workflow.priority or NOTHING), drop_priority=4, optional=True),
    "created": Column(lambda workflow: time(workflow.created_at), drop_priority=2, compact=_compact_created),
    "duration": Column(
        lambda workflow: duration(workflow.started_at or workflow.created_at, workflow.stopped_at), drop_priority=3
    ),
    "resolved by": Column(
        lambda workflow: workflow.resolved_by or NOTHING, min_width=8, drop_priority=4, optional=True
    ),
    "reason": Column(lambda workflow: headline(workflow.status_reason), min_width=18, drop_priority=1),
    "queue": Column(lambda workflow: workflow.queue, wide=True),
    "tags": Column(lambda workflow: tags(workflow.tags), wide=True),
    "started": Column(lambda workflow: time(workflow.started_at), wide=True),
    "stopped": Column(lambda workflow: time(workflow.stopped_at), wide=True),
    "resolved": Column(lambda workflow: yes_or_no(workflow.resolved_by_user), wide=True),
    "warnings": Column(lambda workflow: " ".join(each.code for each in workflow.warnings) or NOTHING, wide=True),
    "fingerprint": Column(lambda workflow: workflow.fingerprint or NOTHING, wide=True),
    "resumes": Column(lambda workflow: workflow.retry_for or NOTHING, wide=True),
    "resumed by": Column(lambda workflow: " ".join(workflow.retries) or NOTHING, wide=True),
    "last state": Column(lambda workflow: workflow.last_job.state if workflow.last_job else NOTHING, wide=True),
}

JOB_COLUMNS: Columns[models.Job] = {
    "state": Column(lambda job: job.state, min_width=16),
    "type": Column(lambda job: job.type, drop_priority=5),
    "status": Column(lambda job: job.status.value),
    "attempts": Column(attempts, drop_priority=4),
    "where": Column(place, min_width=8, drop_priority=2),
    "duration": Column(lambda job: duration(began(job), job.stopped_at), drop_priority=3),
    "worker": Column(lambda job: job.container or NOTHING, min_width=12, drop_priority=6),
    "reason": Column(lambda job: headline(job.status_reason), min_width=12, drop_priority=1),
}

STATE_RESOURCE_COLUMNS: Columns[models.StateResource] = {
    "namespace": Column(lambda resource: resource.namespace),
    "name": Column(lambda resource: resource.name),
    "uri": Column(lambda resource: resource.uri, min_width=20),
    "type": Column(lambda resource: resource.type.value, drop_priority=1),
    "updated": Column(lambda resource: time(resource.last_updated), drop_priority=2, compact=_compact_updated),
}

QUEUE_COLUMNS: Columns[models.Queue] = {
    "name": Column(lambda queue: queue.name),
    "paused": Column(lambda queue: "yes" if queue.paused else "no"),
    "running": Column(lambda queue: str(queue.running)),
    "queued": Column(lambda queue: str(queue.queued)),
    "max running": Column(lambda queue: _limit(queue.max_running)),
    "starts per second": Column(lambda queue: _limit(queue.starts_per_second)),
}

BINDING_COLUMNS: Columns[models.RoleBinding] = {
    "role": Column(lambda binding: binding.role),
    "namespaces": Column(lambda binding: " ".join(binding.namespaces)),
    "definitions": Column(lambda binding: " ".join(binding.definitions)),
}


def _binding(binding: models.RoleBinding) -> str:
    within = f" for {' '.join(binding.definitions)}" if binding.definitions != ("*",) else ""
    return f"{binding.role} in {' '.join(binding.namespaces)}{within}"


def _time(moment: datetime | None) -> str:
    return NOTHING if moment is None else time(moment)


KEY_COLUMNS: Columns[models.ApiKey] = {
    "id": Column(lambda key: key.id),
    "name": Column(lambda key: key.name),
    "bindings": Column(lambda key: "; ".join(map(_binding, key.bindings))),
    "created": Column(lambda key: time(key.created_at), drop_priority=2),
    "last used": Column(lambda key: _time(key.last_used_at), drop_priority=1),
    "expires": Column(lambda key: _time(key.expires_at), drop_priority=1),
}

AUDIT_COLUMNS: Columns[models.AuditEntry] = {
    "at": Column(lambda entry: time(entry.at)),
    "actor": Column(lambda entry: entry.actor or NOTHING),
    "operation": Column(lambda entry: entry.operation),
    "object": Column(lambda entry: entry.object or NOTHING),
    "namespace": Column(lambda entry: entry.namespace or NOTHING, drop_priority=2),
    "outcome": Column(lambda entry: entry.outcome if entry.count == 1 else f"{entry.outcome} {entry.count}+"),
    "reason": Column(lambda entry: excerpt(entry.reason), drop_priority=1),
    "source": Column(lambda entry: entry.source or NOTHING, drop_priority=1),
}

QUOTA_COLUMNS: Columns[models.QuotaHeadroom] = {
    "action": Column(lambda quota: quota.action),
    "available": Column(lambda quota: f"{quota.available:.0f}"),
    "bucket": Column(lambda quota: f"{quota.bucket:g}", drop_priority=1),
    "per second": Column(lambda quota: f"{quota.refill_per_second:g}", drop_priority=1),
    "waiting": Column(lambda quota: str(quota.waiting)),
    "calls": Column(lambda quota: str(quota.calls), drop_priority=2),
    "throttled": Column(lambda quota: str(quota.throttled)),
}


def workflow_fields(workflow: models.Workflow, *, full: bool) -> dict[str, str]:
    """Return the fields of a workflow's details; ``full`` does not shorten texts."""
    cut = (lambda text: text or NOTHING) if full else excerpt
    fields = {
        "id": workflow.id,
        "definition": definition_label(workflow.workflow_definition),
        "status": workflow.status.value,
        "reason": workflow.status_reason or NOTHING,
        "namespace": workflow.namespace,
        "queue": workflow.queue,
        "priority": str(workflow.priority or NOTHING),
        "tags": tags(workflow.tags),
        "created": time(workflow.created_at),
        "started": time(workflow.started_at),
        "stopped": time(workflow.stopped_at),
        "duration": duration(workflow.started_at or workflow.created_at, workflow.stopped_at),
        "resolved": yes_or_no(workflow.resolved_by_user),
        "resolved by": workflow.resolved_by or workflow.resolved_by_caller or NOTHING,
        "resolved for": one_line(workflow.resolve_reason),
        "created by": workflow.created_by or NOTHING,
        "cancelled by": workflow.cancelled_by or NOTHING,
        "warnings": " ".join(warning.message for warning in workflow.warnings) or NOTHING,
        "fingerprint": workflow.fingerprint or NOTHING,
        "resumes": workflow.retry_for or NOTHING,
        "resumed by": " ".join(workflow.retries) or NOTHING,
        "redrives": str(workflow.redrives or NOTHING),
        "input": cut(workflow.input),
        "output": cut(workflow.output),
        "execution": workflow.execution_arn,
    }
    return {name: value for name, value in fields.items() if value != NOTHING}


def _resource(resource: models.JobResource | None) -> str:
    return (resource.uri or resource.name if resource else None) or NOTHING


def job_fields(job: models.Job) -> dict[str, str]:
    """Return the fields of a job's full details."""
    shown = {title: column.show(job) for title, column in JOB_COLUMNS.items()}
    shown |= {
        "reason": job.status_reason or NOTHING,
        "resource": _resource(job.state_resource),
        "payloads": "not stored; see Step Functions" if job.payloads_left_out else NOTHING,
        "input": job.input or NOTHING,
        "output": job.output or NOTHING,
    }
    return {name: value for name, value in shown.items() if value != NOTHING}
