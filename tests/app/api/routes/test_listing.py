"""The filters of the list of workflows that take several values, or a part of one.

Covers `app.api.routes.workflows` and `app.api.parameters`.
"""

import httpx
import pytest

from tests import samples
from tests.rig import Rig
from workflow_manager.models import WorkflowStatus

IDS = {
    WorkflowStatus.FAILED: "7c5f3a52-3d0e-4c52-8a53-1f6b8b1b4c55",
    WorkflowStatus.CANCELLED: "7c5f3a52-9999-4c52-8a53-1f6b8b1b4c55",
    WorkflowStatus.RUNNING: "d1a7c9f0-52b4-4a1c-b6f1-9f6b6f0f8a21",
}


async def listed(rig: Rig, api: httpx.AsyncClient, query: str) -> set[WorkflowStatus]:
    """Return the statuses of the workflows that a query lists."""
    await rig.store.create_definition(samples.definition())
    for status, workflow_id in IDS.items():
        await rig.store.create_workflow(samples.workflow(workflow_id, status=status))
    answer = await api.get(f"/workflows?{query}")
    assert answer.status_code == 200, answer.text
    return {WorkflowStatus(each["status"]) for each in answer.json()}


FAILED, CANCELLED, RUNNING = IDS


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("statuses=failed&statuses=cancelled", {FAILED, CANCELLED}),
        ("statuses=failed", {FAILED}),
        ("status=failed&statuses=running", {FAILED, RUNNING}),
        ("idPrefix=7c5f3a52", {FAILED, CANCELLED}),
        ("idPrefix=7c5f3a52-9", {CANCELLED}),
        ("idPrefix=7c5f3a52&statuses=running&statuses=failed", {FAILED}),
        ("idPrefix=00000000", set()),
    ],
)
async def test_a_list_has_several_statuses_and_ids_that_begin_alike(
    rig: Rig, api: httpx.AsyncClient, query: str, expected: set[WorkflowStatus]
) -> None:
    assert await listed(rig, api, query) == expected


@pytest.mark.parametrize("query", ["idPrefix=7c5f3a5", "statuses=done", "fingerprint=1", "fingerprint=1:A"])
async def test_what_cannot_be_a_filter_is_refused(api: httpx.AsyncClient, query: str) -> None:
    assert (await api.get(f"/workflows?{query}")).status_code == 400


async def test_the_failures_of_one_fault_are_listed_and_show_its_fingerprint(rig: Rig, api: httpx.AsyncClient) -> None:
    fault, other = f"1:{'a' * 32}", f"1:{'b' * 32}"
    await rig.store.create_definition(samples.definition())
    for number, fingerprint in enumerate([fault, other, None]):
        await rig.store.create_workflow(
            samples.workflow(f"w{number}", status=WorkflowStatus.FAILED, fingerprint=fingerprint)
        )

    (listed,) = (await api.get("/workflows", params={"fingerprint": fault, "summaryOnly": "true"})).json()

    assert (listed["id"], listed["fingerprint"]) == ("w0", fault)
    assert "fingerprint" not in (await api.get("/workflows/w2")).json()
    assert len((await api.get("/workflows?fingerprint=")).json()) == 3
