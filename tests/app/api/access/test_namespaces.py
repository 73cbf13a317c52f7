"""What callers see and do across namespaces, on each kind of store.

Covers `app.access.checks`, `app.api.routes.workflows`, `app.api.routes.definitions` and `app.executor.idempotency`.
"""

import base64
from typing import Any

import httpx
import pytest

from app.access.principal import Binding, Role
from app.store import WorkflowQuery
from tests import samples
from tests.app.api.access.conftest import KeyOf
from tests.rig import Rig
from workflow_manager import models

OWN = "team-a"


def _start(namespace: str, name: str = "echo", **more: Any) -> dict[str, Any]:
    return {"workflowDefinition": {"name": name}, "namespace": namespace, **more}


async def _workflow(rig: Rig, namespace: str) -> str:
    reference = models.WorkflowDefinitionRef(name="echo")
    return (await rig.start(workflow_definition=reference, namespace=namespace)).id


async def test_the_namespace_of_the_body_alone_decides(api: httpx.AsyncClient, rig: Rig, key: KeyOf) -> None:
    await rig.define()
    headers = await key("submit", OWN)
    hidden: dict[str, Any] = {"input": f'{{"namespace":"{OWN}"}}', "tags": {"namespace": OWN}}

    refused = await api.post(f"/workflows?namespace={OWN}", json=_start("production", **hidden), headers=headers)
    assert refused.status_code == 403
    assert "submit in namespace 'production'" in refused.json()["message"]
    assert (await rig.store.list_workflows(WorkflowQuery(), limit=10)).workflows == []
    assert (await api.post("/workflows", json=_start(OWN), headers=headers)).status_code == 200


