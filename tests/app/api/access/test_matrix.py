"""Every operation, as six principals, on own and on foreign objects, from one table.

Covers `app.api.permissions`, `app.api.guard` and `app.access.checks`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI

from app.api.permissions import PERMISSIONS, Reach
from tests import samples
from tests.app.api.access.conftest import KeyOf
from tests.rig import Rig
from workflow_manager import models
from workflow_manager.models import Role

ROLES = [role.value for role in Role]
NAMESPACES = ("own", "foreign")


class Objects(NamedTuple):
    """What a request is about; all of it is there, in one namespace."""

    namespace: str
    definition: str
    workflow: str


class Case(NamedTuple):
    """A request, and what a caller is answered who may not know its object: 404 if it reads one, else 403."""

    method: str
    path: Callable[[Objects], str]
    body: Callable[[Objects], Any] | None = None
    hidden: int = 404
    every_definition: bool = False


def _machine(objects: Objects) -> dict[str, Any]:
    return {"name": objects.definition, "stateMachine": samples.ECHO}


def _resource(objects: Objects) -> dict[str, Any]:
    return {"name": "echo", "namespace": objects.namespace, "uri": "arn:aws:states:us-west-2:1:activity:x"}


CASES: Mapping[str, Case] = {
    "healthCheck": Case("GET", lambda _: "/_health"),
    "readinessCheck": Case("GET", lambda _: "/_ready"),
    "getMetrics": Case("GET", lambda _: "/metrics"),
    "getQuotas": Case("GET", lambda _: "/quotas"),
    "getWorkflowDefinitions": Case("GET", lambda _: "/workflow-definitions"),
    "newWorkflowDefinition": Case("POST", lambda _: "/workflow-definitions", _machine, hidden=403),
    "getWorkflowDefinitionVersionsByName": Case("GET", lambda o: f"/workflow-definitions/{o.definition}"),
    "updateWorkflowDefinition": Case("PUT", lambda o: f"/workflow-definitions/{o.definition}", _machine),
    "getWorkflowDefinitionByNameAndVersion": Case("GET", lambda o: f"/workflow-definitions/{o.definition}/0"),
    "startWorkflow": Case(
        "POST",
        lambda _: "/workflows",
        lambda o: {"workflowDefinition": {"name": "own-echo"}, "namespace": o.namespace},
        hidden=403,
    ),
    "getWorkflows": Case("GET", lambda _: "/workflows"),
    "getWorkflowCounts": Case("GET", lambda _: "/workflows/counts?by=namespace"),
    "getWorkflowByID": Case("GET", lambda o: f"/workflows/{o.workflow}"),
    "followWorkflow": Case("GET", lambda o: f"/workflows/{o.workflow}/events"),
    "getJob": Case("GET", lambda o: f"/workflows/{o.workflow}/jobs/1"),
    "CancelWorkflow": Case("DELETE", lambda o: f"/workflows/{o.workflow}", lambda _: {"reason": "x"}),
    "resumeWorkflowByID": Case("POST", lambda o: f"/workflows/{o.workflow}", lambda _: {"StartAt": "echo"}),
    "recoverWorkflow": Case("POST", lambda o: f"/workflows/{o.workflow}/recover", lambda _: {"dryRun": True}),
    "resolveWorkflowByID": Case("POST", lambda o: f"/workflows/{o.workflow}/resolved"),
    "postStateResource": Case("POST", lambda _: "/state-resources", _resource, hidden=403, every_definition=True),
    "getStateResource": Case("GET", lambda o: f"/state-resources/{o.namespace}/echo"),
    "putStateResource": Case(
        "PUT", lambda o: f"/state-resources/{o.namespace}/echo", _resource, hidden=403, every_definition=True
    ),
    "deleteStateResource": Case(
        "DELETE", lambda o: f"/state-resources/{o.namespace}/echo", hidden=404, every_definition=True
    ),
    "getQueues": Case("GET", lambda _: "/queues"),
    "getQueue": Case("GET", lambda _: "/queues/default"),
    "putQueue": Case("PUT", lambda _: "/queues/other", lambda _: {"maxRunning": 5}),
    "deleteQueue": Case("DELETE", lambda _: "/queues/other"),
    "whoAmI": Case("GET", lambda _: "/whoami"),
    "getAudit": Case("GET", lambda _: "/audit"),
    "getKeys": Case("GET", lambda _: "/keys"),
    "createKey": Case("POST", lambda _: "/keys", lambda _: {"name": "a", "bindings": [{"role": "read"}]}),
    "revokeKey": Case("DELETE", lambda _: "/keys/nothing"),
    "rotateKey": Case("POST", lambda _: "/keys/nothing/rotate", lambda _: {}),
}
WITHOUT_OBJECT = {Reach.OPEN, Reach.LIST}


def _expected(operation: str, principal: str, namespace: str, *, definitions: str) -> str:
    """Return what a cell of the matrix is: allowed, or a status."""
    permission = PERMISSIONS[operation]
    if permission.reach is Reach.OPEN:
        return "allowed"
    if principal == "none":
        return "401"
    if permission.reach is Reach.LIST or principal == Role.ADMIN:
        return "allowed"
    return "403" if permission.reach is Reach.EVERYWHERE else _of_object(operation, principal, namespace, definitions)


def _of_object(operation: str, principal: str, namespace: str, definitions: str) -> str:
    case = CASES[operation]
    if namespace == "foreign" and _concerns_namespace(operation, definitions):
        return str(case.hidden)
    if case.every_definition and definitions != "*":
        return "403"
    return "allowed" if Role(principal).includes(PERMISSIONS[operation].role) else "403"


def _concerns_namespace(operation: str, definitions: str) -> bool:
    """Tell whether something of the other namespace is foreign: a definition is one only by its name."""
    return "Definition" not in operation or definitions != "*"


def _outcome(response: httpx.Response) -> str:
    """Return the status of a refusal by the guard; other answers come from the operation itself."""
    message = (
        response.json().get("message", "")
        if response.headers.get("content-type") == "application/json" and (response.status_code >= 400)
        else ""
    )
    own_words = ("there is no workflow", "there is no state resource")
    hidden = response.status_code == 404 and message.startswith(own_words)
    return str(response.status_code) if response.status_code in {401, 403} or hidden else "allowed"


async def _objects(rig: Rig, namespace: str) -> Objects:
    """Make what a request is about, by nobody in particular."""
    objects = Objects(namespace, f"{namespace}-echo", "")
    for name in ("own-echo", "foreign-echo"):
        try:
            await rig.store.get_definition(name)
        except Exception:  # noqa: BLE001
            await rig.define(name=name)
    await rig.registry.put_state_resource(models.NewStateResource(**_resource(objects)))
    reference = models.WorkflowDefinitionRef(name=objects.definition)
    workflow = await rig.start(workflow_definition=reference, namespace=namespace)
    rig.sfn.fail(workflow.id, "Boom", "it broke")
    await rig.poller.poll_once()
    return objects._replace(workflow=workflow.id)


async def _send(api: httpx.AsyncClient, case: Case, objects: Objects, headers: dict[str, str]) -> httpx.Response:
    body = case.body(objects) if case.body else None
    return await api.request(case.method, case.path(objects), json=body, headers=headers)


def test_the_table_has_every_operation() -> None:
    assert {name for name in PERMISSIONS if not name.startswith("/")} == CASES.keys()


@pytest.mark.parametrize("definitions", ["own-*", "*"])
@pytest.mark.parametrize("principal", ["none", *ROLES])
async def test_matrix(
    app: FastAPI, api: httpx.AsyncClient, rig: Rig, key: KeyOf, principal: str, definitions: str
) -> None:
    headers: dict[str, str] = {}
    if principal == "admin":
        headers = await key("admin")
    elif principal != "none":
        headers = await key(principal, "own", definitions=(definitions,))
    wrong = []
    for namespace in NAMESPACES:
        for operation, case in CASES.items():
            objects = await _objects(rig, namespace)
            response = await _send(api, case, objects, headers)
            outcome = _outcome(response)
            expected = _expected(operation, principal, namespace, definitions=definitions)
            if outcome != expected:
                wrong.append((operation, namespace, outcome, expected, response.text[:200]))
            if outcome == "403":
                assert f"needs the role {PERMISSIONS[operation].role}" in response.text
            if outcome == "401":
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert wrong == []


OF_WORKFLOWS = [name for name, case in CASES.items() if case.path(Objects("", "", "ID")).startswith("/workflows/ID")]


@pytest.mark.parametrize("operation", OF_WORKFLOWS)
async def test_a_foreign_workflow_is_answered_as_an_unknown_one(
    api: httpx.AsyncClient, rig: Rig, key: KeyOf, operation: str
) -> None:
    """The bytes are the same, and so is what is read of the store."""
    headers = await key("author", "own")
    foreign = await _objects(rig, "foreign")
    unknown = foreign._replace(workflow="x" * len(foreign.workflow))
    reads: list[str] = []
    read = rig.store.get_workflow

    async def counted(workflow_id: str) -> models.Workflow:
        reads.append(workflow_id)
        return await read(workflow_id)

    rig.store.get_workflow = counted  # type: ignore[method-assign]
    answers, counts = [], []
    for objects in (foreign, unknown):
        reads.clear()
        response = await _send(api, CASES[operation], objects, headers | {"X-Request-Id": "r"})
        names = {name: value for name, value in response.headers.items() if name != "content-length"}
        answers.append((response.status_code, response.text.replace(objects.workflow, "ID"), names))
        counts.append(len(reads))
    assert answers[0] == answers[1]
    assert counts[0] == counts[1]
