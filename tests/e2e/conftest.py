"""A running service on its embedded AWS, started as a user starts it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from tests.eventually import eventually

CLI = str(Path(sys.executable).with_name("workflow-manager"))
ENDINGS = {"succeeded", "failed", "cancelled"}


@dataclass(frozen=True)
class Service:
    """Where a running service answers."""

    url: str
    aws_url: str
    api: httpx.Client

    def define(self, name: str, machine: dict[str, Any]) -> None:
        """Register a definition."""
        answer = self.api.post("/workflow-definitions", json={"name": name, "stateMachine": machine})
        assert answer.status_code == 201, answer.text

    def start(self, name: str, payload: str = "{}") -> str:
        """Start a workflow; returns its id."""
        body = {"workflowDefinition": {"name": name}, "namespace": "test", "input": payload}
        answer = self.api.post("/workflows", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def workflow(self, workflow_id: str) -> dict[str, Any]:
        """Return a workflow as the service shows it."""
        answer = self.api.get(f"/workflows/{workflow_id}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def ended(self, workflow_id: str) -> dict[str, Any]:
        """Return a workflow once it has ended."""

        def look() -> dict[str, Any] | None:
            shown = self.workflow(workflow_id)
            return shown if shown["status"] in ENDINGS else None

        return eventually(look, what=f"the end of workflow {workflow_id}", timeout_seconds=60)


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Start ``serve --local`` on free ports; stop it after the tests."""
    process = subprocess.Popen(
        [CLI, "serve", "--local", "--port", "0", "--aws-port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        urls = announced_urls(process)
        with httpx.Client(base_url=urls["API"], timeout=30) as api:
            yield Service(url=urls["API"], aws_url=urls["AWS"], api=api)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def announced_urls(process: "subprocess.Popen[str]") -> dict[str, str]:
    """Read the URLs that the service prints once it is ready."""
    assert process.stdout is not None
    urls: dict[str, str] = {}
    for line in process.stdout:
        if match := re.search(r"(\S+)\s*:?\s+(http://\S+)", line):
            urls[match[1].rstrip(":")] = match[2]
        if {"API", "AWS"} <= urls.keys():
            return urls
    raise AssertionError(f"the service ended with {process.wait()} before it was ready")


@pytest.fixture
def worker(service: Service, tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Return a function that starts a worker: an activity, and the shell script that does its tasks."""
    processes: list[subprocess.Popen[bytes]] = []
    sfn = boto3.client(
        "stepfunctions",
        region_name="us-west-2",
        endpoint_url=service.aws_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    def registered() -> set[str]:
        return {activity["name"] for activity in sfn.list_activities()["activities"]}

    def start(activity: str, script: str) -> None:
        command = tmp_path / f"{activity}.sh"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        processes.append(
            subprocess.Popen(
                [CLI, "worker", "--activity", activity, "--namespace", "test", "--", str(command)],
                env={**os.environ, "AWS_ENDPOINT_URL": service.aws_url},
            )
        )
        eventually(lambda: f"test--{activity}" in registered(), what=f"the worker of {activity} to register")

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(timeout=30)
