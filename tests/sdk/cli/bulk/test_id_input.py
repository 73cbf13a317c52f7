"""Cancel, resume, resolve and refresh of workflows that are named: what is typed beside an id is not ignored.

Covers `workflow_manager.cli.bulk.id_input`.
"""

import json
from pathlib import Path

import pytest

from tests.sdk.cli.bulk.many_workflows import changes, listed
from tests.sdk.cli.conftest import Run
from tests.sdk.cli.fake_service import Answer, FakeService
from tests.sdk.client.documents import job_json, workflow_json
from workflow_manager import errors
from workflow_manager.cli.bulk.id_input import parse_ids
from workflow_manager.cli.bulk.journal import Journal

FAILED = workflow_json("failed", jobs=[job_json("load", "failed")], lastJob=job_json("load", "failed"))
VERBS = [
    ("cancel", "cancelled", workflow_json("running")),
    ("resume", "resumed", FAILED),
    ("resolve", "resolved", FAILED),
    ("refresh", "refreshed", workflow_json("running")),
]


@pytest.mark.parametrize(("verb", "done_word", "workflow"), VERBS)
def test_a_dry_run_of_one_does_nothing(
    verb: str, done_word: str, workflow: dict[str, object], wfm: Run, service: FakeService
) -> None:
    """It shows what would be done."""
    service.on("GET /workflows/w", workflow)
    outcome = wfm(verb, "w", "--dry-run")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (0, f"1 workflow would be {done_word}.")
    assert outcome.out.splitlines()[1].split()[0] == "w"
    assert changes(service) == []


def test_a_dry_run_of_a_resume_tells_the_state(wfm: Run, service: FakeService) -> None:
    """The one that failed, or the one that was named; where there is none, it would be refused."""
    service.on("GET /workflows/w", FAILED)
    assert wfm("resume", "w", "--dry-run").err.startswith("w would be resumed at load.\n")
    assert {asked.line for asked in service.asked} == {"GET /workflows/w?fetchHistory=true"}
    assert wfm("resume", "w", "--dry-run", "--start-at", "other").err.startswith("w would be resumed at other.\n")
    service.on("GET /workflows/w", workflow_json("failed"))
    outcome = wfm("resume", "w", "--dry-run")
    assert outcome.code == 3
    assert outcome.err.startswith(
        "w would be refused: Workflow w never entered a state; name one with --start-at.\n0 workflows"
    )


SUCCEEDED = "it succeeded; name the state to resume from with --start-at"
REFUSED = [
    ("cancel", workflow_json("succeeded"), "it succeeded"),
    ("resume", workflow_json("running"), "it is running"),
    ("resume", {**FAILED, "retries": ["x"]}, "it was resumed before as x, whose status is cancelled"),
    ("resume", workflow_json("succeeded", lastJob=job_json("load", "succeeded")), SUCCEEDED),
    ("resolve", workflow_json("running"), "it is running"),
    ("resolve", workflow_json("failed", resolvedByUser=True), "it is already resolved"),
]


@pytest.mark.parametrize(("verb", "workflow", "words"), REFUSED)
def test_a_dry_run_tells_what_would_be_refused(
    verb: str, workflow: dict[str, object], words: str, wfm: Run, service: FakeService
) -> None:
    """And the exit code is the one that doing it would have."""
    service.on("GET /workflows/w", workflow)
    service.on("GET /workflows/x", workflow_json("cancelled", id="x"))
    outcome = wfm(verb, "w", "--dry-run", "-o", "json")
    assert (outcome.code, json.loads(outcome.out)) == (3, [])
    assert outcome.err.startswith(f"w would be refused: {words}.\n0 workflows would be ")


@pytest.mark.parametrize("journal", [False, True])
@pytest.mark.parametrize("ids", [("w",), ("w", "w2"), ("-",)])
@pytest.mark.parametrize(("verb", "workflow", "words"), [case for case in REFUSED if case[0] != "cancel"])
def test_the_deed_refuses_what_the_dry_run_does(
    verb: str,
    workflow: dict[str, object],
    words: str,
    ids: tuple[str, ...],
    journal: bool,
    process: Run,
    service: FakeService,
    tmp_path: Path,
) -> None:
    """In the same words, be it one of many, read from a pipe or noted in a journal; the service decides of cancels."""
    for each in ("w", "w2"):
        service.on(f"GET /workflows/{each}", {**workflow, "id": each})
        service.on(f"POST /workflows/{each}", {"message": words}, status=409)
    service.on("GET /workflows/x", workflow_json("cancelled", id="x"))
    noted = ("--journal", str(tmp_path / "journal")) if journal else ()

    outcome = process(verb, *ids, *noted, stdin="w\n")

    assert outcome.code == 3
    assert words in outcome.out + outcome.err
    asked = {each.line.partition(" ")[0] for each in service.asked}
    # Only the service can tell a repetition by its key from a second resume.
    assert asked == ({"GET", "POST"} if journal and "before" in words else {"GET"})


