"""Examples of requests and responses, by operation."""

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

KEY_ID: Final = "x7k2m9qa"
KEY: Final[JSON] = {
    "id": KEY_ID,
    "name": "nightly reports",
    "bindings": [{"role": "submit", "namespaces": ["dev"], "definitions": ["report-*"]}],
    "createdAt": "2026-01-31T12:00:00.000Z",
    "createdBy": "key/p3v8s1zb",
    "expiresAt": "2027-01-31T12:00:00.000Z",
    "lastUsedAt": "2026-01-31T13:00:00.000Z",
}
ISSUED_KEY: Final[JSON] = KEY | {"key": f"wfm_{KEY_ID}_{'EXAMPLE' * 6}0"}
NEW_KEY: Final[JSON] = {
    "name": "nightly reports",
    "bindings": [{"role": "submit", "namespaces": ["dev"], "definitions": ["report-*"]}],
    "expiresAt": "2027-01-31T12:00:00Z",
}

AUDIT_ENTRY: Final[JSON] = {
    "at": "2026-01-31T12:00:03.000Z",
    "actor": f"key/{KEY_ID}",
    "keyId": KEY_ID,
    "operation": "CancelWorkflow",
    "object": f"workflow/{WORKFLOW_ID}",
    "namespace": "dev",
    "definition": "greet",
    "outcome": "done",
    "reason": "wrong input",
    "requestId": REQUEST_ID,
    "source": "192.0.2.7",
    "count": 1,
}

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
    "redrives": 0,
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
"""The stream of a workflow that has ended."""

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
    "resolveWorkflowByID": {"reason": "known bug, fixed in the next version"},
    "resumeWorkflowByID": {"StartAt": "echo"},
    "recoverWorkflow": {"inputPatch": {"foo": False}, "reason": "the input was wrong"},
    "putQueue": {"maxRunning": 10},
    "postStateResource": NEW_RESOURCE,
    "createKey": NEW_KEY,
    "rotateKey": {"overlapSeconds": 86_400},
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
    ("getWorkflowCounts", "200"): {
        "by": "status",
        "counts": [{"value": "succeeded", "count": 981}, {"value": "failed", "count": 19}],
        "total": 1000,
        "more": True,
    },
    ("getWorkflowByID", "200"): SUCCEEDED,
    ("getJob", "200"): JOB,
    ("resumeWorkflowByID", "200"): RESUMED,
    ("recoverWorkflow", "200"): {
        "mode": "resume",
        "why": "only a new run can have another start, input or version",
        "workflow": RESUMED,
        "preview": {
            "runsAgain": ["echo"],
            "kept": [],
            "startAt": "echo",
            "version": 0,
            "redriveDeadline": "2026-02-14T12:00:02.010Z",
            "warnings": [],
        },
    },
    ("postStateResource", "201"): RESOURCE,
    ("getQueues", "200"): [LIMITED_QUEUE],
    ("whoAmI", "200"): {
        "subject": f"key/{KEY_ID}",
        "kind": "key",
        "name": "nightly reports",
        "bindings": KEY["bindings"],
    },
    ("getAudit", "200"): [AUDIT_ENTRY],
    ("getKeys", "200"): [KEY],
    ("createKey", "201"): ISSUED_KEY,
    ("rotateKey", "201"): ISSUED_KEY,
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
    "/keys/{keyID}": {"keyID": KEY_ID},
    "/keys/{keyID}/rotate": {"keyID": KEY_ID},
    "/queues/{name}": {"name": "default"},
    "/workflow-definitions/{name}": {"name": "greet"},
    "/workflow-definitions/{name}/{version}": {"name": "greet", "version": 0},
    "/workflows/{workflowID}": {"workflowID": WORKFLOW_ID},
    "/workflows/{workflowID}/jobs/{jobID}": {"workflowID": WORKFLOW_ID, "jobID": "2"},
    "/workflows/{workflowID}/events": {"workflowID": WORKFLOW_ID},
    "/workflows/{workflowID}/recover": {"workflowID": WORKFLOW_ID},
    "/workflows/{workflowID}/resolved": {"workflowID": WORKFLOW_ID},
    "/state-resources/{namespace}/{name}": {"namespace": "dev", "name": "echo"},
}

MESSAGES: Final = {
    "400": "?limit: Input should be less than or equal to 10000",
    "401": "the credential is not valid; check that it is complete and was not revoked",
    "403": "this needs the role operate in namespace 'dev' for workflow definition 'greet'; ask an administrator for "
    "it, or use another credential",
    "413": "the body is larger than 1048576 bytes",
    "421": "this service is not known as 'wm.example.com'",
    "500": "internal error; the log of the service has the details",
    "502": "AccessDeniedException: User is not authorized to perform: states:StartExecution",
    "503": "AWS gave no answer: connect timeout",
}
"""Messages of the errors that say the same for every operation, by status."""

