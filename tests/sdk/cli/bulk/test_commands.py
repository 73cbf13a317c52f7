"""Cancel, resume, resolve and refresh of many workflows.

Covers `workflow_manager.cli.bulk`.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sdk.cli.bulk.many_workflows import FAST, OF_X, changes, listed
from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import Answer, FakeService
from tests.sdk.client.documents import definition_json, job_json, workflow_json
from workflow_manager import errors
from workflow_manager.cli.bulk.journal import Journal
from workflow_manager.cli.bulk.runner import MAX_FAILURES_IN_A_ROW


def test_what_fits_is_cancelled(wfm: Run, service: FakeService) -> None:
    """One request and one line for each, and a count at the end."""
    listed(service, "a", "b", "c")
    for each in "abc":
        service.on(f"DELETE /workflows/{each}", {})
    outcome = wfm("cancel", *OF_X, "--reason", "why", "--yes", *FAST)
    assert outcome.code == 0
    assert sorted(outcome.out.splitlines()) == [f"{each}  done     cancelled" for each in "abc"]
    assert outcome.err == "3 of 3 workflows cancelled.\n"
    assert changes(service) == [f"DELETE /workflows/{each}" for each in "abc"]
    assert service.asked[-1].body == {"reason": "why"}


def test_filters_are_asked_for_status_by_status(wfm: Run, service: FakeService) -> None:
    """What is active is queued or running; the oldest come first."""
    service.on("GET /workflows", [])
    service.on("GET /workflow-definitions/a:b", [definition_json()])
    arguments = ("--definition", "a:b", "-n", "dev", "--queue", "slow", "--tag", "k=v", "--tag", "l=w")
    assert wfm("cancel", *arguments, "--yes").err == "Nothing to do.\n"
    query = "workflowDefinitionName=a%3Ab&namespace=dev&queue=slow&tag=k%3Av&tag=l%3Aw"
    assert [asked.line for asked in service.asked[:2]] == [
        f"GET /workflows?status={status}&{query}&oldestFirst=true&summaryOnly=true&omitInput=true&limit=1000"
        for status in ("queued", "running")
    ]


@pytest.mark.parametrize(("output", "out"), [("json", "[]\n"), ("yaml", "[]\n"), ("jsonl", ""), ("table", "")])
def test_nothing_to_do_is_a_document_as_well(output: str, out: str, wfm: Run, service: FakeService) -> None:
    """Programs that read many results can read none."""
    service.on("GET /workflows", [])
    assert wfm("cancel", "-n", "dev", "--yes", "-o", output) == (0, out, "Nothing to do.\n")


@pytest.mark.parametrize(
    ("verb", "statuses"),
    [("resume", ["failed"]), ("resolve", ["failed"]), ("refresh", ["queued", "running"])],
)
def test_each_verb_is_about_some_statuses(verb: str, statuses: list[str], wfm: Run, service: FakeService) -> None:
    """Unless others are asked for."""
    service.on("GET /workflows", [])
    assert wfm(verb, "-n", "dev", "--yes").code == 0
    assert [asked.line.split("status=")[1].split("&")[0] for asked in service.asked] == statuses
    assert ("resolvedByUser=false" in service.asked[0].line) is (verb in {"resolve", "resume"})


def test_what_was_cancelled_can_be_resumed(wfm: Run, service: FakeService) -> None:
    """It counts as resolved without anybody's doing."""
    listed(service, "a", status="cancelled", resolvedByUser=True)
    outcome = wfm("resume", *OF_X, "--status", "cancelled", "--dry-run", "-o", "jsonl")
    assert [json.loads(line)["id"] for line in outcome.out.splitlines()] == ["a"]
    assert "resolvedByUser" not in service.asked[0].line


