"""Requests in the very form of the clients that were generated for Clever's workflow-manager.

Those clients know a few codes for each operation and treat any other as a failure; they send ``application/json``
on every request, with a body or without, and a header of their own; they may write a list that a state does not have
as ``null``; and they take the path of the next page as it is.
"""

import base64
import http.client
import json
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from tests.generated_clients.steps import StepFailed, say

HEADERS: Final = {"Content-Type": "application/json", "Canonical-Resource": "startWorkflow"}
NAME: Final = "wire-walk:master"
NULL_LISTS: Final = {"Branches": None, "Catch": None, "Choices": None, "Retry": None}
ECHO: Final = {"Type": "Task", "Resource": "echo", "Next": "pause", **NULL_LISTS}
PAUSE: Final = {"Type": "Wait", "Seconds": 600, "End": True, **NULL_LISTS}
DEFINITION: Final = {
    "defaultTags": {"team": "infra"},
    "manager": "step-functions",
    "name": NAME,
    "stateMachine": {"StartAt": "echo", "States": {"echo": ECHO, "pause": PAUSE}, "Version": "1.0"},
    "version": 0,
}
START: Final = {
    "idSuffix": "suffix",
    "input": '{"foo": true}',
    "namespace": "dev",
    "queue": "default",
    "tags": {"ticket": "42"},
    "workflowDefinition": {"name": NAME, "version": -1},
}
RESOURCE: Final = {"name": "wire", "namespace": "dev", "uri": "arn:aws:states:us-west-2:123456789012:activity:x--y"}
LISTING: Final = f"/workflows?limit=1&oldestFirst=true&workflowDefinitionName={NAME}&summaryOnly=false"
TIMEOUT_SECONDS: Final = 30
PAUSE_SECONDS: Final = 0.1


def prepare() -> None:
    """Need nothing: the requests are written by hand."""


def walk(url: str, key: str) -> None:
    """Walk through the service; raises ``StepFailed`` at the first answer that those clients would not take."""
    wire = _Wire(url, key)
    wire.ask("GET", "/_health", 200)
    _definitions(wire)
    _workflows(wire)
    _state_resources(wire)
    say(f"ok  existing clients: {wire.asked} requests in their form")


class _Wire:
    def __init__(self, url: str, key: str) -> None:
        # What clients make of the user information of their base URL.
        user = base64.b64encode(f"anybody:{key}".encode()).decode()
        self._headers = {**HEADERS, "Authorization": f"Basic {user}"}
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
        self.asked = 0
        self.next_page = ""

    def ask(self, method: str, path: str, status: int, body: object = None) -> Any:
        """Return the answer's JSON, or nothing when it is empty; the status must be this one."""
        payload = b"" if body is None else json.dumps(body).encode()
        self._connection.request(method, path, body=payload, headers=self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        self.asked += 1
        self.next_page = answer.headers.get("X-Next-Page-Path", "")
        if answer.status != status:
            raise StepFailed(f"existing clients: {method} {path}: {answer.status}, not {status}\n{content.decode()}")
        return json.loads(content) if content else None


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise StepFailed(f"existing clients: {what}")


def _definitions(wire: _Wire) -> None:
    made = wire.ask("POST", "/workflow-definitions", 201, DEFINITION)
    _must(made["stateMachine"] == DEFINITION["stateMachine"], "a machine with null lists comes out changed")
    wire.ask("PUT", f"/workflow-definitions/{NAME}", 201, DEFINITION)
    versions = wire.ask("GET", f"/workflow-definitions/{NAME}?latest=false", 200)
    _must([each["version"] for each in versions] == [0, 1], "the versions are not 0 and 1")
    wire.ask("GET", f"/workflow-definitions/{NAME}/1", 200)
    wire.ask("GET", "/workflow-definitions", 200)
    _must(wire.ask("GET", "/workflow-definitions/none/0", 404)["message"] != "", "a 404 has no message")
    _must(wire.ask("POST", "/workflow-definitions", 400, {"name": "x"})["message"] != "", "a 400 has no message")


def _workflows(wire: _Wire) -> None:
    first = wire.ask("POST", "/workflows", 200, START)["id"]
    second = wire.ask("POST", "/workflows", 200, START)["id"]
    listed = [each["id"] for each in wire.ask("GET", LISTING, 200)]
    while wire.next_page:
        listed += [each["id"] for each in wire.ask("GET", wire.next_page, 200)]
    _must(listed == [first, second], f"the pages hold {listed}, not {[first, second]}")
    for workflow_id in listed:
        _until(wire, workflow_id, lambda workflow: [job["state"] for job in workflow.get("jobs", ())][1:] == ["pause"])
        wire.ask("POST", f"/workflows/{workflow_id}", 409, {"StartAt": "echo"})
        _must(wire.ask("DELETE", f"/workflows/{workflow_id}", 200, {"reason": "enough"}) is None, "cancel has a body")
        _until(wire, workflow_id, lambda workflow: workflow["status"] == "cancelled")
    resumed = wire.ask("POST", f"/workflows/{first}", 200, {"StartAt": "pause"})
    _must(resumed["retryFor"] == first, "the resumed workflow does not name the one it resumes")
    wire.ask("DELETE", f"/workflows/{resumed['id']}", 200, {"reason": "enough"})
    wire.ask("POST", f"/workflows/{second}/resolved", 409)
    wire.ask("GET", "/workflows/none", 404)


def _state_resources(wire: _Wire) -> None:
    wire.ask("POST", "/state-resources", 201, RESOURCE)
    wire.ask("PUT", "/state-resources/dev/wire", 201, RESOURCE)
    wire.ask("GET", "/state-resources/dev/wire", 200)
    _must(wire.ask("DELETE", "/state-resources/dev/wire", 200) is None, "a removal has a body")
    wire.ask("GET", "/state-resources/dev/wire", 404)


def _until(wire: _Wire, workflow_id: str, holds: Callable[[Any], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not holds(workflow := wire.ask("GET", f"/workflows/{workflow_id}", 200)):
        _must(time.monotonic() < deadline, f"workflow {workflow_id} stays {workflow['status']}")
        time.sleep(PAUSE_SECONDS)
