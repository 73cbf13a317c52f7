"""JSON documents as the service sends them."""

from typing import Any

CREATED = "2026-01-02T03:04:05.678Z"


def definition_json(version: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a definition with a state machine of one Task."""
    return {
        "id": "d1",
        "name": "sfncli-test:master",
        "version": version,
        "createdAt": CREATED,
        "manager": "step-functions",
        "stateMachine": {"StartAt": "echo", "States": {"echo": {"Type": "Task", "ResultPath": None, "End": True}}},
        "defaultTags": {"team": "infra"},
        **fields,
    }


def workflow_json(status: str = "running", **fields: Any) -> dict[str, Any]:
    """Return a workflow ``w`` of that definition."""
    return {
        "id": "w",
        "createdAt": CREATED,
        "lastUpdated": "2026-01-02T03:04:06.000Z",
        "workflowDefinition": definition_json(),
        "status": status,
        "namespace": "dev",
        "queue": "default",
        "input": "{}",
        "resolvedByUser": False,
        "tags": {},
        "priority": 0,
        "executionArn": "arn:aws:states:us-west-2:123456789012:execution:m:w",
        **fields,
    }


def job_json(state: str = "echo", status: str = "running", **fields: Any) -> dict[str, Any]:
    """Return a job of a Task."""
    return {"id": state, "state": state, "type": "Task", "status": status, "createdAt": CREATED, **fields}


def resource_json(**fields: Any) -> dict[str, Any]:
    """Return a state resource."""
    return {
        "name": "echo",
        "namespace": "dev",
        "uri": "arn:aws:states:us-west-2:123456789012:activity:dev--echo",
        "type": "ActivityARN",
        "lastUpdated": CREATED,
        **fields,
    }
