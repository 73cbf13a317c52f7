"""Every operation of the client: its call, the request that it sends, and an answer to it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from tests.sdk.client.documents import definition_json, job_json, resource_json, workflow_json
from workflow_manager import models
from workflow_manager.client import WorkflowManager

WORKFLOW_ID = "w"

NEW_DEFINITION = models.NewWorkflowDefinitionRequest(
    name="sfncli-test:master", state_machine={"StartAt": "a", "States": {"a": {"Type": "Succeed", "InputPath": None}}}
)
NEW_DEFINITION_JSON = {
    "name": "sfncli-test:master",
    "stateMachine": {"StartAt": "a", "States": {"a": {"Type": "Succeed", "InputPath": None}}},
}
START = models.StartWorkflowRequest(
    workflow_definition=models.WorkflowDefinitionRef(name="x", version=3), namespace="dev", input={"a": 1 << 60}
)
START_JSON = {
    "workflowDefinition": {"name": "x", "version": 3},
    "namespace": "dev",
    "input": {"a": 1 << 60},
}
RESOURCE = models.NewStateResource(name="echo", namespace="dev", uri="arn:aws:states:x")
RESOURCE_JSON = {"name": "echo", "namespace": "dev", "uri": "arn:aws:states:x"}

Call = Callable[[WorkflowManager], Awaitable[object]]

KEY_JSON = {
    "id": "k1",
    "name": "nightly",
    "bindings": [{"role": "read", "namespaces": ["*"], "definitions": ["*"]}],
    "createdAt": "2026-01-31T12:00:00.000Z",
}
ISSUED_JSON = KEY_JSON | {"key": "wfm_k1_x"}
NEW_KEY = models.NewApiKey(name="nightly", bindings=(models.Binding(role=models.Role.READ),))
NEW_KEY_JSON = {"name": "nightly", "bindings": [{"role": "read"}]}
IDENTITY_JSON = {"subject": "key/k1", "kind": "key", "bindings": KEY_JSON["bindings"]}

AFTER = datetime(2026, 1, 31, 12, tzinfo=UTC)
AUDIT_JSON = {
    "at": "2026-01-31T12:00:00.000Z",
    "actor": "key/k1",
    "keyId": "k1",
    "operation": "CancelWorkflow",
    "object": "workflow/w",
    "namespace": "dev",
    "outcome": "done",
    "requestId": "r",
    "count": 1,
}

OPERATIONS: list[tuple[str, Call, str, object, object]] = [
    ("whoAmI", lambda m: m.whoami(), "GET /whoami", IDENTITY_JSON, None),
    (
        "whoAmI, about a role",
        lambda m: m.whoami(role=models.Role.SUBMIT, namespace="dev", definition="x"),
        "GET /whoami?role=submit&namespace=dev&definition=x",
        IDENTITY_JSON | {"allowed": True},
        None,
    ),
    (
        "getAudit",
        lambda m: m.list_audit(namespace="dev", actor="key/k1", about="workflow/w", after=AFTER, limit=5),
        "GET /audit?namespace=dev&actor=key%2Fk1&object=workflow%2Fw&after=2026-01-31T12%3A00%3A00.000Z&limit=5",
        [AUDIT_JSON],
        None,
    ),
    ("getKeys", lambda m: m.list_keys(), "GET /keys", [KEY_JSON], None),
    ("createKey", lambda m: m.create_key(NEW_KEY), "POST /keys", ISSUED_JSON, NEW_KEY_JSON),
    (
        "rotateKey",
        lambda m: m.rotate_key("k1", overlap_seconds=0),
        "POST /keys/k1/rotate",
        ISSUED_JSON,
        {"overlapSeconds": 0},
    ),
    ("revokeKey", lambda m: m.revoke_key("k1"), "DELETE /keys/k1", None, None),
    ("healthCheck", lambda m: m.health_check(), "GET /_health", {}, None),
    ("getWorkflowDefinitions", lambda m: m.list_definitions(), "GET /workflow-definitions", [definition_json()], None),
    (
        "getWorkflowDefinitions, a page",
        lambda m: m.list_definitions(summary_only=True, limit=5, page_token="a"),
        "GET /workflow-definitions?summaryOnly=true&limit=5&pageToken=a",
        [definition_json()],
        None,
    ),
    (
        "getWorkflowDefinitionVersionsByName, a page",
        lambda m: m.list_definition_versions("x", summary_only=True, limit=5, page_token="a"),
        "GET /workflow-definitions/x?latest=false&summaryOnly=true&limit=5&pageToken=a&order=desc",
        [definition_json()],
        None,
    ),
    (
        "newWorkflowDefinition",
        lambda m: m.create_definition(NEW_DEFINITION),
        "POST /workflow-definitions",
        definition_json(),
        NEW_DEFINITION_JSON,
    ),
    (
        "getWorkflowDefinitionVersionsByName, latest",
        lambda m: m.get_definition("sfncli-test:master"),
        "GET /workflow-definitions/sfncli-test:master?latest=true",
        [definition_json()],
        None,
    ),
    (
        "getWorkflowDefinitionVersionsByName, all",
        lambda m: m.list_definition_versions("sfncli-test:master"),
        "GET /workflow-definitions/sfncli-test:master?latest=false&order=desc",
        [definition_json(), definition_json(1)],
        None,
    ),
    (
        "updateWorkflowDefinition",
        lambda m: m.update_definition(NEW_DEFINITION),
        "PUT /workflow-definitions/sfncli-test:master",
        definition_json(),
        NEW_DEFINITION_JSON,
    ),
    (
        "getWorkflowDefinitionByNameAndVersion",
        lambda m: m.get_definition("a/b c", version=2),
        "GET /workflow-definitions/a%2Fb%20c/2",
        definition_json(),
        None,
    ),
    ("startWorkflow", lambda m: m.start_workflow(START), "POST /workflows", workflow_json(), START_JSON),
    (
        "getWorkflows",
        lambda m: m.list_workflows(
            definition_name="x:y",
            status=models.WorkflowStatus.FAILED,
            resolved_by_user=False,
            resolved_by="r",
            fingerprint="1:f",
            namespace="dev",
            queue="slow",
            tags={"a": "1", "b": "x y"},
            created_after=datetime(2026, 1, 2, tzinfo=UTC),
            oldest_first=True,
            summary_only=True,
            omit_input=True,
            limit=5,
            page_token="t=",
        ),
        (
            "GET /workflows?workflowDefinitionName=x%3Ay&status=failed&resolvedByUser=false&resolvedBy=r"
            "&fingerprint=1%3Af&namespace=dev&queue=slow&tag=a%3A1&tag=b%3Ax+y&createdAfter=2026-01-02T00%3A00%3A00.000Z&oldestFirst=true"
            "&summaryOnly=true&omitInput=true&limit=5&pageToken=t%3D"
        ),
        [workflow_json()],
        None,
    ),
    (
        "getWorkflows, without filters that are None",
        lambda m: m.list_workflows(
            definition_name=None, status=None, tags=None, created_after=None, limit=None, summary_only=None
        ),
        "GET /workflows",
        [],
        None,
    ),
    (
        "getWorkflows, of a time",
        lambda m: m.list_workflows(created_before=datetime(2026, 1, 2, 3, tzinfo=UTC), tags={"a": "b:c"}),
        "GET /workflows?createdBefore=2026-01-02T03%3A00%3A00.000Z&tag=a%3Ab%3Ac",
        [],
        None,
    ),
    (
        "getWorkflows, of several statuses and the beginning of an id",
        lambda m: m.list_workflows(
            statuses=[models.WorkflowStatus.FAILED, models.WorkflowStatus.CANCELLED], id_prefix="7c5f3a52"
        ),
        "GET /workflows?statuses=failed&statuses=cancelled&idPrefix=7c5f3a52",
        [],
        None,
    ),
    ("getWorkflows, unfiltered", lambda m: m.list_workflows(), "GET /workflows", [], None),
    (
        "getWorkflowByID",
        lambda m: m.get_workflow(WORKFLOW_ID),
        f"GET /workflows/{WORKFLOW_ID}?fetchHistory=false",
        workflow_json(),
        None,
    ),
    (
        "getWorkflowByID, afresh",
        lambda m: m.get_workflow(WORKFLOW_ID, fetch_history=True),
        f"GET /workflows/{WORKFLOW_ID}?fetchHistory=true",
        workflow_json(),
        None,
    ),
    (
        "getJob",
        lambda m: m.get_job(WORKFLOW_ID, "2"),
        f"GET /workflows/{WORKFLOW_ID}/jobs/2",
        job_json(),
        None,
    ),
    (
        "CancelWorkflow",
        lambda m: m.cancel_workflow(WORKFLOW_ID, reason="enough"),
        f"DELETE /workflows/{WORKFLOW_ID}",
        {},
        {"reason": "enough"},
    ),
    (
        "resumeWorkflowByID",
        lambda m: m.resume_workflow(WORKFLOW_ID, start_at="second", force=True),
        f"POST /workflows/{WORKFLOW_ID}?force=true",
        workflow_json(),
        {"StartAt": "second"},
    ),
    (
        "recoverWorkflow",
        lambda m: m.recover(WORKFLOW_ID, models.RecoverRequest(input_patch={"a": None}, version=-1)),
        f"POST /workflows/{WORKFLOW_ID}/recover",
        {"mode": "resume", "why": "asked for", "workflow": workflow_json()},
        {"inputPatch": {"a": None}, "version": -1},
    ),
    (
        "resolveWorkflowByID",
        lambda m: m.resolve_workflow(WORKFLOW_ID),
        f"POST /workflows/{WORKFLOW_ID}/resolved",
        {},
        None,
    ),
    (
        "postStateResource",
        lambda m: m.create_state_resource(RESOURCE),
        "POST /state-resources",
        resource_json(),
        RESOURCE_JSON,
    ),
    (
        "getStateResource",
        lambda m: m.get_state_resource("dev", "echo"),
        "GET /state-resources/dev/echo",
        resource_json(),
        None,
    ),
    (
        "putStateResource",
        lambda m: m.put_state_resource(RESOURCE),
        "PUT /state-resources/dev/echo",
        resource_json(),
        RESOURCE_JSON,
    ),
    (
        "deleteStateResource",
        lambda m: m.delete_state_resource("dev", "echo"),
        "DELETE /state-resources/dev/echo",
        {},
        None,
    ),
    (
        "getWorkflowCounts",
        lambda m: m.count_workflows(by=models.WorkflowProperty.ERROR, namespace="dev", limit=5),
        "GET /workflows/counts?by=error&namespace=dev&limit=5",
        {"by": "error", "counts": [{"value": "E", "count": 2}], "total": 5, "more": True},
        None,
    ),
    (
        "getWorkflowCounts, with every filter",
        lambda m: m.count_workflows(
            by=models.WorkflowProperty.STATUS,
            definition_name="x:y",
            status=models.WorkflowStatus.FAILED,
            statuses=[models.WorkflowStatus.CANCELLED],
            id_prefix="7c5f3a52",
            resolved_by_user=False,
            resolved_by="r",
            fingerprint="1:f",
            queue="slow",
            tags={"a": "1"},
            created_after=datetime(2026, 1, 2, tzinfo=UTC),
            created_before=datetime(2026, 1, 3, tzinfo=UTC),
        ),
        (
            "GET /workflows/counts?by=status&workflowDefinitionName=x%3Ay&status=failed&statuses=cancelled"
            "&idPrefix=7c5f3a52&resolvedByUser=false&resolvedBy=r&fingerprint=1%3Af&queue=slow&tag=a%3A1"
            "&createdAfter=2026-01-02T00%3A00%3A00.000Z&createdBefore=2026-01-03T00%3A00%3A00.000Z"
        ),
        {"by": "status", "counts": [], "total": 0, "more": False},
        None,
    ),
    ("getQueues", lambda m: m.list_queues(), "GET /queues", [{"name": "slow", "running": 0}], None),
    ("getQueue", lambda m: m.get_queue("slow"), "GET /queues/slow", {"name": "slow", "running": 0}, None),
    ("deleteQueue", lambda m: m.delete_queue("slow"), "DELETE /queues/slow", None, None),
    (
        "putQueue",
        lambda m: m.put_queue("slow", models.QueueLimits(max_running=5)),
        "PUT /queues/slow",
        {"name": "slow", "maxRunning": 5, "running": 0},
        {"maxRunning": 5},
    ),
    ("getQuotas", lambda m: m.get_quotas(), "GET /quotas", [], None),
    ("readinessCheck", lambda m: m.readiness_check(), "GET /_ready", {}, None),
    ("getMetrics", lambda m: m.get_metrics(), "GET /metrics", "", None),
]
