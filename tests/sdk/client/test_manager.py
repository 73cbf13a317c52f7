"""The client speaks the contract of the API: paths, bodies, models, pages.

Covers `workflow_manager.client.manager` and `workflow_manager.client.service_calls`.
"""

import json

import httpx
import pytest

from tests.checkout import ROOT
from tests.sdk.client.documents import job_json, workflow_json
from tests.sdk.client.operations import OPERATIONS, WORKFLOW_ID, Call
from tests.sdk.client.recording_service import URL, Recorder, manager_for
from workflow_manager import errors, models
from workflow_manager.client import WorkflowManager


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
    document = json.loads((ROOT / "openapi.json").read_text())
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


async def test_definitions_of_all_pages_are_returned() -> None:
    """A service that has many large definitions answers with several pages."""
    definition = workflow_json()["workflowDefinition"]

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {} if request.url.query else {"X-Next-Page-Path": "/workflow-definitions?pageToken=a"}
        return httpx.Response(200, json=[definition], headers=headers)

    async with manager_for(answer) as manager:
        assert len(await manager.list_definitions()) == 2


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
        with pytest.raises(errors.Unavailable, match="outside its own"):
            await manager.list_workflows()


async def test_a_service_below_a_path_is_reached() -> None:
    """Behind a gateway the URL has a path; the paths of the API go after it."""
    service = Recorder([])
    transport = httpx.MockTransport(service)
    async with WorkflowManager(f"{URL}/wfm/", transport=transport) as manager:
        await manager.list_definitions()
    assert service.line == "GET /wfm/workflow-definitions"
