"""``workflow-manager keys``: on the tables themselves, so that there can be a first key.

Covers `app.cli.keys`, `app.access.keys` and `workflow_manager.cli.admin.keys`.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(local_aws_url: str) -> Command:
    """Run the command line on tables of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": local_aws_url,
        "WFM_TABLE_PREFIX": f"keys-{uuid.uuid4().hex[:12]}",
    }

    def run(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_the_first_key_needs_no_service(command: Command) -> None:
    command("tables", "create")
    made = command("keys", "create", "--role", "admin", "--expires-in", "90d")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    key_id = key.split("_")[1]
    assert "it is not shown again" in made.stderr

    listed = command("keys", "list", "-o", "json")
    (shown,) = json.loads(listed.stdout)
    assert (shown["id"], shown["bindings"][0]["role"]) == (key_id, "admin")
    assert key not in listed.stdout + command("keys", "list").stdout
    rotated = command("keys", "rotate", key_id, "--overlap", "0s")
    assert rotated.stdout.strip() not in {"", key}
    assert command("keys", "revoke", key_id).returncode == 0
    assert json.loads(command("keys", "list", "-o", "json").stdout) == []
    assert command("keys", "revoke", key_id).returncode == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "--role", "root"), "role"),
        (("create", "--role", "admin", "--namespace", "dev"), "all namespaces"),
        (("create", "--role", "read", "--expires-in", "soon"), "--expires-in"),
    ],
)
def test_a_mistake_is_one_line(command: Command, arguments: tuple[str, ...], told: str) -> None:
    outcome = command("keys", *arguments)
    assert outcome.returncode == 2
    assert told in outcome.stderr


def test_keys_of_a_store_in_memory_cannot_be_reached(command: Command) -> None:
    outcome = command("keys", "list", WFM_STORE="memory")
    assert (outcome.returncode, "WFM_STORE is memory" in outcome.stderr) == (2, True)
