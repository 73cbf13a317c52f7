"""Listing workflows: what is found, in which order, and what is said when there is more or nothing.

Covers `workflow_manager.cli.workflows.listing`.
"""

import json
from typing import Any

import pytest
import yaml

from tests.sdk.cli.bulk.many_workflows import changes
from tests.sdk.cli.conftest import OpenTerminal, Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import definition_json, job_json, workflow_json


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


@pytest.mark.parametrize(
    "words",
    [
        ("--status", "failed", "--status", "cancelled"),
        ("--status", "failed,cancelled"),
        ("--status", "Failed, CANCELED"),
        ("--failed", "--cancelled"),
        ("-s", "error,aborted"),
    ],
    ids=" ".join,
)
def test_several_statuses_are_one_list(words: tuple[str, ...], wfm: Run, service: FakeService) -> None:
    """Repeated or with commas, in any case, and in the words of others."""
    service.on("GET /workflows?statuses=failed", [run_of(0, 5), run_of(0, 4, "cancelled")])
    assert ids(wfm, "workflows", *words) == ["w5", "w4"]
    assert "statuses=failed&statuses=cancelled&" in service.asked[0].line


def test_a_status_that_is_none_is_refused_with_those_that_are(wfm: Run) -> None:
    outcome = wfm("workflows", "--status", "done")
    assert outcome.code == 2
    assert "--status takes queued, running, succeeded, failed, cancelled, not 'done'" in outcome.err


def test_active_is_queued_and_running(wfm: Run, service: FakeService) -> None:
    service.on("GET /workflows", [])
    assert ids(wfm, "workflows", "--status", "active") == []
    assert "statuses=queued&statuses=running&" in service.asked[0].line


def test_more_than_is_shown_is_told(wfm: Run, service: FakeService) -> None:
    """With the options that show more; nothing is said when that was all."""
    service.on("GET /workflows", [run_of(0, day) for day in range(1, 6)])
    assert wfm("workflows", "--limit", "4").err == "More workflows match: use --page 2 or --all.\n"
    assert wfm("workflows", "--limit", "4", "-o", "jsonl").out.count("\n") == 4
    assert wfm("workflows", "--limit", "5").err == ""


def test_pages_follow_each_other_and_all_is_everything(wfm: Run, service: FakeService) -> None:
    service.on("GET /workflows", [run_of(0, day) for day in range(5, 0, -1)])
    assert ids(wfm, "workflows", "--limit", "2") == ["w5", "w4"]
    assert ids(wfm, "workflows", "--limit", "2", "--page", "2") == ["w3", "w2"]
    assert ids(wfm, "workflows", "--limit", "2", "--page", "3") == ["w1"]
    assert wfm("workflows", "--limit", "2", "--page", "3").err == ""
    assert wfm("workflows", "--limit", "2", "--page", "2").err == "More workflows match: use --page 3 or --all.\n"
    assert ids(wfm, "workflows", "--all") == ["w5", "w4", "w3", "w2", "w1"]
    assert wfm("workflows", "--all", "--limit", "2").code == 2


def test_columns_are_chosen_by_name(wfm: Run, service: FakeService) -> None:
    """In a table and in CSV, in the order in which they were named; wide has all of them."""
    listed = run_of(3, 5) | {"tags": {"team": "infra, web"}, "queue": "slow"}
    service.on("GET /workflows", [listed])
    assert wfm("workflows", "--columns", "status,id").out.splitlines() == ["STATUS  ID", "failed  w5"]
    csv = wfm("workflows", "-o", "csv", "--columns", "ID,tags", "--columns", "resumed_by").out
    assert csv.splitlines() == ["id,tags,resumed_by", 'w5,"team=infra, web",']
    assert "QUEUE" not in wfm("workflows").out
    wide = wfm("workflows", "-o", "wide").out.splitlines()
    assert {"QUEUE", "TAGS", "STARTED"} <= set(wide[0].split())
    refused = wfm("workflows", "--columns", "id,nonsense")
    assert (
        refused.code,
        refused.err.startswith("workflow-manager: Unknown column 'nonsense'; known columns: id, "),
    ) == (
        2,
        True,
    )
    assert wfm("workflows", "--columns", "id", "-o", "json").code == 2


def test_a_column_that_was_asked_for_is_there_without_values(open_terminal: OpenTerminal, service: FakeService) -> None:
    """On a terminal too, where columns that say nothing are left out."""
    service.on("GET /workflows", [run_of(0, 5)])
    with open_terminal("workflows", "--columns", "id,tags") as terminal:
        assert terminal.end() == 0
        assert terminal.lines == ["ID  TAGS", "w5  -"]


def test_several_ids_are_one_table(wfm: Run, service: FakeService) -> None:
    """In the order in which they were given."""
    for name in ("one", "two"):
        service.on(f"GET /workflows/{name}", workflow_json("failed", id=name))
    assert ids(wfm, "workflows", "two", "one") == ["two", "one"]
    assert len(wfm("workflows", "two", "one").out.splitlines()) == 3
    followed = wfm("workflows", "two", "one", "--follow")
    assert (followed.code, "workflow-manager wait two one" in followed.err) == (2, True)


WHOLE = "7c5f3a52-3d0e-4c52-8a53-1f6b8b1b4c55"
OTHER = "7c5f3a52-9999-4c52-8a53-1f6b8b1b4c55"