NO_WORKFLOW: Final = f"there is no workflow '{WORKFLOW_ID}'"
NO_DEFINITION: Final = "there is no workflow definition 'greet'"
NO_RESOURCE: Final = "there is no state resource 'echo' in namespace 'dev'"

OPERATION_MESSAGES: Final[dict[tuple[str, str], str]] = {
    ("startWorkflow", "400"): "/namespace: Field required",
    ("startWorkflow", "404"): NO_DEFINITION,
    ("startWorkflow", "409"): "The Idempotency-Key was used before with another request.",
    ("getWorkflowByID", "400"): "?wait: Input should be less than or equal to 60",
    ("getWorkflowByID", "404"): NO_WORKFLOW,
    ("CancelWorkflow", "400"): f"workflow {WORKFLOW_ID} has already ended: it succeeded",
    ("CancelWorkflow", "404"): NO_WORKFLOW,
    ("CancelWorkflow", "502"): "AccessDeniedException: User is not authorized to perform: states:StopExecution",
    ("resumeWorkflowByID", "400"): "The workflow never entered that state.",
    ("resumeWorkflowByID", "404"): NO_WORKFLOW,
    ("resumeWorkflowByID", "409"): "The workflow is still active.",
    ("recoverWorkflow", "400"): f"workflow {WORKFLOW_ID} succeeded; there is nothing to recover",
    ("recoverWorkflow", "404"): NO_WORKFLOW,
    ("recoverWorkflow", "409"): f"workflow {WORKFLOW_ID} is resolved; to recover it anyway, use force",
    ("recoverWorkflow", "502"): "AccessDeniedException: User is not authorized to perform: states:DescribeExecution",
    ("getJob", "400"): "jobID: String should match pattern '^[A-Za-z0-9._:-]{1,128}$'",
    ("getJob", "404"): f"workflow {WORKFLOW_ID} has no job '2'",
    ("getJob", "502"): "AccessDeniedException: User is not authorized to perform: states:GetExecutionHistory",
    ("resolveWorkflowByID", "400"): "workflowID: String should match pattern '^[A-Za-z0-9._:-]{1,128}$'",
    ("resolveWorkflowByID", "404"): NO_WORKFLOW,
    ("resolveWorkflowByID", "409"): f"workflow {WORKFLOW_ID} is already resolved",
    ("followWorkflow", "400"): "workflowID: String should match pattern '^[A-Za-z0-9._:-]{1,128}$'",
    ("followWorkflow", "404"): NO_WORKFLOW,
    ("newWorkflowDefinition", "400"): "/stateMachine/States/echo/Next: There is no state 'done'; add the state.",
    ("newWorkflowDefinition", "409"): "workflow definition 'greet' exists; update it to add a version",
    ("getWorkflowDefinitionVersionsByName", "404"): NO_DEFINITION,
    ("updateWorkflowDefinition", "400"): "/name: the name must be that in the path, 'greet'",
    ("updateWorkflowDefinition", "404"): NO_DEFINITION,
    ("updateWorkflowDefinition", "409"): "Another request changed it first; read it again and retry.",
    ("getWorkflowDefinitionByNameAndVersion", "400"): "version: Input should be greater than or equal to 0",
    ("getWorkflowDefinitionByNameAndVersion", "404"): "workflow definition 'greet' has no version 7",
    ("postStateResource", "400"): "/uri: Field required",
    ("getStateResource", "400"): "name: String should match pattern '^[A-Za-z0-9._:-]{1,128}$'",
    ("getStateResource", "404"): NO_RESOURCE,
    ("putStateResource", "400"): "namespace and name in the body must be those in the path",
    ("deleteStateResource", "400"): "name: String should match pattern '^[A-Za-z0-9._:-]{1,128}$'",
    ("deleteStateResource", "404"): NO_RESOURCE,
    ("getQueues", "400"): "?limit: this field is not known; remove it or check its spelling",
    ("getQueue", "400"): "name: String should match pattern '^[A-Za-z0-9._:-]{1,128}$'",
    ("putQueue", "400"): "/maxRunning: Input should be greater than or equal to 0",
    ("putQueue", "409"): "Another request changed it first; read it again and retry.",
    ("deleteQueue", "400"): "name: String should match pattern '^[A-Za-z0-9._:-]{1,128}$'",
    ("deleteQueue", "409"): "Another request changed it first; read it again and retry.",
    ("whoAmI", "400"): "?role: Input should be 'read', 'submit', 'operate', 'author' or 'admin'",
    ("getAudit", "400"): "?after: write the time as RFC 3339, for example 2026-01-31T12:00:00Z",
    ("getKeys", "400"): "?limit: this field is not known; remove it or check its spelling",
    ("createKey", "400"): "/bindings/0/role: Input should be 'read', 'submit', 'operate', 'author' or 'admin'",
    ("createKey", "409"): "Another request changed it first; read it again and retry.",
    ("revokeKey", "400"): "keyID: String should match pattern '^[A-Za-z0-9._:-]{1,128}$'",
    ("revokeKey", "404"): f"there is no API key '{KEY_ID}'",
    ("revokeKey", "409"): "Another request changed it first; read it again and retry.",
    ("rotateKey", "400"): "/overlapSeconds: Input should be less than or equal to 2592000",
    ("rotateKey", "404"): f"there is no API key '{KEY_ID}'",
    ("rotateKey", "409"): "Another request changed it first; read it again and retry.",
    ("readinessCheck", "503"): "The poller has made no progress recently; the log of the service may say why.",
}
"""Messages of the errors of one operation, by operation and status."""


