"""Listing workflows: what is found, in which order, and what is said when there is more or nothing."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_service import FakeService
from tests.cli.many import changes
from tests.client.documents import definition_json, workflow_json


def run_of(version: int, day: int, status: str = "failed") -> dict[str, Any]:
    """Return a run of a version of ``x`` that began on a day."""
    created = f"2026-01-{day:02}T00:00:00.000Z"
    definition = definition_json(version, name="x")
    return workflow_json(status, id=f"w{day}", createdAt=created, workflowDefinition=definition)


def ids(wfm: Run, *arguments: str) -> list[str]:
    """Return the ids that a command lists."""
    outcome = wfm(*arguments, "-o", "json")
    assert outcome.code == 0, outcome.err
    return [each["id"] for each in json.loads(outcome.out)]


def test_a_definition_may_be_given_with_its_version(wfm: Run, service: FakeService) -> None:
    """As tables show it; the service knows no such filter, so the rest is left out here."""
    service.on("GET /workflows", [run_of(version=day % 3, day=day) for day in range(9, 0, -1)])
    assert ids(wfm, "workflows", "-d", "x:2") == ["w8", "w5", "w2"]
    assert ids(wfm, "resolve", "-d", "x:0", "--dry-run") == ["w3", "w6", "w9"]
    assert ids(wfm, "workflows", "-d", "x:-1", "--limit", "2") == ["w9", "w8"]
    assert "workflowDefinitionName=x&" in service.asked[0].line


@pytest.mark.parametrize("verb", [("workflows",), ("cancel", "--yes"), ("cancel", "--dry-run")])
@pytest.mark.parametrize(("name", "asked"), [("nope", "nope?latest=true"), ("nope:7", "nope/7")])
def test_a_definition_that_is_not_there_is_three(
    verb: tuple[str, ...], name: str, asked: str, wfm: Run, service: FakeService
) -> None:
    """A typo must not look like a definition without runs."""
    service.on("GET /workflows", [])
    service.on(f"GET /workflow-definitions/{asked.partition('?')[0]}", {"message": "there is none"}, status=404)
    outcome = wfm(*verb, "-d", name)
    assert (outcome.code, outcome.err) == (3, "workflow-manager: there is none\n")
    assert service.asked[-1].line == f"GET /workflow-definitions/{asked}"
    assert changes(service) == []


def test_a_definition_without_runs_is_an_empty_list(wfm: Run, service: FakeService) -> None:
    service.on("GET /workflows", [])
    service.on("GET /workflow-definitions/x", [definition_json(name="x")])
    outcome = wfm("workflows", "-d", "x")
    assert (outcome.code, outcome.err, len(outcome.out.splitlines())) == (0, "", 1)


@pytest.mark.parametrize("oldest_first", [False, True])
def test_several_statuses_are_one_list(oldest_first: bool, wfm: Run, service: FakeService) -> None:
    """The service lists one at a time; the order is that of one list."""
    days = {"failed": [1, 4, 5], "running": [2, 3, 6], "queued": []}
    for status, of_status in days.items():
        listed = [run_of(0, day, status) for day in sorted(of_status, reverse=not oldest_first)]
        service.on(f"GET /workflows?status={status}", listed)
    statuses = [word for status in days for word in ("--status", status)]
    more = ["--oldest-first"] if oldest_first else []
    expected = [f"w{day}" for day in sorted(range(1, 7), reverse=not oldest_first)]
    assert ids(wfm, "workflows", *statuses, *more) == expected
    assert ids(wfm, "workflows", *statuses, *more, "--limit", "4") == expected[:4]


def test_more_than_is_shown_is_told(wfm: Run, service: FakeService) -> None:
    """With the option that shows more; nothing is said when that was all."""
    service.on("GET /workflows", [run_of(0, day) for day in range(1, 6)])
    assert wfm("workflows", "--limit", "4").err == "There are more: --limit 8\n"
    assert wfm("workflows", "--limit", "4", "-o", "jsonl").out.count("\n") == 4
    assert wfm("workflows", "--limit", "5").err == ""


def test_an_id_may_be_given_alone(wfm: Run, service: FakeService) -> None:
    """Or with its option, as before; not both."""
    service.on("GET /workflows/w", workflow_json("failed"))
    assert wfm("workflows", "w").out == wfm("workflows", "--workflow-id", "w").out
    assert wfm("workflows", "w", "--workflow-id", "w").code == 2


IGNORED = [
    ("--status", "failed"),
    ("-d", "x"),
    ("-n", "dev"),
    ("--queue", "q"),
    ("--tag", "a=b"),
    ("--unresolved",),
    ("--limit", "20"),
    ("--oldest-first",),
    ("--created-after", "2d"),
    ("--timeout", "5"),
]


@pytest.mark.parametrize("words", IGNORED, ids=" ".join)
def test_a_filter_beside_an_id_is_refused(words: tuple[str, ...], wfm: Run, service: FakeService) -> None:
    """It would be ignored, and nobody types what is to be ignored."""
    outcome = wfm("workflows", "w", *words)
    assert (outcome.code, outcome.err.count("\n"), service.asked) == (2, 1, [])


def test_a_timeout_needs_something_to_wait_for(wfm: Run, service: FakeService) -> None:
    assert wfm("submit", "x", "--timeout", "5").code == 2
    assert wfm("workflows", "--timeout", "5").code == 2
    assert service.asked == []


def test_a_priority_is_sent_and_shown(wfm: Run, service: FakeService) -> None:
    """In the details of a workflow; nothing is said of the usual one."""
    service.on("POST /workflows", workflow_json("queued", priority=9))
    assert wfm("submit", "x", "--priority", "9").code == 0
    assert service.asked[0].body["priority"] == 9
    service.on("GET /workflows/w", workflow_json("queued", priority=9))
    assert "priority:   9\n" in wfm("workflows", "w").out
    service.on("GET /workflows/w", workflow_json("queued"))
    assert "priority" not in wfm("workflows", "w").out