def test_what_was_resumed_before_is_resumed_again_when_that_is_insisted_on(wfm: Run, service: FakeService) -> None:
    """Of the ids that are named, never of all that filters find."""
    service.on("GET /workflows/w", {**FAILED, "retries": ["x"]})
    service.on("POST /workflows/w", workflow_json("queued", id="w2"))
    assert wfm("resume", "w", "--again").code == 0
    assert service.asked[-1].line == "POST /workflows/w?force=true"
    outcome = wfm("resume", "--definition", "x", "--again", "--yes")
    assert (outcome.code, "--again works with ids" in outcome.err) == (2, True)


def test_what_succeeded_is_resumed_at_a_state_that_is_named(wfm: Run, service: FakeService) -> None:
    """No state of it failed, so there is none to guess."""
    service.on("GET /workflows/w", workflow_json("succeeded", lastJob=job_json("load", "succeeded")))
    service.on("POST /workflows/w", workflow_json("queued", id="w2"))
    assert wfm("resume", "w", "--start-at", "load").code == 0
    outcome = wfm("resume", "--status", "succeeded", "--yes")
    assert (outcome.code, "--start-at" in outcome.err) == (2, True)


def test_a_dry_run_goes_on_after_what_is_not_there(wfm: Run, service: FakeService) -> None:
    """As doing it does."""
    service.on("GET /workflows/a", {"message": "there is none"}, status=404)
    service.on("GET /workflows/b", workflow_json("running", id="b"))
    outcome = wfm("cancel", "a", "b", "--dry-run", "-o", "jsonl")
    assert (outcome.code, json.loads(outcome.out)["id"]) == (3, "b")
    assert outcome.err == "a would be refused: there is none.\n1 workflow would be cancelled.\n"


def test_a_resolved_workflow_that_is_named_is_resumed(wfm: Run, service: FakeService) -> None:
    """Only filters leave it out."""
    service.on("GET /workflows/w", {**FAILED, "resolvedByUser": True})
    assert wfm("resume", "w", "--dry-run").code == 0


def test_a_dry_run_of_what_is_not_there_is_three(wfm: Run, service: FakeService) -> None:
    """As doing it is."""
    service.on("GET /workflows/w", {"message": "there is none"}, status=404)
    assert wfm("cancel", "w", "--dry-run").code == 3


def test_several_are_done_one_by_one(wfm: Run, service: FakeService) -> None:
    """Without a prompt, because they were given; each is done once, with a line of its own."""
    for each in "abc":
        service.on(f"DELETE /workflows/{each}", {} if each != "b" else Answer({"message": "it has ended"}, 400))
    outcome = wfm("cancel", "a", "b", "c", "a", "--rate", "1000", "--reason", "why")
    assert outcome.code == 3
    assert sorted(outcome.out.splitlines()) == [
        "a  done     cancelled",
        "b  refused  it has ended",
        "c  done     cancelled",
    ]
    assert outcome.err == "2 of 3 workflows cancelled, 1 refused.\n"
    assert changes(service) == [f"DELETE /workflows/{each}" for each in "abc"]


def test_ids_come_from_standard_input(process: Run, service: FakeService) -> None:
    """As another command has written them."""
    for each in ("a", "b", "c"):
        service.on(f"DELETE /workflows/{each}", {})
    outcome = process("cancel", "a", "-", stdin="b\n\n c \r\na\n")
    assert outcome.code == 0
    assert changes(service) == [f"DELETE /workflows/{each}" for each in "abc"]


def test_ids_come_from_the_lists_of_workflows(process: Run, service: FakeService) -> None:
    """From ids alone, and from documents."""
    listed(service, *"ab")
    for each in "ab":
        service.on(f"DELETE /workflows/{each}", {})
    for output in ("id", "json", "jsonl"):
        service.asked.clear()
        found = process("workflows", "--status", "running", "-o", output)
        assert process("cancel", "-", stdin=found.out).code == 0
        assert changes(service) == [f"DELETE /workflows/{each}" for each in "ab"]
    assert process("cancel", "-", stdin=process("workflows", "--status", "running", "-o", "yaml").out).code == 2
    assert process("cancel", "-", stdin=process("workflows", "--status", "running").out).code == 2


@pytest.mark.parametrize(
    "text",
    ["a b", "a\nretryFor: b\n", "- id: a\n", "a\nb:\n", "{", '{"id": "a"}\nb', '["a"]', '[{"id": 1}]', '{"id": "a b"}'],
)
def test_what_is_no_id_stops_all(text: str) -> None:
    """The other ids might not be the intended ones either."""
    with pytest.raises(errors.InvalidRequest, match="-o id"):
        parse_ids(text)


