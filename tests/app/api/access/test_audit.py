"""What was changed and what was refused is in the log and in the audit, without secrets, for those who may see it.

Covers `app.api.audited`, `app.api.routes.audit`, `app.audit.trail`, `app.audit.reading` and `app.audit.notes`.
"""

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.audit.reading import MAX_CALLS, AuditReader
from app.audit.trail import MAX_SOURCES, AuditTrail
from tests import samples
from tests.app.api.access.conftest import KeyOf
from tests.rig import Rig
from workflow_manager import errors
from workflow_manager.models import AuditEntry, AuditOutcome

Line = MutableMapping[str, Any]
JSON = dict[str, Any]

SINCE = {"after": "2025-12-31T00:00:00Z"}


@pytest.fixture
async def admin(key: KeyOf) -> dict[str, str]:
    return await key("admin")


async def audit(app: FastAPI, api: httpx.AsyncClient, headers: dict[str, str], **parameters: Any) -> list[JSON]:
    """Return the audit, once all of it is stored."""
    await app.state.services.audit.settle()
    answer = await api.get("/audit", params=SINCE | parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    entries: list[JSON] = answer.json()
    return entries


def audited(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.get("action") == "audit" and line["log_level"] == "info"]


def start(namespace: str = "dev") -> JSON:
    return {"workflowDefinition": {"name": "echo"}, "namespace": namespace}


async def test_a_cancellation_names_who_what_where_and_why(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, key: KeyOf, admin: dict[str, str], log_lines: list[Line]
) -> None:
    operator = await key("operate", "dev")
    await rig.define()
    workflow = await rig.start()

    await api.request(
        "DELETE",
        f"/workflows/{workflow.id}",
        json={"reason": "wrong input"},
        headers={**operator, "X-Request-Id": "r1"},
    )

    [entry] = await audit(app, api, admin, object=f"workflow/{workflow.id}")
    key_id = entry["keyId"]
    assert entry == {
        "at": "2026-01-01T00:00:00.000Z",
        "actor": f"key/{key_id}",
        "keyId": key_id,
        "operation": "CancelWorkflow",
        "object": f"workflow/{workflow.id}",
        "namespace": "dev",
        "definition": "echo",
        "outcome": "done",
        "reason": "wrong input",
        "requestId": "r1",
        "source": "127.0.0.1",
        "count": 1,
    }
    [line] = [line for line in audited(log_lines) if line["operation"] == "CancelWorkflow"]
    assert (line["actor"], line["object"], line["outcome"]) == (f"key/{key_id}", entry["object"], "done")
    assert (await rig.store.get_workflow(workflow.id)).cancelled_by == f"key/{key_id}"


async def test_refusals_name_their_object_and_its_namespace(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, key: KeyOf, admin: dict[str, str]
) -> None:
    """Also what the caller is told does not exist, and what they only tried to read."""
    reader, stranger = await key("read", "dev"), await key("operate", "other")
    await rig.define()
    workflow = await rig.start()

    await api.request("DELETE", f"/workflows/{workflow.id}", json={}, headers=reader)
    await api.get(f"/workflows/{workflow.id}", headers=stranger)
    await api.get("/workflows/nothing", headers=stranger)
    await api.put("/queues/default", json={}, headers=reader)

    entries = await audit(app, api, admin)
    told = [(entry["operation"], entry.get("namespace"), entry["outcome"]) for entry in entries]
    assert sorted(told, key=str) == [
        ("CancelWorkflow", "dev", "refused"),
        ("getWorkflowByID", "dev", "refused"),
        ("putQueue", None, "refused"),
    ]
    reasons = {entry["operation"]: entry["reason"] for entry in entries}
    assert "role operate in namespace 'dev'" in reasons["CancelWorkflow"]


async def test_changes_tell_what_was_there_before_and_what_is_there_since(
    app: FastAPI, api: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    definition = {"name": "echo", "stateMachine": samples.ECHO}
    await api.post("/workflow-definitions", json=definition, headers=admin)
    await api.post("/workflow-definitions", params={"validateOnly": "true"}, json=definition, headers=admin)
    await api.put("/workflow-definitions/echo", json=definition, headers=admin)
    await api.put("/queues/slow", json={"maxRunning": 3}, headers=admin)
    await api.put("/queues/slow", json={"paused": True}, headers=admin)
    resource = {"namespace": "dev", "name": "echo", "uri": "arn:aws:states:us-west-2:123456789012:activity:x"}
    await api.post("/state-resources", json=resource, headers=admin)

    entries = {(entry["object"], str(entry.get("before"))): entry for entry in await audit(app, api, admin)}

    assert entries["definition/echo", "None"]["after"]["version"] == 0
    assert entries["definition/echo", "{'version': 0}"]["after"]["version"] == 1
    assert entries["queue/slow", "{'paused': False}"]["after"] == {"maxRunning": 3, "paused": False}
    assert entries["queue/slow", "{'maxRunning': 3, 'paused': False}"]["after"] == {"paused": True}
    assert entries["state-resource/dev/echo", "None"]["namespace"] == "dev"
    assert len(entries) == 5


async def test_keys_are_audited_with_their_bindings_and_without_their_secrets(
    app: FastAPI, api: httpx.AsyncClient, admin: dict[str, str], log_lines: list[Line]
) -> None:
    made = (await api.post("/keys", json={"name": "n", "bindings": [{"role": "read"}]}, headers=admin)).json()
    rotated = (await api.post(f"/keys/{made['id']}/rotate", json={}, headers=admin)).json()
    await api.delete(f"/keys/{made['key']}", headers=admin)
    await api.delete(f"/keys/{made['id']}", headers=admin)
    await api.get("/keys", headers={"Authorization": f"Bearer {made['key']}"})

    entries = await audit(app, api, admin)

    told = [(entry["operation"], entry["outcome"]) for entry in entries if entry["operation"] == "createKey"]
    assert sorted(told) == [("createKey", "done"), ("createKey", "started")]
    [done] = [entry for entry in entries if (entry["operation"], entry["outcome"]) == ("createKey", "done")]
    binding = {"role": "read", "namespaces": ["*"], "definitions": ["*"]}
    assert (done["object"], done["after"]) == (f"key/{made['id']}", {"name": "n", "bindings": [binding]})
    [revoked] = [entry for entry in entries if entry["operation"] == "revokeKey"]
    assert revoked["before"]["bindings"] == [binding]
    for secret in (made["key"], rotated["key"], made["key"].rpartition("_")[2]):
        assert secret not in str(entries)
        assert secret not in str(log_lines)


async def test_starts_are_in_the_log_alone_and_on_the_workflow(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, key: KeyOf, admin: dict[str, str], log_lines: list[Line]
) -> None:
    submitter = await key("submit", "dev")
    await rig.define()

    started = (await api.post("/workflows", json=start(), headers=submitter)).json()

    assert await audit(app, api, admin) == []
    [line] = [line for line in audited(log_lines) if line["operation"] == "startWorkflow"]
    assert (line["object"], line["namespace"]) == (f"workflow/{started['id']}", "dev")
    assert started["createdBy"] == line["actor"]
    listed = (await api.get("/workflows", params={"summaryOnly": "true"}, headers=submitter)).json()
    assert [row["createdBy"] for row in listed] == [started["createdBy"]]


async def test_who_created_a_workflow_may_cancel_it_and_another_submitter_may_not(
    api: httpx.AsyncClient, rig: Rig, key: KeyOf
) -> None:
    owner, other = await key("submit", "dev"), await key("submit", "dev")
    await rig.define()
    started = (await api.post("/workflows", json=start(), headers=owner)).json()

    refused = await api.request("DELETE", f"/workflows/{started['id']}", json={}, headers=other)
    cancelled = await api.request("DELETE", f"/workflows/{started['id']}", json={}, headers=owner)

    assert (refused.status_code, cancelled.status_code) == (403, 200)


async def test_a_resolved_failure_says_who_resolved_it_and_why(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, key: KeyOf, admin: dict[str, str]
) -> None:
    operator = await key("operate", "dev")
    failed = await rig.failed()

    answer = await api.post(f"/workflows/{failed.id}/resolved", json={"reason": "known bug"}, headers=operator)
    again = await api.post(f"/workflows/{failed.id}/resolved", headers=operator)

    shown = (await api.get(f"/workflows/{failed.id}", headers=operator)).json()
    [entry] = await audit(app, api, admin)
    assert answer.status_code == 201
    assert (shown["resolvedByCaller"], shown["resolveReason"]) == (entry["actor"], "known bug")
    assert (entry["operation"], entry["reason"]) == ("resolveWorkflowByID", "known bug")
    assert again.status_code == 409
    assert entry["actor"] in again.json()["message"]


async def test_a_flood_of_wrong_keys_is_one_entry_for_each_source_and_minute(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, admin: dict[str, str], log_lines: list[Line]
) -> None:
    for _ in range(25):
        assert (await api.get("/workflows", headers={"X-Api-Key": "wrong"})).status_code == 401
    rig.clock.advance(60)
    await api.get("/workflows")

    entries = await audit(app, api, admin)

    assert [(entry["operation"], entry["count"], entry["source"]) for entry in entries] == [
        ("getWorkflows", 1, "127.0.0.1"),
        ("getWorkflows", 10, "127.0.0.1"),
    ]
    assert len(audited(log_lines)) == 3


async def test_a_page_of_another_origin_is_audited(app: FastAPI, api: httpx.AsyncClient, admin: dict[str, str]) -> None:
    await api.post("/workflows", json=start(), headers={**admin, "Sec-Fetch-Site": "cross-site"})

    [entry] = await audit(app, api, admin)

    assert (entry["outcome"], entry.get("actor")) == ("refused", None)
    assert "page of another origin" in entry["reason"]


async def test_callers_see_the_audit_of_what_they_may_read(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, key: KeyOf, admin: dict[str, str]
) -> None:
    await rig.define()
    for namespace in ("dev", "prod"):
        workflow = await rig.start(namespace=namespace)
        await api.request("DELETE", f"/workflows/{workflow.id}", json={}, headers=admin)
    await api.put("/queues/slow", json={"maxRunning": 3}, headers=admin)
    own, narrow = await key("read", "dev"), await key("read", "dev", definitions=("other-*",))

    async def seen(headers: dict[str, str], **parameters: str) -> list[str]:
        return sorted(str(entry.get("namespace")) for entry in await audit(app, api, headers, **parameters))

    assert await seen(admin) == ["None", "dev", "prod"]
    assert await seen(own) == ["dev"]
    assert await seen(own, namespace="prod") == []
    assert await seen(own, namespace="*") == []
    assert await seen(narrow) == []
    assert await seen(admin, namespace="prod") == ["prod"]
    assert await seen(admin, actor="key/nobody") == []


async def test_the_audit_has_pages_over_days_and_namespaces(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, admin: dict[str, str]
) -> None:
    trail: AuditTrail = app.state.services.audit
    for day in range(3):
        for namespace in ("a", "b"):
            trail.record(entry_at(rig, namespace=namespace, request_id=f"{day}{namespace}"))
        rig.clock.advance(86_400)
    await trail.settle()

    path: str | None = "/audit?after=2025-12-31T00:00:00Z&limit=2"
    pages = []
    while path is not None:
        answer = await api.get(path, headers=admin)
        pages.append([entry["requestId"][0] for entry in answer.json()])
        path = answer.headers.get("X-Next-Page-Path")

    assert [day for page in pages for day in page] == ["2", "2", "1", "1", "0", "0"]
    assert all(len(page) <= 2 for page in pages)


async def test_a_page_that_needs_too_many_reads_ends_early_and_goes_on_where_it_ended(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, admin: dict[str, str]
) -> None:
    app.state.services.audit.record(entry_at(rig, namespace="a", request_id="r"))
    await app.state.services.audit.settle()
    rig.clock.advance(86_400 * (MAX_CALLS + 10))

    first = await api.get("/audit", params={**SINCE, "namespace": "a"}, headers=admin)
    second = await api.get(first.headers["X-Next-Page-Path"], headers=admin)

    assert (first.json(), [entry["requestId"] for entry in second.json()]) == ([], ["r"])
    assert "X-Next-Page-Path" not in second.headers


@pytest.mark.parametrize("token", ["x", "WyJ4Il0", "WzFd"])
async def test_a_token_that_is_none_is_refused(api: httpx.AsyncClient, admin: dict[str, str], token: str) -> None:
    assert (await api.get("/audit", params={"pageToken": token}, headers=admin)).status_code == 400


class _Down(AuditTrail):
    """A trail whose store does not answer."""

    async def _add(self, entry: AuditEntry, key: str) -> None:
        raise errors.Unavailable("the store does not answer")


@pytest.fixture
def audit_down(app: FastAPI, api: httpx.AsyncClient, rig: Rig) -> None:
    services = app.state.services
    object.__setattr__(services, "audit", _Down(rig.store, days=400, now=rig.clock.now))


@pytest.mark.usefixtures("audit_down")
async def test_without_the_store_of_the_audit_a_cancellation_works_and_is_in_the_log(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, admin: dict[str, str], log_lines: list[Line]
) -> None:
    await rig.define()
    workflow = await rig.start()

    answer = await api.request("DELETE", f"/workflows/{workflow.id}", json={}, headers=admin)

    await app.state.services.audit.settle()
    assert answer.status_code == 200
    assert [line["operation"] for line in audited(log_lines)] == ["CancelWorkflow"]
    assert any(line.get("action") == "audit-not-stored" for line in log_lines)


@pytest.mark.usefixtures("audit_down")
async def test_without_the_store_of_the_audit_no_key_is_made(
    app: FastAPI, api: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    before = await app.state.services.keys.list()

    answer = await api.post("/keys", json={"name": "n", "bindings": [{"role": "admin"}]}, headers=admin)

    assert answer.status_code == 503
    assert await app.state.services.keys.list() == before


def entry_at(rig: Rig, **fields: Any) -> AuditEntry:
    values: JSON = {"operation": "CancelWorkflow", "outcome": AuditOutcome.DONE, "request_id": "r", "actor": "key/a"}
    return AuditEntry(at=rig.clock.now(), **(values | fields))


async def test_unknown_callers_of_many_sources_are_folded_into_one_entry(rig: Rig) -> None:
    """Who has a whole network of addresses must not fill the store."""
    trail = AuditTrail(rig.store, days=400, now=rig.clock.now)
    for number in range(MAX_SOURCES + 50):
        trail.record(entry_at(rig, outcome=AuditOutcome.REFUSED, actor=None, source=f"2001:db8::{number:x}"))
    await trail.settle()
    reader = AuditReader(rig.store, now=rig.clock.now)

    page = await reader.page(namespace="*", after=samples.EPOCH, before_key=None, limit=1_000, shows=lambda _: True)

    assert len(page.entries) == MAX_SOURCES + 1


async def test_replicas_count_refusals_in_the_same_entry(rig: Rig) -> None:
    trails = [AuditTrail(rig.store, days=400, now=rig.clock.now) for _ in range(2)]
    for trail in trails:
        for _ in range(10):
            trail.record(entry_at(rig, outcome=AuditOutcome.REFUSED, actor=None, source="192.0.2.1"))
            await trail.settle()
    reader = AuditReader(rig.store, now=rig.clock.now)

    page = await reader.page(namespace="*", after=samples.EPOCH, before_key=None, limit=10, shows=lambda _: True)

    assert [entry.count for entry in page.entries] == [10]


async def test_entries_end_after_the_days_that_they_are_kept(rig: Rig) -> None:
    trail = AuditTrail(rig.store, days=2, now=rig.clock.now)
    trail.record(entry_at(rig, namespace="a"))
    await trail.settle()
    reader = AuditReader(rig.store, now=rig.clock.now)

    async def seen() -> int:
        page = await reader.page(
            namespace=None,
            after=rig.clock.now() - timedelta(days=10),
            before_key=None,
            limit=10,
            shows=lambda _: True,
        )
        return len(page.entries)

    kept = await seen()
    rig.clock.advance(2 * 86_400)

    assert (kept, await seen()) == (1, 0)
