"""Resuming through the API: what is refused, what is insisted on, and what a retry puts right.

Covers `app.api.routes.workflows`.
"""

import httpx

from tests.rig import Rig
from workflow_manager.models import Workflow

AT_ECHO = {"StartAt": "echo"}


async def end(rig: Rig, workflow_id: str, *, well: bool) -> None:
    """Let a run enter its state and end, and see it."""
    rig.sfn.enter(workflow_id, "echo")
    if well:
        rig.sfn.succeed(workflow_id)
    else:
        rig.sfn.fail(workflow_id, "Boom", "it broke")
    await rig.poller.poll_once()


async def resumed(api: httpx.AsyncClient, original: Workflow, *, force: bool = False) -> str:
    """Resume a workflow; return the id of the new one."""
    answer = await api.post(f"/workflows/{original.id}", json=AT_ECHO, params={"force": True} if force else {})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def test_a_second_resume_is_refused_with_the_id_of_the_first(api: httpx.AsyncClient, rig: Rig) -> None:
    original = await rig.failed()
    retry = await resumed(api, original)
    await end(rig, retry, well=False)

    answer = await api.post(f"/workflows/{original.id}", json=AT_ECHO)

    assert (answer.status_code, answer.json()["retry"]) == (409, retry)
    assert f"{retry}, whose status is failed" in answer.json()["message"]
    assert await resumed(api, original, force=True) != retry


async def test_a_repeated_request_is_no_second_resume(api: httpx.AsyncClient, rig: Rig) -> None:
    original = await rig.failed()
    headers = {"Idempotency-Key": "nightly"}

    answers = [await api.post(f"/workflows/{original.id}", json=AT_ECHO, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_what_a_retry_has_put_right_is_listed_as_such(api: httpx.AsyncClient, rig: Rig) -> None:
    original = await rig.failed()
    retry = await resumed(api, original)
    await end(rig, retry, well=True)

    (listed,) = (await api.get("/workflows", params={"resolvedBy": retry})).json()

    assert (listed["id"], listed["resolvedByUser"], listed["resolvedBy"]) == (original.id, True, retry)
    assert (await api.get("/workflows", params={"status": "failed", "resolvedByUser": "false"})).json() == []
    assert "resolvedBy" not in (await api.get(f"/workflows/{retry}")).json()


async def test_a_run_with_variables_says_what_it_begins_with(api: httpx.AsyncClient, rig: Rig) -> None:
    await rig.define({"StartAt": "set", "States": {"set": SET, "echo": {"Type": "Pass", "Next": "broken"}, **BROKEN}})
    original = await rig.start()
    rig.sfn.enter(original.id, "set", kind="Pass")
    rig.sfn.leave(original.id, "set", day='"monday"')
    await end(rig, original.id, well=False)

    shown = (await api.get(f"/workflows/{await resumed(api, original)}")).json()

    assert shown["variables"] == '{"day":"monday"}'
    assert "executionInput" not in shown
    (job, _) = (await api.get(f"/workflows/{original.id}")).json()["jobs"]
    assert job["assignedVariables"] == {"day": '"monday"'}


SET = {"Type": "Pass", "Assign": {"day": "monday"}, "Next": "echo"}
BROKEN = {"broken": {"Type": "Fail"}}


async def test_a_resolution_takes_an_object_or_no_body(api: httpx.AsyncClient, rig: Rig) -> None:
    workflow = await rig.failed()
    path = f"/workflows/{workflow.id}/resolved"

    refused = await api.post(path, content=b"null", headers={"Content-Type": "application/json"})
    accepted = await api.post(path)

    assert (refused.status_code, accepted.status_code) == (400, 201)
