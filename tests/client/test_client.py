"""The client speaks the contract of the API: paths, bodies, models, pages, errors."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import errors, models
from app.client import WorkflowManager
from tests.client.documents import definition_json, job_json, resource_json, workflow_json

URL = "http://service.test"
WORKFLOW_ID = "w"

Handler = Callable[[httpx.Request], httpx.Response]


class Recorder:
    """A service that gives one answer to everything and remembers what it was asked."""

    def __init__(self, body: object, *, status: int = 200) -> None:
        self._body = body
        self._status = status
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self._status, json=self._body)

    @property
    def line(self) -> str:
        """Method, path and query of the only request."""
        [request] = self.requests
        return f"{request.method} {request.url.raw_path.decode()}"

    @property
    def sent(self) -> Any:
        """The JSON body of the only request; None without one."""
        [request] = self.requests
        return json.loads(request.content) if request.content else None


async def no_sleep(_seconds: float) -> None:
    return


def manager_for(handler: Handler) -> WorkflowManager:
    return WorkflowManager(URL, transport=httpx.MockTransport(handler), sleep=no_sleep, randomness=lambda: 0.5)


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

OPERATIONS: list[tuple[str, Call, str, object, object]] = [
    ("healthCheck", lambda m: m.health_check(), "GET /_health", {}, None),
    ("getWorkflowDefinitions", lambda m: m.list_definitions(), "GET /workflow-definitions", [definition_json()], None),
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
        "GET /workflow-definitions/sfncli-test:master?latest=false",
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
            namespace="dev",
            queue="slow",
            tags={"a": "1", "b": "x y"},
            created_after=datetime(2026, 1, 2, tzinfo=UTC),
            oldest_first=True,
            summary_only=True,
            limit=5,
            page_token="t=",
        ),
        (
            "GET /workflows?workflowDefinitionName=x%3Ay&status=failed&resolvedByUser=false&namespace=dev&queue=slow"
            "&tag=a%3A1&tag=b%3Ax+y&createdAfter=2026-01-02T00%3A00%3A00.000Z&oldestFirst=true&summaryOnly=true&limit=5&pageToken=t%3D"
        ),
        [workflow_json()],
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
        "CancelWorkflow",
        lambda m: m.cancel_workflow(WORKFLOW_ID, reason="enough"),
        f"DELETE /workflows/{WORKFLOW_ID}",
        {},
        {"reason": "enough"},
    ),
    (
        "resumeWorkflowByID",
        lambda m: m.resume_workflow(WORKFLOW_ID, start_at="second"),
        f"POST /workflows/{WORKFLOW_ID}",
        workflow_json(),
        {"StartAt": "second"},
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
    ("getQueues", lambda m: m.list_queues(), "GET /queues", [{"name": "slow", "running": 0}], None),
    ("getQueue", lambda m: m.get_queue("slow"), "GET /queues/slow", {"name": "slow", "running": 0}, None),
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


@pytest.mark.parametrize(
    ("call", "line", "answer", "sent"), [row[1:] for row in OPERATIONS], ids=[row[0] for row in OPERATIONS]
)
async def test_an_operation_is_one_request(call: Call, line: str, answer: object, sent: object) -> None:
    """Each operation sends its method, path, query and body."""
    service = Recorder(answer)
    async with manager_for(service) as manager:
        await call(manager)
    assert service.line == line
    assert service.sent == sent


def test_every_operation_of_the_service_is_there() -> None:
    """What the service can do, the client can ask for; following is tested elsewhere."""
    document = json.loads((Path(__file__).parent.parent.parent / "openapi.json").read_text())
    served = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert served == {name.partition(",")[0] for name, *_ in OPERATIONS} | {"followWorkflow"}


async def test_answers_become_models() -> None:
    """A workflow arrives as the model, with its times, definition and jobs."""
    async with manager_for(Recorder(workflow_json(jobs=[job_json()], unheardOf=1))) as manager:
        workflow = await manager.get_workflow(WORKFLOW_ID)
    assert workflow.status is models.WorkflowStatus.RUNNING
    assert workflow.workflow_definition.state_machine["States"]["echo"]["ResultPath"] is None
    assert [(each.state, each.status) for each in workflow.jobs] == [("echo", models.JobStatus.RUNNING)]
    assert models.format_time(workflow.created_at) == "2026-01-02T03:04:05.678Z"


async def test_a_summary_is_a_workflow_without_its_large_parts() -> None:
    """A list of summaries leaves inputs and state machines out."""
    summary = workflow_json()
    del summary["input"], summary["workflowDefinition"]["stateMachine"]
    async with manager_for(Recorder([summary])) as manager:
        [workflow] = (await manager.list_workflows(summary_only=True)).workflows
    assert (workflow.id, workflow.input, workflow.workflow_definition.state_machine) == ("w", "", {})


async def test_no_version_at_all_is_not_found() -> None:
    """An empty list of versions is no definition."""
    async with manager_for(Recorder([])) as manager:
        with pytest.raises(errors.NotFound):
            await manager.get_definition("x")


async def test_pages_are_followed_to_the_end() -> None:
    """The iterator asks for the page that the header names, until there is none."""
    asked: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        if "pageToken" in str(request.url):
            return httpx.Response(200, json=[workflow_json(id="c")])
        page = [workflow_json(id="a"), workflow_json(id="b")]
        return httpx.Response(200, json=page, headers={"X-Next-Page-Path": "/workflows?limit=2&pageToken=a%3D"})

    async with manager_for(service) as manager:
        found = [workflow.id async for workflow in manager.iter_workflows(limit=2)]
    assert found == ["a", "b", "c"]
    assert asked == ["/workflows?limit=2", "/workflows?limit=2&pageToken=a%3D"]


async def test_the_last_page_has_no_next() -> None:
    """Asking for the page after the last one gives None, without a request."""
    service = Recorder([])
    async with manager_for(service) as manager:
        page = await manager.list_workflows()
        assert await manager.next_page(page) is None
    assert len(service.requests) == 1


@pytest.mark.parametrize("path", ["http://elsewhere.test/workflows", "//elsewhere.test/workflows"])
async def test_a_next_page_on_another_service_is_refused(path: str) -> None:
    """Credentials and questions stay with the service that was asked."""

    def service(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[], headers={"X-Next-Page-Path": path})

    async with manager_for(service) as manager:
        with pytest.raises(errors.Unavailable, match="not its own"):
            await manager.list_workflows()


async def test_a_service_below_a_path_is_reached() -> None:
    """Behind a gateway the URL has a path; the paths of the API go after it."""
    service = Recorder([])
    transport = httpx.MockTransport(service)
    async with WorkflowManager(f"{URL}/wfm/", transport=transport) as manager:
        await manager.list_definitions()
    assert service.line == "GET /wfm/workflow-definitions"


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_would_change_the_path_is_refused(name: str) -> None:
    """An empty id must not turn a question about one workflow into another request."""
    service = Recorder({})
    async with manager_for(service) as manager:
        with pytest.raises(errors.InvalidRequest):
            await manager.cancel_workflow(name)
    assert service.requests == []


@pytest.mark.parametrize("url", ["", "nope", "localhost:8080", "ftp://x", "http://", "http://[::1", "http://h:8 0"])
def test_a_wrong_url_is_refused_before_anything_is_sent(url: str) -> None:
    """The message names the URL."""
    with pytest.raises(errors.SettingsError, match="URL of the service"):
        WorkflowManager(url)


ANSWERS = [
    (400, errors.InvalidRequest),
    (401, errors.NotAuthenticated),
    (403, errors.NotAllowed),
    (404, errors.NotFound),
    (409, errors.Conflict),
    (413, errors.RequestTooLarge),
    (418, errors.InvalidRequest),
    (429, errors.Throttled),
    (500, errors.Unavailable),
    (503, errors.Unavailable),
    (302, errors.Unavailable),
]


@pytest.mark.parametrize(("status", "kind"), ANSWERS)
async def test_a_status_becomes_an_error_class(status: int, kind: type[errors.WorkflowManagerError]) -> None:
    """The class fits the status exactly, and the message is the service's."""
    async with manager_for(Recorder({"message": "because"}, status=status)) as manager:
        with pytest.raises(errors.WorkflowManagerError, match=r"^because$") as raised:
            await manager.resolve_workflow(WORKFLOW_ID)
    assert type(raised.value) is kind


