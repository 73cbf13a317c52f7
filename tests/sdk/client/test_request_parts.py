"""What the client sends, and what it refuses to send.

Covers `workflow_manager.client.request_parts`.
"""

import asyncio
import contextlib
import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.checkout import ROOT
from tests.sdk.client.documents import workflow_json
from tests.sdk.client.operations import NEW_DEFINITION, OPERATIONS, START, Call
from tests.sdk.client.recording_service import URL, Recorder, manager_for
from workflow_manager import errors, models
from workflow_manager.client import WorkflowManager


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


WRONG: list[Call] = [
    lambda m: m.cancel_workflow("w", reason="x" * 40_000),
    lambda m: m.resume_workflow("w", start_at="x" * 2_000),
    lambda m: m.resume_workflow("w", start_at=""),
    lambda m: m.resume_workflow("w", start_at="s", idempotency_key=""),
    lambda m: m.start_workflow(START, idempotency_key=""),
    lambda m: m.start_workflow(START, idempotency_key=" "),
    lambda m: m.start_workflow(START, idempotency_key="a\nb"),
    lambda m: m.start_workflow(START, idempotency_key="schlüssel"),
    lambda m: m.start_workflow(START, idempotency_key="x" * 256),
    lambda m: m.list_workflows(created_after=datetime(2026, 1, 2)),  # noqa: DTZ001  that is what is refused
    lambda m: m.list_workflows(tags={"a:b": "c"}),
    lambda m: m.list_workflows(tags={"": "c"}),
    lambda m: m.list_workflows(queue="\udcff"),
    lambda m: m.get_workflow("\udcff"),
]


@pytest.mark.parametrize("call", WRONG)
async def test_what_can_never_work_is_not_sent(call: Call) -> None:
    """The error is the one that a program expects of a wrong request."""
    service = Recorder({})
    async with manager_for(service) as manager:
        with pytest.raises(errors.InvalidRequest):
            await call(manager)
    assert service.requests == []


async def test_headers_and_credentials_go_with_every_request() -> None:
    """For a service behind something that asks who is there."""
    service = Recorder([])
    async with WorkflowManager(
        URL, transport=httpx.MockTransport(service), headers={"X-Team": "infra"}, auth=("me", "secret")
    ) as manager:
        await manager.list_queues()
    [request] = service.requests
    assert request.headers["X-Team"] == "infra"
    assert request.headers["Authorization"] == "Basic bWU6c2VjcmV0"
    assert request.headers["Accept"] == "application/json"


@pytest.mark.parametrize("headers", [{"a b": "c"}, {"": "c"}, {"a": "geheim\n"}, {"a": "geheim\u00fc"}])
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str]) -> None:
    """Its value is not shown: it may be a secret."""
    with pytest.raises(errors.SettingsError) as raised:
        WorkflowManager(URL, headers=headers)
    assert "geheim" not in raised.value.message


DESCRIPTION = json.loads((ROOT / "openapi.json").read_text())


async def test_a_definition_is_judged_and_not_stored() -> None:
    """By a service that knows how to."""
    asked: list[str] = []

    def service(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.raw_path.decode()}")
        if request.url.path == "/openapi.json":
            return httpx.Response(200, json=DESCRIPTION)
        return httpx.Response(200, json={"name": "sfncli-test:master", "valid": True})

    async with manager_for(service) as manager:
        await manager.validate_definition(NEW_DEFINITION)
    assert asked == ["GET /openapi.json", "POST /workflow-definitions?validateOnly=true"]


@pytest.mark.parametrize("body", [{"paths": {}}, {"paths": {"/workflow-definitions": {"post": {}}}}, {}, "not found"])
async def test_a_service_that_would_store_it_is_not_asked(body: object) -> None:
    """Clever's takes no notice of a parameter that it does not know."""
    service = Recorder(body)
    async with manager_for(service) as manager:
        with pytest.raises(errors.Unavailable):
            await manager.validate_definition(NEW_DEFINITION)
    assert [request.method for request in service.requests] == ["GET"]


def operation_of(request: httpx.Request) -> dict[str, Any]:
    """Find the operation that a request is for, by its path in the description of the service."""
    for path, methods in DESCRIPTION["paths"].items():
        asked = request.url.raw_path.decode().partition("?")[0].split("/")
        parts = path.split("/")
        fits = len(asked) == len(parts) and all(
            part == given or part.startswith("{") for part, given in zip(parts, asked, strict=True)
        )
        if fits and request.method.lower() in methods:
            found: dict[str, Any] = methods[request.method.lower()]
            return found
    raise AssertionError(f"{request.method} {request.url.path} is not described")


async def watch(manager: WorkflowManager) -> None:
    """Wait for a workflow, then follow it over a stream that breaks off."""
    await manager.wait("w")
    async for _ in manager.follow("w"):
        pass


def watched(request: httpx.Request) -> httpx.Response:
    """Be a workflow that ends at the second look."""
    ended = "If-None-Match" in request.headers or "Last-Event-ID" in request.headers
    document = workflow_json("succeeded" if ended else "running")
    if request.url.path.endswith("/events"):
        event = f"event: workflow\nid: 1\ndata: {json.dumps(document)}\n\n"
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=event.encode())
    return httpx.Response(200, json=document, headers={"ETag": 'W/"1"'})


async def test_every_parameter_of_the_service_can_be_given() -> None:
    """Whatever the description of the service names, some call of the client sends."""
    requests: list[httpx.Request] = []

    def service(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.url.path == "/openapi.json":
            return httpx.Response(200, json=DESCRIPTION)
        if request.url.path == "/audit" and "pageToken" not in request.url.params:
            return httpx.Response(200, json=[], headers={"X-Next-Page-Path": "/audit?pageToken=t"})
        return watched(request)

    async with manager_for(service) as manager:
        for _, call, *_ in OPERATIONS:
            with contextlib.suppress(errors.Unavailable):  # the answer fits one of them only
                await asyncio.wait_for(call(manager), 5)
        with contextlib.suppress(errors.Unavailable):
            await manager.validate_definition(NEW_DEFINITION)
        await asyncio.wait_for(watch(manager), 5)
    sent: dict[str, set[str]] = {}
    for request in requests:
        if request.url.path != "/openapi.json":
            names = {name.lower() for name in (*request.url.params.keys(), *request.headers.keys())}
            sent.setdefault(operation_of(request)["operationId"], set()).update(names)
    for operation in (each for path in DESCRIPTION["paths"].values() for each in path.values()):
        wanted = {each["name"].lower() for each in operation.get("parameters", ()) if each["in"] != "path"}
        assert wanted <= sent[operation["operationId"]], operation["operationId"]


@pytest.mark.parametrize("close", [lambda m: m.aclose(), lambda m: m.__aexit__(None, None, None)])
async def test_a_closed_client_says_so(close: Call) -> None:
    """With or without a context."""
    service = Recorder([])
    manager = manager_for(service)
    await manager.list_definitions()
    await close(manager)
    with pytest.raises(errors.ClientClosed):
        await manager.list_definitions()
    with pytest.raises(errors.ClientClosed):
        await anext(manager.follow("w"))
