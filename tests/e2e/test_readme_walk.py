"""The walk of five minutes of the README, as it is written, against a running service.

Covers `app.main` and `workflow_manager.cli`.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.checkout import ROOT
from tests.e2e.conftest import Service
from tests.eventually import eventually

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION: Final = "## A walk of five minutes"
API, AWS = "http://127.0.0.1:8080", "http://127.0.0.1:4566"
ACTIVATE: Final = ". .venv/bin/activate"


def commands() -> list[str]:
    """Return the blocks of commands of the walk."""
    walk = README.partition(SECTION)[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", walk, re.MULTILINE | re.DOTALL)


def shell(script: str, service: Service) -> list[str]:
    """Return the words that run a script on the service of this test, with the programs of this environment."""
    here = script.replace(API, service.url).replace(AWS, service.aws_url).replace(ACTIVATE, ":")
    return ["bash", "-euc", here]


@pytest.fixture
def environment(service: Service) -> dict[str, str]:
    """Return the environment of somebody who walks: the programs, and a service that is not at the usual place."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "WORKFLOWMANAGER_URL": service.url}


@contextmanager
def working(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    """Run a worker, from the moment that it takes tasks."""
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as worker:
        try:
            assert worker.stderr
            assert any("worker-started" in line for line in worker.stderr)
            yield
        finally:
            os.killpg(worker.pid, signal.SIGTERM)


def test_the_walk_can_be_walked(service: Service, environment: dict[str, str]) -> None:
    """Every command runs as it stands; only the ports are others."""
    start, work, *rest = commands()
    assert start == "make run\n"
    assert "workflow-manager worker" in work
    with working(shell(work, service), environment):
        walked = subprocess.run(
            shell("\n".join(rest), service), env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    assert walked.returncode == 0, walked.stderr
    assert "succeeded  workflow " in walked.stdout
    assert 'Output: {"_EXECUTION_NAME":' in walked.stdout.replace('": "', '":"')
    assert "event: workflow" in walked.stdout
    eventually(lambda: _all_succeeded(service), what="both workflows to succeed")


def _all_succeeded(service: Service) -> bool:
    found = service.api.get("/workflows?workflowDefinitionName=sfncli-test:master").json()
    return [workflow["status"] for workflow in found] == ["succeeded"] * 2
