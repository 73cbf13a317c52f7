"""No credential reaches a log, an answer, a metric or the store.

Covers `app.access.authenticator`, `app.api.guard` and `app.api.error_responses`.
"""

import base64
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import structlog
from fastapi import FastAPI

from app.access.authenticator import Authenticator
from tests.app.access.issuer import FakeIssuer
from tests.rig import Rig
from workflow_manager.logs import setup
from workflow_manager.models import Binding, NewApiKey, Role

ADMIN = NewApiKey(name="a", bindings=(Binding(role=Role.ADMIN),))


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged at any level, with tracebacks, as it is written."""
    written = io.StringIO()
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *setup._rendering("json"),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(written),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    structlog.configure(**before)


class _Service:
    def __init__(self, app: FastAPI) -> None:
        self.rig, self.issuer = Rig(), FakeIssuer()
        self.issuer.clock = self.rig.clock
        services = self.rig.services()
        self.keys = services.keys
        tokens = self.issuer.tokens()
        authenticator = Authenticator(key_ring=self.keys, tokens=tokens, anonymous=(), now=self.rig.clock.now)
        app.state.services = replace(services, authenticator=authenticator)


@pytest.fixture
async def service(app: FastAPI) -> AsyncIterator[_Service]:
    """The service with keys and tokens."""
    made = _Service(app)
    yield made
    await made.keys.settle()


async def test_no_secret_comes_out_anywhere(app: FastAPI, service: _Service, logged: io.StringIO) -> None:
    issued = await service.keys.create(ADMIN)
    rotated = await service.keys.rotate(issued.id, overlap=timedelta(hours=1))
    token, wrong_token = service.issuer.token(), service.issuer.token("r9")
    wrong_key = f"wfm_{issued.id}_{'7' * 43}"
    secrets = [issued.key, rotated.key, token, wrong_token, wrong_key]
    answers: list[str] = []
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service.localhost") as client:
        workflow = await service.rig.failed()
        for secret in secrets:
            basic = base64.b64encode(f"user:{secret}".encode()).decode()
            for headers in (
                {"Authorization": f"Bearer {secret}"},
                {"Authorization": f"Basic {basic}"},
                {"X-Api-Key": secret},
            ):
                for method, path, body in (
                    ("GET", "/whoami", None),
                    ("GET", "/workflows?limit=1", None),
                    ("GET", "/workflows/nothing", None),
                    ("POST", "/workflows", {"workflowDefinition": {"name": "echo"}, "namespace": "dev"}),
                    ("POST", "/workflows", {"oops": 1}),
                    ("DELETE", "/queues/x", None),
                    ("GET", "/keys", None),
                    ("GET", f"/workflows/{workflow.id}/events", None),
                    ("POST", f"/workflows/{workflow.id}/resolved", {"reason": "seen"}),
                    ("GET", "/audit?limit=1000", None),
                    ("GET", "/metrics", None),
                    ("PATCH", "/workflows", None),
                ):
                    answer = await client.request(method, path, json=body, headers=headers)
                    answers.append(f"{answer.headers}{answer.text}")

        async def crash(*_: object, **__: object) -> None:
            raise RuntimeError("a bug")

        service.rig.store.list_workflows = crash  # type: ignore[method-assign, assignment]
        answer = await client.get("/workflows", headers={"X-Api-Key": rotated.key})
        assert answer.status_code == 500
        answers.append(answer.text)
    service.issuer.down = True

    stored = json.dumps([dict(document.body) for document in await service.rig.store.list_documents("")])
    everything = "\n".join([*answers, stored, logged.getvalue()])
    assert "request crashed" in everything
    assert "event: workflow" in everything
    assert '"operation":"resolveWorkflowByID"' in everything
    for secret in secrets:
        assert secret not in everything
        assert secret.rpartition("_" if secret.startswith("wfm_") else ".")[2] not in everything
        assert base64.b64encode(f"user:{secret}".encode()).decode() not in everything
