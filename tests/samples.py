"""Small definitions and workflows for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from workflow_manager import models

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

ECHO: dict[str, Any] = {"StartAt": "echo", "States": {"echo": {"Type": "Task", "Resource": "echo", "End": True}}}

BOUNDED_ECHO: dict[str, Any] = {**ECHO, "TimeoutSeconds": 600}
"""The same machine with a timeout, about which there is nothing to advise."""


def definition(
    name: str = "sfncli-test:master", *, version: int = 0, machine: dict[str, Any] | None = None
) -> models.WorkflowDefinition:
    """Return a definition with one task."""
    return models.WorkflowDefinition(
        id=f"{name}-{version}",
        name=name,
        version=version,
        created_at=EPOCH,
        manager=models.Manager.STEP_FUNCTIONS,
        state_machine=machine or ECHO,
        default_tags={"team": "infra"},
    )


def workflow(workflow_id: str, *, minutes: float = 0, **fields: Any) -> models.Workflow:
    """Return a queued workflow created some minutes after the epoch of the tests."""
    values: dict[str, Any] = {
        "id": workflow_id,
        "created_at": EPOCH + timedelta(minutes=minutes),
        "last_updated": EPOCH + timedelta(minutes=minutes),
        "workflow_definition": definition(),
        "status": models.WorkflowStatus.QUEUED,
        "namespace": "dev",
        "queue": "default",
        "input": "{}",
        "tags": {},
        "execution_arn": f"arn:aws:states:us-west-2:123456789012:execution:dev--x--0--echo:{workflow_id}",
    }
    return models.Workflow(**(values | fields))