def message(operation: str, status: str) -> str | None:
    """Return the message of an error of an operation, or None for a status that is no error."""
    return OPERATION_MESSAGES.get((operation, status), MESSAGES.get(status))


DESCRIPTIONS: Final = {
    "healthCheck": "The process serves requests.",
    "readinessCheck": "The service takes requests.",
    "getMetrics": "Metrics in the Prometheus text format.",
    "getQuotas": "The quotas, by action.",
    "getWorkflowDefinitions": "A page of definitions.",
    "newWorkflowDefinition": "Version 0 of the definition.",
    "getWorkflowDefinitionVersionsByName": "A page of versions.",
    "updateWorkflowDefinition": "The new version.",
    "getWorkflowDefinitionByNameAndVersion": "The version.",
    "startWorkflow": "The workflow.",
    "getWorkflows": "A page of workflows.",
    "getWorkflowCounts": "The counts.",
    "getWorkflowByID": "The workflow.",
    "CancelWorkflow": "The workflow is cancelled.",
    "resumeWorkflowByID": "The new workflow.",
    "recoverWorkflow": "What was done, or would be done.",
    "getJob": "The job.",
    "resolveWorkflowByID": "The workflow is resolved.",
    "postStateResource": "The state resource.",
    "getStateResource": "The state resource.",
    "putStateResource": "The state resource.",
    "deleteStateResource": "The state resource is removed.",
    "getQueues": "The queues.",
    "whoAmI": "The caller.",
    "getAudit": "A page of entries.",
    "getKeys": "The keys.",
    "createKey": "The key with its secret.",
    "revokeKey": "The key is revoked.",
    "rotateKey": "The key with its new secret.",
    "getQueue": "The queue.",
    "putQueue": "The queue with its new limits.",
    "deleteQueue": "The queue has no limits.",
}
"""What a successful response holds, by operation, where the framework would say only that it is successful."""

SUMMARIES: Final = {
    "startWorkflow": "Start a workflow",
    "getWorkflows": "List workflows",
    "getWorkflowCounts": "Count workflows",
    "getWorkflowByID": "Get a workflow",
    "CancelWorkflow": "Cancel a workflow",
    "resumeWorkflowByID": "Resume a workflow",
    "recoverWorkflow": "Recover a workflow",
    "getJob": "Get a job",
    "resolveWorkflowByID": "Resolve a workflow",
    "followWorkflow": "Follow a workflow",
    "getWorkflowDefinitions": "List workflow definitions",
    "newWorkflowDefinition": "Create a workflow definition",
    "getWorkflowDefinitionVersionsByName": "List the versions of a workflow definition",
    "updateWorkflowDefinition": "Add a version to a workflow definition",
    "getWorkflowDefinitionByNameAndVersion": "Get a version of a workflow definition",
    "postStateResource": "Register a state resource",
    "getStateResource": "Get a state resource",
    "putStateResource": "Register a state resource by path",
    "deleteStateResource": "Remove a state resource",
    "getQueues": "List queues",
    "whoAmI": "Show who the caller is",
    "getAudit": "List the audit",
    "getKeys": "List API keys",
    "createKey": "Create an API key",
    "revokeKey": "Revoke an API key",
    "rotateKey": "Rotate an API key",
    "getQueue": "Get a queue",
    "putQueue": "Set the limits of a queue",
    "deleteQueue": "Remove the limits of a queue",
    "readinessCheck": "Check readiness",
    "getMetrics": "Get metrics",
    "getQuotas": "List quotas",
    "healthCheck": "Check liveness",
}