@pytest.mark.parametrize(
    ("verb", "asked"),
    [
        (("workflows",), f"GET /workflows/{WHOLE}?fetchHistory=true"),
        (("workflows", "--workflow-id"), f"GET /workflows/{WHOLE}?fetchHistory=true"),
        (("refresh",), f"GET /workflows/{WHOLE}?fetchHistory=true"),
        (("cancel",), f"DELETE /workflows/{WHOLE}"),
        (("resolve",), f"POST /workflows/{WHOLE}/resolved"),
    ],
)
def test_the_beginning_of_an_id_is_enough(verb: tuple[str, ...], asked: str, wfm: Run, service: FakeService) -> None:
    """Eight characters, as git has them; a whole id costs no further request."""
    service.on("GET /workflows", [workflow_json(id=WHOLE)])
    service.on(f"GET /workflows/{WHOLE}", workflow_json("failed", id=WHOLE))
    service.on(f"DELETE /workflows/{WHOLE}", b"")
    service.on(f"POST /workflows/{WHOLE}/resolved", b"")
    assert wfm(*verb, "7C5F3A52").code == 0
    assert service.asked[0].line.startswith("GET /workflows?idPrefix=7c5f3a52&")
    assert service.asked[-1].line == asked
    service.asked.clear()
    wfm(*verb, WHOLE)
    assert [each.line for each in service.asked if "idPrefix" in each.line] == []


def test_a_beginning_of_several_ids_or_of_none_is_refused(wfm: Run, service: FakeService) -> None:
    """With the ids that begin so."""
    service.on("GET /workflows", [workflow_json(id=WHOLE), workflow_json(id=OTHER)], [])
    outcome = wfm("cancel", "7c5f3a52")
    assert (outcome.code, WHOLE in outcome.err, OTHER in outcome.err) == (2, True, True)
    outcome = wfm("cancel", "7c5f3a52")
    assert (outcome.code, "no workflow whose id begins with '7c5f3a52'" in outcome.err) == (3, True)
    assert changes(service) == []


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
    """Otherwise it would be silently ignored."""
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


def test_unresolved_means_failed_and_not_resolved(wfm: Run, service: FakeService) -> None:
    """Running workflows need no attention."""
    service.on("GET /workflows", [])
    assert wfm("workflows", "--unresolved").code == 0
    assert "status=failed&" in service.asked[0].line
    assert "resolvedByUser=false" in service.asked[0].line
    outcome = wfm("workflows", "--unresolved", "--status", "running")
    assert (outcome.code, "--unresolved selects failed workflows" in outcome.err) == (2, True)


def test_who_resolved_a_workflow_is_shown_and_asked_for(wfm: Run, service: FakeService) -> None:
    """The column is there only when some row has something to show."""
    service.on("GET /workflows", [workflow_json("failed", resolvedByUser=True, resolvedBy="w2")])
    outcome = wfm("workflows", "--resolved-by", "w2")
    title, row = outcome.out.splitlines()
    assert "resolvedBy=w2" in service.asked[0].line
    assert ("RESOLVED BY" in title, "w2" in row) == (True, True)
    service.on("GET /workflows", [workflow_json("failed")])
    assert "RESOLVED BY" not in wfm("workflows").out


@pytest.mark.parametrize("output", ["json", "jsonl", "yaml"])
def test_a_document_says_nothing_of_what_a_summary_leaves_out(output: str, wfm: Run, service: FakeService) -> None:
    """An empty value would be a statement."""
    definition = {name: value for name, value in definition_json().items() if name != "stateMachine"}
    sent = {**workflow_json("failed"), "workflowDefinition": definition, "lastJob": job_json("echo", "failed")}
    del sent["input"]
    service.on("GET /workflows", [sent])
    written = yaml.safe_load(wfm("workflows", "-o", output).out)
    assert (written[0] if isinstance(written, list) else written) == sent


def test_a_fingerprint_lists_the_failures_of_one_fault(wfm: Run, service: FakeService) -> None:
    service.on("GET /workflows", [workflow_json("failed", fingerprint="1:abc")])
    outcome = wfm("workflows", "--fingerprint", "1:abc", "--columns", "id,fingerprint")
    assert (outcome.code, outcome.out.split()[-1]) == (0, "1:abc")
    assert "fingerprint=1%3Aabc" in service.asked[0].line


COUNTS = [{"value": "E", "count": 1_200}, {"value": "States.Timeout", "count": 3}]


@pytest.mark.parametrize(("more", "shown"), [(False, ["1,200", "3"]), (True, ["1,200+", "3+"])])
def test_workflows_are_counted_instead_of_listed(wfm: Run, service: FakeService, more: bool, shown: list[str]) -> None:
    service.on("GET /workflows/counts", {"by": "error", "counts": COUNTS, "total": 1_203, "more": more})
    outcome = wfm("workflows", "--count-by", "error", "-n", "dev", "--unresolved")
    rows = [line.split() for line in outcome.out.splitlines()]
    assert (outcome.code, rows[0]) == (0, ["ERROR", "COUNT"])
    assert [row[-1] for row in rows[1:]] == shown
    assert ("use --limit to count more" in outcome.err) is more
    assert service.asked[0].line == (
        "GET /workflows/counts?by=error&status=failed&namespace=dev&resolvedByUser=false&limit=1000"
    )


@pytest.mark.parametrize("more", [("w1",), ("--all",), ("--page", "2"), ("-o", "id"), ("-d", "x:2"), ("--full",)])
def test_a_count_takes_filters_only(wfm: Run, service: FakeService, more: tuple[str, ...]) -> None:
    assert wfm("workflows", "--count-by", "status", *more).code == 2
    assert service.asked == []