def test_a_dry_run_shows_and_does_nothing(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """A table for people, documents for programs, no journal."""
    listed(service, "a", "b")
    journal = tmp_path / "journal"
    shown = wfm("cancel", *OF_X, "--dry-run", "--journal", str(journal))
    documents = wfm("cancel", *OF_X, "--dry-run", "-o", "json")
    assert (shown.code, shown.err) == (0, "2 workflows would be cancelled.\n")
    assert [line.split()[0] for line in shown.out.splitlines()] == ["ID", "a", "b"]
    assert [each["id"] for each in json.loads(documents.out)] == ["a", "b"]
    assert changes(service) == []
    assert not journal.exists()


def test_a_limit_takes_the_oldest(wfm: Run, service: FakeService) -> None:
    """For a first try with a few."""
    dated = [workflow_json("queued", id=f"w{day}", createdAt=f"2026-01-0{day}T00:00:00.000Z") for day in (3, 1, 2)]
    service.on("GET /workflows", [])
    service.on("GET /workflows?status=queued", dated)
    outcome = wfm("cancel", *OF_X, "--dry-run", "--limit", "2", "-o", "jsonl")
    assert [json.loads(line)["id"] for line in outcome.out.splitlines()] == ["w1", "w2"]


def test_there_is_no_prompt_in_a_pipe(wfm: Run, process: Run, service: FakeService) -> None:
    """A script without --yes gets an error, and nothing is changed."""
    listed(service, "a", "b")
    outcome = process("cancel", *OF_X, stdin="y\n")
    assert outcome.code == 2
    assert outcome.err.startswith("workflow-manager: 2 workflows would be cancelled; without a terminal")
    assert changes(service) == []


@pytest.mark.parametrize("arguments", [(), ("--limit", "3"), ("--yes",)])
@pytest.mark.parametrize("verb", ["cancel", "resume", "resolve", "refresh"])
def test_neither_id_nor_filter_is_wrong_usage(verb: str, arguments: tuple[str, ...], wfm: Run) -> None:
    """A slip must not be about everything."""
    outcome = wfm(verb, *arguments)
    assert outcome.code == 2
    assert "Give workflow ids, or filters" in outcome.err


WRONG = [
    (("cancel", "w", "--status", "running"), "Give ids or filters, not both."),
    (("cancel", "--status", "failed"), "This command is for workflows that are queued or running, not failed."),
    (("resolve", "--status", "running"), "This command is for workflows that are failed, not running."),
    (("resume", "--status", "running"), "cancelled or failed or succeeded, not running"),
    (("resume", *OF_X, "--follow"), "--follow needs exactly one ID"),
    (("cancel", *OF_X, "--rate", "0"), "'--rate'"),
    (("cancel", *OF_X, "--tag", "x"), "KEY=VALUE"),
    (("cancel", *OF_X, "--journal", "/nowhere/at/all"), "Cannot use /nowhere/at/all as a journal: No such file"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[" ".join(row[0]) for row in WRONG])
def test_wrong_usage_asks_for_nothing(arguments: tuple[str, ...], words: str, wfm: Run, service: FakeService) -> None:
    """One line, before any request."""
    outcome = wfm(*arguments)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert words in outcome.err
    assert service.asked == []


def test_results_are_documents_for_programs(wfm: Run, service: FakeService) -> None:
    """One for each workflow, in every format, and none of their text steers a terminal."""
    listed(service, "a", status="failed")
    service.on("POST /workflows/a/resolved", {"message": "no\x1b[2J"}, status=409)
    wanted = {"id": "a", "result": "refused", "message": "no\x1b[2J"}
    lines = wfm("resolve", *OF_X, "--yes", "-o", "jsonl")
    assert json.loads(lines.out) == wanted
    assert json.loads(wfm("resolve", *OF_X, "--yes", "-o", "json").out) == [wanted]
    assert yaml.safe_load(wfm("resolve", *OF_X, "--yes", "-o", "yaml").out) == [wanted]
    assert wfm("resolve", *OF_X, "--yes").out == "a  refused  no\\x1b[2J\n"
    assert "\x1b" not in lines.out


ENDS = [
    ({"b": 409}, 3, "2 of 3 workflows cancelled, 1 refused.\n"),
    ({"b": 400}, 3, "2 of 3 workflows cancelled, 1 refused.\n"),
    ({"b": 500}, 5, "2 of 3 workflows cancelled, 1 failed.\n"),
    ({"a": 409, "b": 500}, 5, "1 of 3 workflows cancelled, 1 refused, 1 failed.\n"),
]


@pytest.mark.parametrize(("statuses", "code", "words"), ENDS)
def test_the_exit_code_is_the_worst(
    statuses: dict[str, int], code: int, words: str, wfm: Run, service: FakeService
) -> None:
    """One that fails does not keep the others from being done."""
    listed(service, *"abc")
    for each in "abc":
        refusal = Answer({"message": "no"}, statuses.get(each, 200))
        service.on(f"DELETE /workflows/{each}", refusal if each in statuses else {})
    outcome = wfm("cancel", *OF_X, "--yes", *FAST)
    assert (outcome.code, outcome.err) == (code, words)


def test_a_service_that_is_gone_is_not_asked_thousands_of_times(wfm: Run, service: FakeService) -> None:
    """After some failures in a row the rest is left."""
    ids = [f"w{number:03}" for number in range(100)]
    listed(service, *ids)
    for each in ids:
        service.on(f"DELETE /workflows/{each}", {"message": "down"}, status=500)
    outcome = wfm("cancel", *OF_X, "--yes", *FAST)
    assert outcome.code == 5
    assert outcome.err.startswith("Stopped: down\n0 of 100 workflows cancelled, ")
    assert MAX_FAILURES_IN_A_ROW <= len(changes(service)) <= MAX_FAILURES_IN_A_ROW + 8


def test_without_permission_it_stops_at_once(wfm: Run, service: FakeService) -> None:
    """The next one would be refused as well."""
    ids = [f"w{number:03}" for number in range(100)]
    listed(service, *ids)
    for each in ids:
        service.on(f"DELETE /workflows/{each}", {"message": "who are you"}, status=403)
    outcome = wfm("cancel", *OF_X, "--yes", *FAST)
    assert outcome.code == 4
    assert len(changes(service)) <= 8


# Resuming


def failed(workflow_id: str, *jobs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return workflow_json("failed", id=workflow_id, jobs=list(jobs), lastJob=jobs[-1], **fields)


def test_each_is_resumed_where_it_failed(wfm: Run, service: FakeService) -> None:
    """At the state of its last job, or the outermost Parallel or Map around it; once."""
    inner = [
        job_json("all", "failed", type="Map"),
        job_json("both", "failed", type="Parallel", parent="all"),
        job_json("deep", "failed", parent="both"),
    ]
    service.on("GET /workflows", [failed("a", job_json("load", "failed")), failed("b", *inner)])
    service.on("GET /workflows/a", failed("a", job_json("load", "failed")))
    service.on("GET /workflows/b", failed("b", *inner))
    service.on("POST /workflows/a", workflow_json("queued", id="a2"))
    service.on("POST /workflows/b", workflow_json("queued", id="b2"))
    outcome = wfm("resume", *OF_X, "--yes", *FAST)
    assert sorted(outcome.out.splitlines()) == [
        "a  done     resumed at load as a2",
        "b  done     resumed at all as b2",
    ]
    sent = {asked.line: asked.body for asked in service.asked if asked.body}
    assert sent == {"POST /workflows/a": {"StartAt": "load"}, "POST /workflows/b": {"StartAt": "all"}}


def test_what_was_resumed_before_is_left_out(wfm: Run, service: FakeService) -> None:
    """Its successor is the one that counts."""
    job = job_json("load", "failed")
    service.on("GET /workflows", [failed("a", job, retries=["b"]), failed("b", job, retryFor="a")])
    outcome = wfm("resume", *OF_X, "--dry-run", "-o", "jsonl")
    assert [json.loads(line)["id"] for line in outcome.out.splitlines()] == ["b"]


def test_one_is_resumed_where_it_failed(wfm: Run, service: FakeService) -> None:
    """The state need not be named for a single one either."""
    service.on("GET /workflows/w", failed("w", job_json("load", "failed")))
    service.on("POST /workflows/w", workflow_json("queued", id="w2"))
    assert wfm("resume", "w").code == 0
    assert service.asked[-1].body == {"StartAt": "load"}


def test_what_never_began_needs_a_state(wfm: Run, service: FakeService) -> None:
    """There is no place to guess."""
    service.on("GET /workflows/w", workflow_json("failed"))
    outcome = wfm("resume", "w")
    assert (outcome.code, "--start-at" in outcome.err) == (2, True)


def test_a_refresh_tells_the_status(wfm: Run, service: FakeService) -> None:
    """Of one or of many, as Step Functions has it now."""
    listed(service, "w")
    service.on("GET /workflows/w", workflow_json("succeeded"))
    assert wfm("refresh", *OF_X, "--yes").out == "w  done     succeeded\n"
    assert "succeeded" in wfm("refresh", "w").out
    assert {asked.line for asked in service.asked[-2:]} >= {"GET /workflows/w?fetchHistory=true"}


# The journal


def test_a_journal_leaves_out_what_is_done(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """A second run does what the first one could not."""
    journal = str(tmp_path / "journal")
    listed(service, *"abc")
    for each in "abc":
        service.on(f"DELETE /workflows/{each}", *[Answer({"message": "no"}, 500)] * (each == "b"), Answer({}))
    assert wfm("cancel", *OF_X, "--yes", *FAST, "--journal", journal).code == 5
    service.asked.clear()
    outcome = wfm("cancel", *OF_X, "--yes", *FAST, "--journal", journal)
    assert outcome.code == 0
    assert outcome.err == "2 workflows skipped: recorded as done in the journal.\n1 of 1 workflow cancelled.\n"
    assert changes(service) == ["DELETE /workflows/b"]


def test_a_repeated_resume_leaves_alone_what_the_first_one_made(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """The new ones have the same definition and tags, and may have failed again."""
    journal = ("--journal", str(tmp_path / "journal"))
    old = [failed(each, job_json("load", "failed"), createdAt=f"2026-01-02T03:04:0{each}.000Z") for each in "12"]
    service.on("GET /workflows", old)
    for each in "12":
        service.on(f"POST /workflows/{each}", workflow_json("queued", id=f"{each}0"))
    resume = ("resume", *OF_X, "--start-at", "load", "--yes", *FAST, *journal)
    assert wfm(*resume).code == 0
    resumed = [{**each, "retries": [f"{each['id']}0"]} for each in old]
    new = [failed("20", job_json("load", "failed"), createdAt="2026-01-02T03:04:03.000Z", retryFor="2")]
    service.on("GET /workflows", [*resumed, *new])
    service.asked.clear()
    assert wfm(*resume, "--dry-run").out.count("\n") == 1
    assert wfm(*resume) == (
        0,
        "",
        "1 workflow skipped: created after the journal was started.\nNothing to do.\n",
    )
    assert changes(service) == []


def test_a_journal_goes_on_with_more_of_what_was_there(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """A limit cuts into portions what was there at first."""
    limited = ("resume", *OF_X, "--start-at", "s", "--yes", "--limit", "1", "--journal", str(tmp_path / "journal"))
    a, b = (failed(each, job_json("s", "failed"), createdAt=f"2026-01-02T03:04:0{i}Z") for i, each in enumerate("ab"))
    for each in "ab":
        service.on(f"POST /workflows/{each}", workflow_json("queued", id="new"))
    service.on("GET /workflows", [a, b])
    assert wfm(*limited).out == "a  done     resumed at s as new\n"
    service.on("GET /workflows", [{**a, "retries": ["new"]}, b])
    assert wfm(*limited).out == "b  done     resumed at s as new\n"


def test_a_repeated_resume_is_recognised(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """The keys are those of the first run, so the service starts nothing twice; another run has others."""
    listed(service, "a", status="failed")
    service.on("POST /workflows/a", Answer({"message": "no"}, 500))
    for journal in ("one", "one", "two"):
        wfm("resume", *OF_X, "--start-at", "s", "--yes", "--journal", str(tmp_path / journal))
    first, second, other = [asked.idempotency_key for asked in service.asked if asked.body]
    assert first == second != other


def test_a_torn_line_is_done_again(tmp_path: Path) -> None:
    """The command was killed while it wrote."""
    path = tmp_path / "journal"
    with Journal("cancel", path) as journal:
        journal.add("a")
        key = journal.key
    path.write_bytes(path.read_bytes() + b'{"done": "b')
    with Journal("cancel", path) as journal:
        assert (journal.done, journal.key) == ({"a"}, key)
        journal.add("c")
    with Journal("cancel", path) as journal:
        assert journal.done == {"a", "c"}


@pytest.mark.parametrize(
    "content", ["{}\n", "hello\n", '{"verb":"cancel","key":"k"}\n[]\n', '{"verb":"resume","key":"k"}\n']
)
def test_another_file_is_not_taken_for_a_journal(content: str, tmp_path: Path) -> None:
    """Nothing is written to it."""
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(errors.InvalidRequest, match="choose another file"), Journal("cancel", path):
        pass
    assert path.read_text() == content


def test_a_journal_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A typo of the name must not end in a traceback."""
    path = tmp_path / "file"
    path.write_bytes(b"\xff\n")
    with pytest.raises(errors.InvalidRequest, match="not UTF-8"), Journal("cancel", path):
        pass
