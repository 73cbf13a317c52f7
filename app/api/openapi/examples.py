"""Examples of requests and answers, by operation: what people see first in the docs, and paste."""

import json
from typing import Any, Final

JSON = dict[str, Any]

DEFINITION_ID: Final = "2b8f4c1e-6f0a-4d57-9a4e-0f7f6f2f9d11"
REQUEST_ID: Final = "0f3c1f1c5a0f4a7e9d2b8c7d6e5f4a3b"
WORKFLOW_ID: Final = "7c5f3a52-3d0e-4c52-8a53-1f6b8b1b4c55"
RESUMED_ID: Final = "d1a7c9f0-52b4-4a1c-b6f1-9f6b6f0f8a21"
ACTIVITY: Final = "arn:aws:states:us-west-2:123456789012:activity:dev--echo"
EXECUTION: Final = "arn:aws:states:us-west-2:123456789012:execution:dev--greet--0--echo:"

MACHINE: Final[JSON] = {"StartAt": "echo", "States": {"echo": {"Type": "Task", "Resource": "echo", "End": True}}}
NEW_DEFINITION: Final[JSON] = {"name": "greet", "stateMachine": MACHINE, "defaultTags": {"team": "infra"}}
DEFINITION: Final[JSON] = {
    "id": DEFINITION_ID,
    "name": "greet",
    "version": 0,
    "createdAt": "2026-01-31T12:00:00.000Z",
    "manager": "step-functions",
    "stateMachine": MACHINE,
    "defaultTags": {"team": "infra"},
}
NEXT_DEFINITION: Final[JSON] = DEFINITION | {"version": 1, "createdAt": "2026-02-01T12:00:00.000Z"}

LIMITED_QUEUE: Final[JSON] = {"name": "reports", "maxRunning": 10, "paused": False, "running": 10, "queued": 4}
RESOURCE: Final[JSON] = {
    "name": "echo",
    "namespace": "dev",
    "uri": ACTIVITY,
    "type": "ActivityARN",
    "lastUpdated": "2026-01-31T12:00:00.000Z",
}
NEW_RESOURCE: Final[JSON] = {"name": "echo", "namespace": "dev", "uri": ACTIVITY}

JOB: Final[JSON] = {
    "id": "2",
    "state": "echo",
    "type": "Task",
    "status": "succeeded",
    "createdAt": "2026-01-31T12:00:01.050Z",
    "startedAt": "2026-01-31T12:00:01.100Z",
    "stoppedAt": "2026-01-31T12:00:02.000Z",
    "input": '{"foo":true,"_EXECUTION_NAME":"' + WORKFLOW_ID + '"}',
    "output": '{"foo":true}',
    "container": "worker-1",
    "stateResource": RESOURCE,
    "attempts": [],
}
QUEUED: Final[JSON] = {
    "id": WORKFLOW_ID,
    "createdAt": "2026-01-31T12:00:01.000Z",
    "lastUpdated": "2026-01-31T12:00:01.000Z",
    "workflowDefinition": DEFINITION,
    "status": "queued",
    "namespace": "dev",
    "queue": "default",
    "priority": 0,
    "input": '{"foo":true}',
    "resolvedByUser": False,
    "retries": [],
    "tags": {"team": "infra", "ticket": "42"},
    "jobs": [],
    "executionArn": EXECUTION + WORKFLOW_ID,
}
SUCCEEDED: Final[JSON] = QUEUED | {
    "status": "succeeded",
    "startedAt": "2026-01-31T12:00:01.040Z",
    "stoppedAt": "2026-01-31T12:00:02.010Z",
    "lastUpdated": "2026-01-31T12:00:03.000Z",
    "observedAt": "2026-01-31T12:00:03.000Z",
    "output": '{"foo":true}',
    "resolvedByUser": True,
    "lastJob": JOB,
    "jobs": [JOB],
}
RESUMED: Final[JSON] = QUEUED | {"id": RESUMED_ID, "retryFor": WORKFLOW_ID, "executionArn": EXECUTION + RESUMED_ID}

EVENTS: Final = f"retry: 1000\n\nevent: workflow\nid: 3\ndata: {json.dumps(SUCCEEDED)}\n\n"
"""A stream of events, of a workflow that has ended."""

REQUESTS: Final[dict[str, JSON]] = {
    "newWorkflowDefinition": NEW_DEFINITION,
    "updateWorkflowDefinition": NEW_DEFINITION,
    "startWorkflow": {
        "workflowDefinition": {"name": "greet"},
        "namespace": "dev",
        "input": '{"foo":true}',
        "tags": {"ticket": "42"},
    },
    "CancelWorkflow": {"reason": "started with the wrong input"},
    "resumeWorkflowByID": {"StartAt": "echo"},
    "putQueue": {"maxRunning": 10},
    "postStateResource": NEW_RESOURCE,
    "putStateResource": NEW_RESOURCE,
}

ANSWERS: Final[dict[tuple[str, str], Any]] = {
    ("healthCheck", "200"): {"status": "ok"},
    ("getWorkflowDefinitions", "200"): [DEFINITION],
    ("newWorkflowDefinition", "200"): {"name": "greet", "valid": True},
    ("newWorkflowDefinition", "201"): DEFINITION,
    ("getWorkflowDefinitionVersionsByName", "200"): [NEXT_DEFINITION],
    ("updateWorkflowDefinition", "201"): NEXT_DEFINITION,
    ("getWorkflowDefinitionByNameAndVersion", "200"): DEFINITION,
    ("startWorkflow", "200"): QUEUED,
    ("getWorkflows", "200"): [SUCCEEDED],
    ("getWorkflowByID", "200"): SUCCEEDED,
    ("getJob", "200"): JOB,
    ("resumeWorkflowByID", "200"): RESUMED,
    ("postStateResource", "201"): RESOURCE,
    ("getQueues", "200"): [LIMITED_QUEUE],
    ("getQueue", "200"): LIMITED_QUEUE,
    ("putQueue", "200"): LIMITED_QUEUE,
    ("getQuotas", "200"): [
        {
            "action": "StartExecution",
            "bucket": 1300,
            "refillPerSecond": 300,
            "available": 1287.5,
            "waiting": 0,
            "calls": 1024,
            "throttled": 0,
        }
    ],
    ("getStateResource", "200"): RESOURCE,
    ("putStateResource", "201"): RESOURCE,
}

PATH_PARAMETERS: Final[dict[str, JSON]] = {
    "/queues/{name}": {"name": "default"},
    "/workflow-definitions/{name}": {"name": "greet"},
    "/workflow-definitions/{name}/{version}": {"name": "greet", "version": 0},
    "/workflows/{workflowID}": {"workflowID": WORKFLOW_ID},
    "/workflows/{workflowID}/jobs/{jobID}": {"workflowID": WORKFLOW_ID, "jobID": "2"},
    "/workflows/{workflowID}/events": {"workflowID": WORKFLOW_ID},
    "/workflows/{workflowID}/resolved": {"workflowID": WORKFLOW_ID},
    "/state-resources/{namespace}/{name}": {"namespace": "dev", "name": "echo"},
}

MESSAGES: Final = {
    "400": "/namespace: Field required",
    "404": "there is no workflow '7c5f3a52-3d0e-4c52-8a53-1f6b8b1b4c55'",
    "409": "Somebody else changed it first; read it again and retry.",
    "413": "the body is larger than 1048576 bytes",
    "500": "internal error; the log of the service has the details",
    "502": "AccessDeniedException: User is not authorized to perform: states:StartExecution",
    "503": "AWS gave no answer: connect timeout",
}
"""What an error of each status says, for example."""
