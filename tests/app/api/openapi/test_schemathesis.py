"""The API under generated requests: no crash, nothing that the OpenAPI document does not say.

Covers `app.api.routes` and `app.api.openapi.document`.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from app.api.workflow_feeds import Feeds
from app.main import create_app
from app.settings import Settings
from tests.checkout import ROOT
from tests.eventually import eventually
from tests.rig import Rig

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ensure_resource_availability",
)
"""All but ``positive_data_acceptance``: that two names must be equal, or that a state machine must be valid, is more
than a schema can say; and but ``use_after_free``: any name is that of a queue, also once its limits are deleted."""


def _app() -> FastAPI:
    rig = Rig()
    rig.get_through()
    app = create_app(Settings())
    app.state.services = rig.services()
    # What is followed here never ends.
    app.state.feeds = Feeds(interval_seconds=0.01, lifetime_seconds=0.05)
    return app


@pytest.fixture
def url() -> Iterator[str]:
    """Serve the application on a fake Step Functions."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(_app(), lifespan="off", log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started, what="the server to start")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


@pytest.mark.slow
def test_generated_requests_find_no_crash_and_no_break_of_the_contract(url: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [
            *(SCHEMATHESIS, "run", str(ROOT / "openapi.json"), "--url", url, "--no-color"),
            *("--phases", "examples,coverage,fuzzing,stateful", "--mode", "all"),
            *("--seed", "20261123", "--max-examples", "50", "--generation-database", "none"),
            *("--checks", ",".join(CHECKS), "--warnings", "off"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