async def test_a_listing_shows_own_workflows_and_no_trace_of_others(
    api: httpx.AsyncClient, rig: Rig, key: KeyOf
) -> None:
    await rig.define()
    own, foreign = [], []
    for number in range(6):
        own.append(await _workflow(rig, OWN))
        foreign += [await _workflow(rig, namespace) for namespace in ("b", "c")]
        rig.clock.advance(number % 2)
    foreign += [await _workflow(rig, "b") for _ in range(10)]
    headers = await key("read", OWN)

    shown, path, texts = [], "/workflows?limit=2", []
    while path:
        response = await api.get(path, headers=headers)
        shown += [workflow["id"] for workflow in response.json()]
        path = response.headers.get("X-Next-Page-Path", "")
        token = httpx.URL(path).params.get("pageToken", "")
        texts.append(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    assert sorted(shown) == sorted(own)
    assert "Link" not in response.headers
    assert not any(workflow_id in text for text in texts for workflow_id in foreign)
    assert (await api.get("/workflows?namespace=b", headers=headers)).json() == []
    assert (await api.get(f"/workflows?idPrefix={foreign[0][:8]}", headers=headers)).json() == []
    assert len((await api.get("/workflows?limit=100", headers=await key("read", "b", "c"))).json()) == len(foreign)


async def test_the_key_of_a_stranger_meets_nothing_of_theirs(api: httpx.AsyncClient, rig: Rig, key: KeyOf) -> None:
    await rig.define()
    ours, theirs = await key("submit", OWN), await key("submit", "b")
    repeated = {"Idempotency-Key": "nightly"}

    first = await api.post("/workflows", json=_start("b", input='{"n":1}'), headers=theirs | repeated)
    for text in ('{"n":1}', '{"n":2}'):
        second = await api.post("/workflows", json=_start(OWN, input=text), headers=ours | repeated)
        if text == '{"n":1}':
            assert second.status_code == 200
            assert second.json()["id"] != first.json()["id"]
    assert second.status_code == 409  # our own, with another body
    assert first.json()["id"] not in second.text
    again = await api.post("/workflows", json=_start("b", input='{"n":1}'), headers=theirs | repeated)
    assert again.json()["id"] == first.json()["id"]


async def test_a_key_from_before_access_control_opens_nothing(api: httpx.AsyncClient, rig: Rig, key: KeyOf) -> None:
    await rig.define()
    before = await rig.start(namespace="b", key="nightly")

    answer = await api.post(
        "/workflows", json=_start(OWN), headers=await key("submit", OWN) | {"Idempotency-Key": "nightly"}
    )
    assert answer.status_code == 200
    assert answer.json()["id"] != before.id


async def test_definitions_are_listed_by_their_names(api: httpx.AsyncClient, rig: Rig, key: KeyOf) -> None:
    for name in ("a-1", "b-1", "b-2", "b-3", "a-2", "b-4", "a-3"):
        await rig.define(name=name)
    headers = await key("read", definitions=("a-*",))

    shown, path = [], "/workflow-definitions?limit=2"
    while path:
        response = await api.get(path, headers=headers)
        shown.append([definition["name"] for definition in response.json()])
        path = response.headers.get("X-Next-Page-Path", "")
    assert [name for names in shown for name in names] == ["a-1", "a-2", "a-3"]
    assert all(shown)
    assert [each["name"] for each in (await api.get("/workflow-definitions", headers=headers)).json()] == [
        "a-1",
        "a-2",
        "a-3",
    ]
    unknown = await api.get("/workflow-definitions/x-1", headers=headers | {"X-Request-Id": "r"})
    foreign = await api.get("/workflow-definitions/b-1", headers=headers | {"X-Request-Id": "r"})
    assert unknown.text.replace("x-1", "b-1") == foreign.text


async def test_a_definition_that_may_not_be_seen_cannot_be_started(
    api: httpx.AsyncClient, rig: Rig, key: KeyOf
) -> None:
    await rig.define(name="secret")
    headers = await key("author", OWN, definitions=("own-*",)) | {"X-Request-Id": "r"}

    foreign = await api.post("/workflows", json=_start(OWN, "secret"), headers=headers)
    unknown = await api.post("/workflows", json=_start(OWN, "nosuch"), headers=headers)
    assert foreign.status_code == 404
    assert foreign.text == unknown.text.replace("nosuch", "secret")


async def test_counts_of_queues_are_for_who_sees_everything(api: httpx.AsyncClient, rig: Rig, key: KeyOf) -> None:
    await rig.queues.put("slow", models.QueueLimits(max_running=0))
    await rig.define()
    await rig.start(namespace="b", queue="slow")
    await rig.poller.poll_once()

    everywhere = (await api.get("/queues", headers=await key("read"))).json()
    part = (await api.get("/queues", headers=await key("admin"))).json()
    some = (await api.get("/queues", headers=await key("author", OWN))).json()
    one = (await api.get("/queues/slow", headers=await key("author", OWN))).json()
    assert [queue["queued"] for queue in (*everywhere, *part)] == [1, 1]
    assert [queue["queued"] for queue in (*some, one)] == [0, 0]


async def test_a_wrong_id_a_wrong_secret_and_both_are_answered_alike(api: httpx.AsyncClient, key: KeyOf) -> None:
    right = (await key("read"))["Authorization"]
    start, secret = right[:20], right[20:]
    wrong = [f"{start}{'0' * 43}", f"Bearer wfm_00000000_{secret}", f"Bearer wfm_00000000_{'0' * 43}"]
    answers = [await api.get("/workflows", headers={"Authorization": each, "X-Request-Id": "r"}) for each in wrong]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert not any(secret in answer.text for answer in answers)


async def test_a_key_in_the_query_is_no_credential(api: httpx.AsyncClient, key: KeyOf) -> None:
    secret = (await key("read"))["Authorization"].removeprefix("Bearer ")

    for name in ("key", "token", "access_token", "api_key", "x-api-key"):
        answer = await api.get(f"/queues?{name}={secret}")
        assert answer.status_code == 401
        assert secret not in answer.text


async def test_each_form_of_a_credential_opens(api: httpx.AsyncClient, key: KeyOf) -> None:
    secret = (await key("read", OWN))["Authorization"].removeprefix("Bearer ")
    subject = (await api.get("/whoami", headers={"X-Api-Key": secret})).json()["subject"]

    assert subject == f"key/{secret.split('_')[1]}"
    assert (await api.get("/whoami", auth=("anybody", secret))).json()["subject"] == subject
    assert (await api.get("/whoami", headers={"Authorization": f"bearer {secret}"})).json()["subject"] == subject


async def test_who_one_is_and_what_one_may_do(api: httpx.AsyncClient, key: KeyOf) -> None:
    headers = await key("submit", OWN, definitions=("own-*",))
    found = (await api.get("/whoami", headers=headers)).json()

    assert found["bindings"] == [{"role": "submit", "namespaces": [OWN], "definitions": ["own-*"]}]
    assert "allowed" not in found
    for query, allowed in (
        ("role=submit", True),
        (f"role=submit&namespace={OWN}", True),
        ("role=submit&namespace=b", False),
        ("role=operate", False),
        (f"role=read&namespace={OWN}&definition=other", False),
    ):
        assert (await api.get(f"/whoami?{query}", headers=headers)).json()["allowed"] is allowed


async def test_keys_are_managed_over_the_api(api: httpx.AsyncClient, rig: Rig, key: KeyOf) -> None:
    headers = await key("admin")
    rig.clock.advance(1)
    new = {"name": "nightly", "bindings": [{"role": "read", "namespaces": [OWN]}]}
    made = await api.post("/keys", json=new, headers=headers)
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    bearer = {"Authorization": f"Bearer {made.json()['key']}"}
    assert (await api.get("/workflows", headers=bearer)).status_code == 200

    listed = await api.get("/keys", headers=headers)
    assert [each["name"] for each in listed.json()] == ["admin", "nightly"]
    assert "wfm_" not in listed.text
    assert listed.json()[1]["createdBy"] == f"key/{listed.json()[0]['id']}"
    path = f"/keys/{made.json()['id']}"
    rotated = await api.post(f"{path}/rotate", json={"overlapSeconds": 60}, headers=headers)
    renewed = {"Authorization": f"Bearer {rotated.json()['key']}"}
    assert [(await api.get("/whoami", headers=each)).status_code for each in (bearer, renewed)] == [200, 200]
    rig.clock.advance(61)
    assert [(await api.get("/whoami", headers=each)).status_code for each in (bearer, renewed)] == [401, 200]
    assert (await api.delete(path, headers=headers)).status_code == 200
    assert (await api.get("/whoami", headers=renewed)).status_code == 401
    assert (await api.delete(path, headers=headers)).status_code == 404


class TestAnonymous:
    """Callers without a credential."""

    @pytest.fixture
    def anonymous(self) -> tuple[Binding, ...]:
        """They may do what these say."""
        return (Binding(role=Role.SUBMIT, namespaces=("dev",)),)

    async def test_they_may_do_what_the_access_file_says(self, api: httpx.AsyncClient, rig: Rig) -> None:
        await rig.define()
        assert (await api.post("/workflows", json=_start("dev"))).status_code == 200
        assert (await api.post("/workflows", json=_start("production"))).status_code == 403
        assert (await api.get("/whoami")).json()["subject"] == "anonymous"
        assert (await api.get("/workflows", headers={"X-Api-Key": "wrong"})).status_code == 401


async def test_an_author_of_some_definitions_changes_no_resource_of_all(api: httpx.AsyncClient, key: KeyOf) -> None:
    resource = {"name": "echo", "namespace": OWN, "uri": "arn:aws:states:us-west-2:1:activity:x"}

    refused = await api.post("/state-resources", json=resource, headers=await key("author", OWN, definitions=("a-*",)))
    assert refused.status_code == 403
    assert "for all workflow definitions" in refused.json()["message"]
    assert (await api.post("/state-resources", json=resource, headers=await key("author", OWN))).status_code == 201


async def test_the_body_of_a_caller_without_a_credential_is_not_read(api: httpx.AsyncClient) -> None:
    answer = await api.post("/workflows", content=b"{" * (2 << 20))

    assert answer.status_code == 401


async def test_a_path_that_leads_nowhere_needs_no_credential(api: httpx.AsyncClient) -> None:
    assert (await api.get("/nothing")).status_code == 404
    assert (await api.patch("/workflows")).status_code == 405


async def test_the_machine_of_a_validation_is_judged_for_authors(api: httpx.AsyncClient, key: KeyOf) -> None:
    new = {"name": "own-echo", "stateMachine": samples.ECHO}

    for role, expected in (("operate", 403), ("author", 200)):
        headers = await key(role, OWN, definitions=("own-*",))
        answer = await api.post("/workflow-definitions?validateOnly=true", json=new, headers=headers)
        assert answer.status_code == expected


async def test_what_one_started_one_may_cancel_and_resume(api: httpx.AsyncClient, rig: Rig, key: KeyOf) -> None:
    """With the role submit; it is `operate` that cancels and resumes for others."""
    await rig.define()
    ours, theirs = await key("submit", OWN), await key("submit", OWN)
    started = (await api.post("/workflows", json=_start(OWN), headers=ours)).json()
    path, reason, state = f"/workflows/{started['id']}", {"reason": "x"}, {"StartAt": "echo"}

    refused = await api.request("DELETE", path, json=reason, headers=theirs)
    assert refused.status_code == 403
    assert "operate" in refused.json()["message"]
    assert (await api.post(path, json=state, headers=theirs)).status_code == 403
    rig.sfn.enter(started["id"], "echo", input='{"_EXECUTION_NAME":"x"}')
    rig.sfn.fail(started["id"], "Boom", "it broke")
    await rig.poller.poll_once()
    assert (await api.post(f"{path}/resolved", headers=ours)).status_code == 403
    resumed = await api.post(path, json=state, headers=ours)
    assert resumed.status_code == 200
    again = f"/workflows/{resumed.json()['id']}"
    assert (await api.request("DELETE", again, json=reason, headers=theirs)).status_code == 403
    assert (await api.request("DELETE", again, json=reason, headers=ours)).status_code == 200
    assert (await api.post(f"{path}?force=true", json=state, headers=await key("operate", OWN))).status_code == 200