def test_an_id_is_written_alone(wfm: Run, service: FakeService) -> None:
    """Of one that was started, or looked for."""
    service.on("POST /workflows", workflow_json("queued"))
    service.on("GET /workflows/w", workflow_json())
    assert wfm("submit", "x", "-o", "id") == (0, "w\n", "")
    assert wfm("workflows", "w", "-o", "id") == (0, "w\n", "")


def test_no_ids_on_standard_input_are_nothing_to_do(process: Run, service: FakeService) -> None:
    """And not everything."""
    assert process("cancel", "-", stdin="\n") == (0, "", "Nothing to do.\n")
    assert service.asked == []


def test_a_journal_of_ids_is_kept_and_read(wfm: Run, service: FakeService, tmp_path: Path) -> None:
    """By a dry run as well, which leaves it as it is."""
    path = tmp_path / "journal"
    service.on("DELETE /workflows/a", {})
    assert wfm("cancel", "a", "--journal", str(path)).code == 0
    with Journal("cancel", path) as journal:
        assert journal.done == {"a"}
    before = path.read_bytes()
    for each in "ab":
        service.on(f"GET /workflows/{each}", workflow_json("running", id=each))
    outcome = wfm("cancel", "a", "b", "--journal", str(path), "--dry-run")
    assert outcome.err == ("1 workflow skipped: recorded as done in the journal.\n1 workflow would be cancelled.\n")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cancel", "w", "--limit", "3"), "--limit works with filters"),
        (("cancel", "w", "-n", "dev"), "Give ids or filters, not both"),
        (("cancel", "w", "--created-after", "2d"), "Give ids or filters, not both"),
        (("resume", "w", "x", "--follow"), "--follow needs exactly one ID"),
        (("resume", "w", "--follow", "--dry-run"), "--follow needs exactly one ID"),
        (("resume", "w", "--timeout", "3"), "--timeout needs --follow"),
        (("submit", "x", "--follow", "-o", "id"), "--follow does not work with -o id"),
        (("workflows", "w", "--follow", "-o", "id"), "--follow does not work with -o id"),
        (("resume", "w", "--start-at", ""), "--start-at must name a state"),
        (("cancel", "w", "--rate", "0"), "'--rate'"),
        (("cancel",), "filters such as --definition NAME."),
        (("sfncli", "-bogus"), "No such option: -bogus (see "),
        (("sfncli", "--bogus=1"), "No such option: --bogus (see"),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    arguments: tuple[str, ...], words: str, wfm: Run, service: FakeService
) -> None:
    """Before any request."""
    outcome = wfm(*arguments)
    assert (outcome.code, outcome.err.count("\n"), service.asked) == (2, 1, [])
    assert words in outcome.err


@pytest.mark.parametrize(
    ("arguments", "line", "message"),
    [
        (("cancel", "w"), "DELETE /workflows/w", "cancelled"),
        (("resolve", "w"), "POST /workflows/w/resolved", "resolved"),
    ],
)
def test_one_has_a_document_of_its_result(
    arguments: tuple[str, ...], line: str, message: str, wfm: Run, service: FakeService
) -> None:
    """For programs; people get a sentence."""
    service.on(line, {})
    outcome = wfm(*arguments, "-o", "json")
    assert json.loads(outcome.out) == {"id": "w", "result": "done", "message": message}
    assert outcome.err == ""
    assert wfm(*arguments) == (0, "", f"{message.capitalize()} w.\n")


TOO_LONG = [
    (("cancel", "w", "--reason", "x" * 40_000), "reason: "),
    (("resume", "w", "--start-at", "x" * 2_000), "StartAt: "),
    (("submit", "x", "--idempotency-key", "schlüssel"), "visible ASCII"),
    (("submit", "x", "--idempotency-key", "a\nb"), "visible ASCII"),
    (("submit", "x", "--idempotency-key", ""), "visible ASCII"),
    (("submit", "x", "--priority", "10"), "'--priority'"),
    (("workflows", "\udcff"), "not a valid name or id"),
    (("workflows", "-d", ""), "--definition must not be empty"),
    (("workflows", "--tag", "a:b=c"), "contains a colon"),
]


@pytest.mark.parametrize(("arguments", "words"), TOO_LONG)
def test_what_the_service_would_refuse_is_wrong_usage(
    arguments: tuple[str, ...], words: str, wfm: Run, service: FakeService
) -> None:
    """One line, and nothing is sent."""
    outcome = wfm(*arguments)
    assert (outcome.code, outcome.err.count("\n"), service.asked) == (2, 1, [])
    assert words in outcome.err
