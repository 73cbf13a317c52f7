"""The verbs ``tables create`` and ``tables describe``.

Covers `app.cli.tables` and `app.cli.table_status`.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable

import pytest

from app.cli.table_status import COLUMNS, TableDocument
from app.store.tables import MISSING, TABLES, TableState, table_name

Wfm = Callable[..., "subprocess.CompletedProcess[str]"]

LAST = "Tables or indexes are missing or not active. To create them: workflow-manager tables create\n"


@pytest.fixture
def prefix() -> str:
    """A prefix of tables that no other test uses."""
    return f"verb-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def wfm(local_aws_url: str) -> Wfm:
    """Run the command line against the embedded AWS."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env={"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": local_aws_url, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_tables_that_are_not_there_are_described_as_missing(wfm: Wfm, prefix: str) -> None:
    """The exit code tells a script, and the last line tells a person what to do."""
    done = wfm("tables", "describe", "--prefix", prefix, "-o", "json")
    found = {table["name"]: table["status"] for table in json.loads(done.stdout)}
    assert found == {table_name(prefix, table): MISSING for table in TABLES}
    assert (done.returncode, done.stderr) == (3, LAST)


def test_tables_are_made_once_and_then_found(wfm: Wfm, prefix: str) -> None:
    """A second run changes nothing and says the same."""
    first = wfm("tables", "create", "--prefix", prefix, "-o", "json")
    second = wfm("tables", "create", "--prefix", prefix, "-o", "json")
    described = wfm("tables", "describe", "--prefix", prefix, "-o", "json")
    assert [done.returncode for done in (first, second, described)] == [0, 0, 0]
    assert first.stdout == second.stdout == described.stdout
    for table, made in zip(TABLES, json.loads(first.stdout), strict=True):
        assert made == {
            "name": table_name(prefix, table),
            "status": "ACTIVE",
            "items": 0,
            "sizeBytes": 0,
            "indexes": {index.name: "ACTIVE" for index in table.indexes},
            "expires": table.expires,
            "recoverable": True,
        }


def test_the_prefix_is_that_of_the_service(wfm: Wfm, prefix: str) -> None:
    """Without an option, the verb means the tables that `serve` would use in the same environment."""
    done = wfm("tables", "create", WFM_TABLE_PREFIX=prefix)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [
        [table_name(prefix, table), "ACTIVE"] for table in TABLES
    ]


def test_a_prefix_that_no_table_can_have_is_one_line(wfm: Wfm) -> None:
    done = wfm("tables", "create", "--prefix", "a b")
    assert done.returncode == 2
    assert "WFM_TABLE_PREFIX" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_dynamodb_that_does_not_answer_is_one_line(wfm: Wfm) -> None:
    done = wfm("tables", "describe", AWS_ENDPOINT_URL_DYNAMODB="http://127.0.0.1:1")
    assert done.returncode == 5
    assert "http://127.0.0.1:1" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("indexes", "shown"),
    [
        ({}, "-"),
        ({"by-time": "ACTIVE", "by-state": "ACTIVE"}, "2/2"),
        ({"by-time": "ACTIVE", "by-state": "CREATING"}, "1/2 by-state CREATING"),
        ({"by-time": MISSING}, "0/1 by-time MISSING"),
    ],
)
def test_indexes_that_are_not_ready_are_named(indexes: dict[str, str], shown: str) -> None:
    state = TableDocument.model_validate(
        TableState("workflows", "ACTIVE", 0, 0, indexes, expires=True, recoverable=None), from_attributes=True
    )
    assert COLUMNS["indexes"].show(state) == shown
    assert COLUMNS["recovery"].show(state) == "unknown"
