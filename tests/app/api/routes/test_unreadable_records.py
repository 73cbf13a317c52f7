"""Records that cannot be read, as people see them: in their place, with what is wrong; no list fails for one.

Covers `app.api.routes` and `app.store.unreadable`.
"""

import httpx

from tests.app.store.backends import damage
from tests.rig import Rig


async def test_a_list_shows_an_unreadable_workflow_in_its_place(api: httpx.AsyncClient, rig: Rig) -> None:
    await rig.define()
    ids = [(await rig.start()).id for _ in range(3)]
    await damage(rig.store, ids[1], "status")

    for query in ("", "?summaryOnly=true", "?workflowDefinitionName=echo", "?limit=2"):
        answer = await api.get(f"/workflows{query}")
        shown = {workflow["id"]: workflow.get("unreadable") for workflow in answer.json()}
        assert answer.status_code == 200
        assert {each for each, why in shown.items() if why} <= {ids[1]}
        assert len(shown) == (2 if "limit" in query else 3)


async def test_an_unreadable_workflow_is_answered_with_what_is_wrong(api: httpx.AsyncClient, rig: Rig) -> None:
    await rig.define()
    workflow = await rig.start()
    await damage(rig.store, workflow.id, "status")

    answer = await api.get(f"/workflows/{workflow.id}")
    cancelled = await api.request("DELETE", f"/workflows/{workflow.id}", json={"reason": "x"})

    assert answer.status_code == 200
    assert answer.json()["unreadable"]
    assert answer.json()["statusReason"].startswith("cannot be read: ")
    assert answer.json()["workflowDefinition"]["name"] == "echo"
    assert cancelled.status_code == 409
    assert "cannot be read" in cancelled.json()["message"]


async def test_a_followed_workflow_that_cannot_be_read_is_one_event(api: httpx.AsyncClient, rig: Rig) -> None:
    await rig.define()
    workflow = await rig.start()
    await damage(rig.store, workflow.id, "body")

    answer = await api.get(f"/workflows/{workflow.id}", params={"wait": 0.01})

    assert answer.status_code == 200
    assert answer.json()["unreadable"]


async def test_what_can_be_read_says_nothing_of_it(api: httpx.AsyncClient, rig: Rig) -> None:
    machine = {"StartAt": "a", "States": {"a": {"Type": "Pass", "Result": {"nothing": None}, "End": True}}}
    await rig.define(machine)
    workflow = await rig.start()

    for path in ("/workflow-definitions", "/workflow-definitions/echo", "/workflow-definitions/echo/0"):
        answer = (await api.get(path)).json()
        (definition,) = answer if isinstance(answer, list) else [answer]
        assert "unreadable" not in definition
        assert definition["stateMachine"] == machine
    assert "unreadable" not in (await api.get(f"/workflows/{workflow.id}")).json()


async def test_unreadable_records_are_counted_in_the_metrics(api: httpx.AsyncClient, rig: Rig) -> None:
    await rig.store.put_document("queue/bad", {}, revision=0)

    for _ in range(2):
        assert (await api.get("/queues")).json()[0]["unreadable"]
        assert (await api.get("/queues/bad")).status_code == 200

    metrics = (await api.get("/metrics")).text
    assert 'workflow_manager_unreadable_records_total{kind="queue"} 1.0' in metrics
