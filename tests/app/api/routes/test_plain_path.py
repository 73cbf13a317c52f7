"""Every route on its plain path: codes, names and shapes that clients rely on.

Covers `app.api.routes`.
"""

from typing import Any

import httpx

from tests import samples
from tests.rig import Rig

NAME = "sfncli-test:master"
BODY: dict[str, Any] = {"name": NAME, "stateMachine": samples.BOUNDED_ECHO, "defaultTags": {"team": "infra"}}


async def define(api: httpx.AsyncClient) -> None:
    """Register the definition that the tests run."""
    answer = await api.post("/workflow-definitions", json=BODY)
    assert answer.status_code == 201, answer.text


async def start(api: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """Start a workflow."""
    body = {"workflowDefinition": {"name": NAME}, "namespace": "dev", "input": '{"foo":true}'} | fields
    answer = await api.post("/workflows", json=body)
    assert answer.status_code == 200, answer.text
    workflow: dict[str, Any] = answer.json()
    return workflow


async def test_health_is_ok(api: httpx.AsyncClient) -> None:
    assert (await api.get("/_health")).status_code == 200


async def test_a_definition_is_created_listed_updated_and_read(api: httpx.AsyncClient) -> None:
    created = (await api.post("/workflow-definitions", json=BODY)).json()
    updated = await api.put(f"/workflow-definitions/{NAME}", json=BODY)

    assert created == {
        "id": created["id"],
        "name": NAME,
        "version": 0,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "manager": "step-functions",
        "stateMachine": samples.BOUNDED_ECHO,
        "defaultTags": {"team": "infra"},
    }
    assert (updated.status_code, updated.json()["version"]) == (201, 1)
    assert (await api.get(f"/workflow-definitions/{NAME}")).json() == [updated.json()]
    assert (await api.get(f"/workflow-definitions/{NAME}?latest=false")).json() == [created, updated.json()]
    newest_first = await api.get(f"/workflow-definitions/{NAME}?latest=false&order=desc")
    assert newest_first.json() == [updated.json(), created]
    assert (await api.get(f"/workflow-definitions/{NAME}?latest=false&order=random")).status_code == 400
    assert (await api.get(f"/workflow-definitions/{NAME}/0")).json() == created
    assert (await api.get("/workflow-definitions")).json() == [updated.json()]


async def test_a_started_workflow_is_queued_and_has_what_was_given(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)

    workflow = await start(api, queue="slow", tags={"tier": "1"})

    assert workflow == {
        "id": workflow["id"],
        "createdAt": "2026-01-01T00:00:00.000Z",
        "lastUpdated": "2026-01-01T00:00:00.000Z",
        "workflowDefinition": workflow["workflowDefinition"],
        "status": "queued",
        "namespace": "dev",
        "queue": "slow",
        "priority": 0,
        "input": '{"foo":true}',
        "resolvedByUser": False,
        "retries": [],
        "redrives": 0,
        "tags": {"team": "infra", "tier": "1"},
        "jobs": [],
        "executionArn": rig.sfn.execution(workflow["id"]).arn,
    }
    assert workflow["workflowDefinition"]["stateMachine"] == samples.BOUNDED_ECHO


async def test_a_finished_workflow_shows_its_jobs(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)
    workflow = await start(api)
    rig.sfn.enter(workflow["id"], "echo", input='{"foo":true}')
    rig.sfn.succeed(workflow["id"], output='{"bar":1}')
    await rig.poller.poll_once()

    shown = (await api.get(f"/workflows/{workflow['id']}")).json()

    assert shown["status"] == "succeeded"
    assert shown["output"] == '{"bar":1}'
    assert [job["state"] for job in shown["jobs"]] == ["echo"]
    assert shown["lastJob"]["input"] == '{"foo":true}'
    assert shown["stoppedAt"] == "2026-01-01T00:00:00.000Z"


async def test_looking_at_an_active_workflow_brings_it_up_to_date(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)
    workflow = await start(api)

    assert (await api.get(f"/workflows/{workflow['id']}")).json()["status"] == "running"
    calls = rig.sfn.calls.total()
    assert (await api.get(f"/workflows/{workflow['id']}")).json()["observedAt"] == "2026-01-01T00:00:00.000Z"
    assert rig.sfn.calls.total() == calls
    rig.clock.advance(1)
    await api.get(f"/workflows/{workflow['id']}")
    assert rig.sfn.calls.total() > calls


async def test_workflows_are_listed_page_by_page(api: httpx.AsyncClient) -> None:
    await define(api)
    ids = {(await start(api))["id"] for _ in range(5)}
    seen: list[str] = []
    path: str | None = f"/workflows?workflowDefinitionName={NAME}&limit=2"
    while path:
        answer = await api.get(path)
        assert answer.status_code == 200, answer.text
        seen += [workflow["id"] for workflow in answer.json()]
        path = answer.headers.get("X-Next-Page-Path")
        assert ("next" in answer.links) == (path is not None)

    assert len(seen) == 5
    assert set(seen) == ids


async def test_a_summary_leaves_out_what_can_be_large(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)
    workflow = await start(api)
    rig.sfn.enter(workflow["id"], "echo", input='{"foo":true}')
    rig.sfn.succeed(workflow["id"])
    await rig.poller.poll_once()

    (summary,) = (await api.get("/workflows?summaryOnly=true")).json()
    (row,) = (await api.get("/workflows?summaryOnly=true&omitInput=true")).json()

    assert summary["id"] == workflow["id"]
    assert summary["workflowDefinition"]["name"] == NAME
    assert summary["lastJob"]["state"] == "echo"
    assert summary["input"] == workflow["input"]
    assert "output" not in summary
    assert row == {name: value for name, value in summary.items() if name != "input"}
    assert not summary.get("jobs")
    assert not summary["workflowDefinition"].get("stateMachine")


async def test_a_running_workflow_is_cancelled(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)
    workflow = await start(api)

    answer = await api.request("DELETE", f"/workflows/{workflow['id']}", json={"reason": "stop"})

    assert (answer.status_code, answer.content) == (200, b"")
    shown = (await api.get(f"/workflows/{workflow['id']}")).json()
    assert (shown["status"], shown["statusReason"]) == ("cancelled", "stop")


async def test_a_failed_workflow_is_resumed_and_resolved(api: httpx.AsyncClient, rig: Rig) -> None:
    await define(api)
    workflow = await start(api)
    rig.sfn.enter(workflow["id"], "echo")
    rig.sfn.fail(workflow["id"], "Boom", "it broke")
    await rig.poller.poll_once()

    resumed = await api.post(f"/workflows/{workflow['id']}", json={"StartAt": "echo"})
    resolved = await api.post(f"/workflows/{workflow['id']}/resolved")

    assert (resumed.status_code, resumed.json()["retryFor"]) == (200, workflow["id"])
    assert (resolved.status_code, resolved.content) == (201, b"")
    shown = (await api.get(f"/workflows/{workflow['id']}")).json()
    assert (shown["resolvedByUser"], shown["retries"]) == (True, [resumed.json()["id"]])


async def test_state_resources_are_put_read_and_deleted(api: httpx.AsyncClient) -> None:
    body = {"namespace": "dev", "name": "echo", "uri": "arn:aws:lambda:us-west-2:123456789012:function:x"}
    path = "/state-resources/dev/echo"

    posted = await api.post("/state-resources", json=body)
    put = await api.put(path, json=body)

    assert (posted.status_code, put.status_code) == (201, 201)
    expected = body | {"type": "LambdaFunctionARN", "lastUpdated": "2026-01-01T00:00:00.000Z"}
    assert (await api.get(path)).json() == put.json() == expected
    assert (await api.delete(path)).status_code == 200
    assert (await api.get(path)).status_code == 404


async def test_the_docs_page_needs_nothing_from_elsewhere(api: httpx.AsyncClient) -> None:
    page = await api.get("/docs")

    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert (await api.get(f"/docs/assets/{asset}")).status_code == 200