async def test_findings_arrive_with_the_error() -> None:
    """A refused definition tells everything that is wrong, and where."""
    body = {"message": "2 problems", "errors": [{"pointer": "/States/a", "message": "m"}, {"message": "n"}]}
    async with manager_for(Recorder(body, status=400)) as manager:
        with pytest.raises(errors.InvalidRequest) as raised:
            await manager.create_definition(NEW_DEFINITION)
    assert raised.value.findings == (errors.Finding("/States/a", "m"), errors.Finding("", "n"))


async def test_a_fault_of_the_service_names_the_request() -> None:
    """Whoever runs the service finds the fault in its log by this id."""
    async with manager_for(Recorder({"message": "bad luck", "requestId": "r-1"}, status=500)) as manager:
        with pytest.raises(errors.Unavailable, match=r"bad luck \(request r-1\)"):
            await manager.resolve_workflow(WORKFLOW_ID)


async def test_a_proxys_error_page_is_quoted() -> None:
    """An answer that is not JSON says who answered what."""

    def proxy(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(504, text="<html>\n<h1>upstream   timed out</h1>" + "x" * 1000)

    async with manager_for(proxy) as manager:
        with pytest.raises(errors.Unavailable) as raised:
            await manager.get_workflow(WORKFLOW_ID)
    assert raised.value.message.startswith(f"{URL} answered 504 Gateway Timeout: <html> <h1>upstream timed out</h1>xx")
    assert len(raised.value.message) < 300


@pytest.mark.parametrize("content", [b"", b"hello", b"[]", b'{"id": "x"}', b"\xff"])
async def test_a_wrong_server_is_recognised(content: bytes) -> None:
    """A 200 that is no workflow comes from another server, and is no crash."""

    def other(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=content)

    async with manager_for(other) as manager:
        with pytest.raises(errors.Unavailable, match="is not one of workflow-manager"):
            await manager.get_workflow(WORKFLOW_ID)


async def test_a_number_that_is_not_json_is_refused_before_sending() -> None:
    """NaN must not turn into null on the way."""
    request = models.StartWorkflowRequest(
        workflow_definition=models.WorkflowDefinitionRef(name="x"), namespace="dev", input={"a": float("nan")}
    )
    service = Recorder({})
    async with manager_for(service) as manager:
        with pytest.raises(errors.InvalidRequest, match="not JSON"):
            await manager.start_workflow(request)
    assert service.requests == []


async def test_closing_leaves_no_connection() -> None:
    """After the context the client is closed."""
    service = Recorder([])
    async with manager_for(service) as manager:
        await manager.list_definitions()
    with pytest.raises(RuntimeError, match="closed"):
        await manager.list_definitions()
