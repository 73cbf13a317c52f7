"""Single jobs through the API, with the payloads that a workflow leaves out.

Covers `app.api.routes.workflows`.
"""

import json

import httpx
import pytest

from tests.rig import Rig

DOCUMENT_BYTES = 100 * 1024
TURNS = 300


async def looped(rig: Rig, *, turns: int = TURNS) -> str:
    """Run a loop over large documents to its end, and see it."""
    workflow = await rig.started()
    for turn in range(turns):
        text = json.dumps({"turn": turn, "data": "x" * DOCUMENT_BYTES})
        rig.sfn.enter(workflow.id, "echo", kind="Pass", input=text)
        rig.sfn.leave(workflow.id, "echo")
    rig.sfn.succeed(workflow.id)
    await rig.poller.poll_once()
    await rig.poller.poll_once()
    return workflow.id


async def test_a_left_out_payload_is_fetched_from_step_functions(api: httpx.AsyncClient, rig: Rig) -> None:
    workflow_id = await looped(rig)
    jobs = (await api.get(f"/workflows/{workflow_id}")).json()["jobs"]
    assert len(jobs) == TURNS
    assert jobs[0]["payloadsLeftOut"] is True
    assert "input" not in jobs[0]

    answer = await api.get(f"/workflows/{workflow_id}/jobs/{jobs[0]['id']}")

    assert answer.status_code == 200
    assert json.loads(answer.json()["input"])["turn"] == 0
    assert "payloadsLeftOut" not in answer.json()
    assert set(jobs[0]) - {"payloadsLeftOut"} <= set(answer.json())


async def test_a_kept_job_is_answered_from_the_store(api: httpx.AsyncClient, rig: Rig) -> None:
    workflow_id = await looped(rig, turns=2)
    (first, _) = (await api.get(f"/workflows/{workflow_id}")).json()["jobs"]
    calls = rig.sfn.calls["get_execution_history"]

    answer = await api.get(f"/workflows/{workflow_id}/jobs/{first['id']}")

    assert (answer.status_code, answer.json()) == (200, first)
    assert rig.sfn.calls["get_execution_history"] == calls


@pytest.mark.parametrize("job_id", ["999999", "0", "x", "1e3", "99999999999999999999"])
async def test_a_job_that_is_not_there(api: httpx.AsyncClient, rig: Rig, job_id: str) -> None:
    workflow_id = await looped(rig, turns=1)
    answer = await api.get(f"/workflows/{workflow_id}/jobs/{job_id}")
    assert answer.status_code == 404
    assert job_id in answer.json()["message"]


async def test_a_job_of_a_workflow_that_is_not_there(api: httpx.AsyncClient) -> None:
    assert (await api.get("/workflows/none/jobs/2")).status_code == 404


async def test_payloads_that_step_functions_has_forgotten(api: httpx.AsyncClient, rig: Rig) -> None:
    workflow_id = await looped(rig)
    first = (await api.get(f"/workflows/{workflow_id}")).json()["jobs"][0]
    rig.sfn.forget(workflow_id)

    answer = await api.get(f"/workflows/{workflow_id}/jobs/{first['id']}")

    assert answer.status_code == 404
    assert "no longer has the history" in answer.json()["message"]


async def test_a_workflow_with_many_payloads_is_the_same_workflow(api: httpx.AsyncClient, rig: Rig) -> None:
    """It is sent in another way, few at a time."""
    workflow_id = await looped(rig)
    assert rig.reconciler.heavy(workflow_id)

    answers = [await api.get(f"/workflows/{workflow_id}") for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    tag = answers[0].headers["etag"]
    workflow = await rig.store.get_workflow(workflow_id)
    assert answers[0].content == workflow.model_dump_json(by_alias=True, exclude_none=True).encode()
    again = [await api.get(f"/workflows/{workflow_id}", headers={"If-None-Match": tag}) for _ in range(5)]
    assert {answer.status_code for answer in again} == {304}
