"""The demo, and DynamoDB Local as the store of a service on the embedded AWS.

Covers `app.cli.demo` and `app.cli.service_process`.
"""

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.cli.service_process import use_embedded_aws
from scripts import dynamodb_local
from workflow_manager import errors

EMBEDDED = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_REGION": "us-west-2",
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
}

LISTENS = """
import socket, sys, time
with socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("-port") + 1]))):
    time.sleep(60)
"""


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file to write a program to that is started instead of Java."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    program = tmp_path / "java"
    program.touch()
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def answers(url: str) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex((urlsplit(url).hostname, urlsplit(url).port)) == 0


def test_dynamodb_local_answers_inside_the_block_only(java: Path) -> None:
    java.write_text(f"#!{sys.executable}\n{LISTENS}")
    with dynamodb_local.dynamodb_local() as url:
        assert answers(url)
    assert not answers(url)


def test_dynamodb_local_that_ends_at_once_is_an_error(java: Path) -> None:
    """There is nothing to wait for."""
    java.write_text("#!/bin/sh\nexit 3\n")
    with (
        pytest.raises(errors.StartupError, match="ended with exit code 3"),
        dynamodb_local.dynamodb_local(),
    ):
        pytest.fail("it is not ready")


@pytest.mark.parametrize(("folder", "path", "there"), [(True, True, True), (True, False, False), (False, True, False)])
def test_dynamodb_local_needs_what_was_fetched_and_java(
    java: Path, monkeypatch: pytest.MonkeyPatch, *, folder: bool, path: bool, there: bool
) -> None:
    monkeypatch.setattr(dynamodb_local, "FOLDER", java.parent if folder else java.parent / "missing")
    monkeypatch.setenv("PATH", str(java.parent) if path else "")
    assert dynamodb_local.is_there() is there


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://dynamodb:8000", True),
        ("https://dynamodb.us-west-2.amazonaws.com", False),
    ],
)
def test_the_embedded_aws_leaves_a_stand_in_for_dynamodb_in_use(
    monkeypatch: pytest.MonkeyPatch, url: str, *, kept: bool
) -> None:
    """The real one is never used with it."""
    environ = {dynamodb_local.URL_VARIABLE: url}
    monkeypatch.setattr(os, "environ", environ)
    use_embedded_aws(EMBEDDED["AWS_ENDPOINT_URL"])
    assert environ == EMBEDDED | ({dynamodb_local.URL_VARIABLE: url} if kept else {})


@pytest.mark.slow
@pytest.mark.parametrize("with_java", [True, False])
def test_the_demo_leaves_its_workflow_in_dynamodb(tmp_path: Path, *, with_java: bool) -> None:
    """As `make demo STORE=dynamodb` runs it; in that of the embedded AWS if DynamoDB Local is not installed."""
    bare = tmp_path / "bin"
    bare.mkdir()
    (bare / "echo").symlink_to(shutil.which("echo") or "/bin/echo")
    done = subprocess.run(
        [sys.executable, "-m", "scripts.dynamodb_local", sys.executable, "-m", "app", "demo", "--store", "dynamodb"],
        env={"PATH": os.environ["PATH"] if with_java else str(bare)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    on_dynamodb_local = with_java and dynamodb_local.is_there()
    assert (f"export {dynamodb_local.URL_VARIABLE}=" in done.stdout) == on_dynamodb_local
    assert ("using the DynamoDB of the embedded AWS" in done.stderr) == (not on_dynamodb_local)
    [row] = [line.split() for line in done.stdout.splitlines() if line.startswith("workflow-manager-workflows ")]
    assert int(row[3]) > 0
