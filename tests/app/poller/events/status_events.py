"""Events in the shape that the Step Functions developer guide documents."""

import json
from datetime import UTC, datetime
from typing import Any

from app.poller.events.messages import StatusEvent, read_event
from workflow_manager import models

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def read(body: str) -> StatusEvent:
    """Read the body of a message a minute after its execution started."""
    return read_event(body, now=NOW)


def body(workflow_id: str, execution_arn: str, status: str, **detail: Any) -> str:
    """Return the body of a message; ``detail`` replaces or adds members of the event's detail."""
    started = 1_767_225_600_000
    values = {
        "executionArn": execution_arn,
        "stateMachineArn": execution_arn.replace(":execution:", ":stateMachine:").rpartition(":")[0],
        "name": workflow_id,
        "status": status,
        "startDate": started,
        "stopDate": None if status == "RUNNING" else started + 5_123,
        "input": "{}",
        "output": '{"done":1}' if status == "SUCCEEDED" else None,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is not redrivable",
        "inputDetails": {"included": True},
        "outputDetails": {"included": True} if status == "SUCCEEDED" else None,
        "error": None,
        "cause": None,
    }
    event = {
        "version": "0",
        "id": "315c1398-40ff-a850-213b-158f73e60175",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": "123456789012",
        "time": "2026-01-01T00:00:05Z",
        "region": "us-west-2",
        "resources": [execution_arn],
        "detail": values | detail,
    }
    return json.dumps(event)


def of(workflow: models.Workflow, status: str, **detail: Any) -> str:
    """Return the body of a message about a workflow."""
    return body(workflow.id, workflow.execution_arn, status, **detail)
