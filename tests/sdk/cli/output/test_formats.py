"""Results: documents for programs, tables for people, and nothing that steers a terminal.

Covers `workflow_manager.cli.output.formats` and `workflow_manager.cli.output.escaping`.
"""

import json
from typing import Any

import pytest
import yaml

from tests.sdk.cli.conftest import OpenTerminal, Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.client.documents import definition_json, job_json, resource_json, workflow_json
from workflow_manager.cli.output.escaping import escape, escape_json, escape_lines, has_control_characters

EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202egnp.exe\u2028next\ud800\x00\x7f end"
SHOW = ("workflows", "--workflow-id", "w")


def test_lists_are_aligned_words_in_a_pipe(wfm: Run, service: FakeService) -> None:
    """No boxes, no colours, nothing cut: made for grep and awk."""
    service.on("GET /workflow-definitions", [definition_json(), definition_json(name="a" * 120, version=12)])
    out = wfm("definitions", "list").out.splitlines()
    assert out[0].split() == ["NAME", "VERSION", "CREATED", "TAGS"]
    assert out[1].split() == ["sfncli-test:master", "0", "2026-01-02T03:04:05Z", "team=infra"]
    assert out[2].split()[:2] == ["a" * 120, "12"]
    assert out[0].index("VERSION") == out[1].index("0") == out[2].index("12")


def test_an_empty_list_is_its_titles(wfm: Run, service: FakeService) -> None:
    """Not an error, and not nothing."""
    service.on("GET /workflows", [])
    assert wfm("workflows").out.split() == ["ID", "DEFINITION", "NAMESPACE", "STATUS", "CREATED", "DURATION", "REASON"]


LISTS: list[tuple[str, tuple[str, ...], Any]] = [
    ("GET /workflow-definitions", ("definitions", "list"), [definition_json(), definition_json(1)]),
    ("GET /workflow-definitions/x", ("definitions", "list", "x"), [definition_json(1), definition_json()]),
    ("GET /workflows", ("workflows", "--full"), [workflow_json("failed", jobs=[job_json()])]),
]
SINGLES: list[tuple[str, tuple[str, ...], Any]] = [
    ("GET /workflow-definitions/x/0", ("definitions", "get", "x:0"), definition_json()),
    ("GET /workflows/w", SHOW, workflow_json(output='{"ä": "\\u0001"}', tags={"ключ": "🙂"})),
    ("GET /state-resources/dev/echo", ("resources", "get", "dev", "echo"), resource_json()),
    ("PUT /state-resources/dev/echo", ("resources", "put", "dev", "echo", "u"), resource_json()),
    ("POST /workflows", ("submit", "x"), workflow_json("queued")),
    ("POST /workflows/w", ("resume", "w", "--start-at", "s"), workflow_json("queued")),
]


def without_defaults(document: Any) -> Any:
    """Drop what the model adds: empty lists that the service may leave out."""
    if isinstance(document, list):
        return [without_defaults(each) for each in document]
    if isinstance(document, dict):
        return {key: without_defaults(value) for key, value in document.items() if value != []}
    return document


@pytest.mark.parametrize(("line", "arguments", "answer"), LISTS + SINGLES)
def test_documents_are_what_the_service_sent(
    line: str, arguments: tuple[str, ...], answer: Any, wfm: Run, service: FakeService
) -> None:
    """JSON, JSON lines and YAML read back as the answer."""
    service.on(line, answer)
    lines = [json.loads(text) for text in wfm(*arguments, "-o", "jsonl").out.splitlines()]
    assert without_defaults(json.loads(wfm(*arguments, "-o", "json").out)) == answer
    assert without_defaults(yaml.safe_load(wfm(*arguments, "-o", "yaml").out)) == answer
    assert without_defaults(lines) == (answer if isinstance(answer, list) else [answer])


def test_null_values_of_a_state_machine_are_shown(wfm: Run, service: FakeService) -> None:
    """``ResultPath: null`` means something."""
    service.on("GET /workflow-definitions/x/0", definition_json())
    assert '"ResultPath": null' in wfm("definitions", "get", "x:0").out
    assert '"ResultPath": null' in wfm("definitions", "get", "x:0", "-o", "json").out


def test_details_cut_long_texts_on_a_terminal(open_terminal: OpenTerminal, wfm: Run, service: FakeService) -> None:
    """--full shows inputs, outputs and reasons as they are, of the workflow and of its jobs."""
    text = '{"a": "' + "x" * 1000 + '"}'
    jobs = [job_json(input=text, output="out", statusReason="why " * 100)]
    service.on("GET /workflows/w", workflow_json(input=text, jobs=jobs))
    with open_terminal(*SHOW) as terminal:
        assert terminal.end() == 0
    assert "…" in terminal.shown
    assert "x" * 300 not in "".join(terminal.lines)
    full = wfm(*SHOW, "--full").out
    assert full.count(text) == 2
    assert "why " * 99 in full


REASON = "KeyError: 'total'\nTraceback (most recent call last):\n  File main.py, line 4"


def failed_workflow(**fields: Any) -> dict[str, Any]:
    """Return a workflow whose last job failed."""
    last = job_json("load", "failed", statusReason=REASON, **fields)
    return workflow_json("failed", statusReason=REASON, lastJob=last, jobs=[last])


def test_tables_show_the_first_line_of_a_reason_and_details_all_of_it(
    open_terminal: OpenTerminal, wfm: Run, service: FakeService
) -> None:
    service.on("GET /workflows", [failed_workflow()])
    service.on("GET /workflows/w", failed_workflow())
    with open_terminal(*SHOW) as terminal:
        assert terminal.end() == 0
    shown = "\n".join(terminal.lines)
    assert wfm("workflows").out.splitlines()[-1].endswith("KeyError: 'total'")
    assert "line 4" not in wfm("workflows").out
    assert (shown.count("KeyError: 'total'"), shown.count("main.py, line 4")) == (2, 1)
    assert wfm(*SHOW, "--full").out.count("main.py, line 4") == 2


def test_cause_prints_the_whole_cause_of_the_last_job_alone(wfm: Run, service: FakeService) -> None:
    cause = "\n".join(f"line {number} of the output" for number in range(1_500))
    service.on("GET /workflows/w", failed_workflow(cause=cause))
    assert wfm(*SHOW, "--cause").out == f"{cause}\n"


def test_cause_of_what_has_none(wfm: Run, service: FakeService) -> None:
    """The reason where nothing else is kept, else exit code 3."""
    service.on("GET /workflows/w", failed_workflow())
    assert wfm(*SHOW, "--cause").out == f"{REASON}\n"
    service.on("GET /workflows/w", workflow_json("succeeded"))
    outcome = wfm(*SHOW, "--cause")
    assert (outcome.code, outcome.out) == (3, "")


@pytest.mark.parametrize("arguments", [(), ("w", "--status", "failed"), ("w", "-o", "json")])
def test_cause_wants_one_workflow_and_prints_plain_text(wfm: Run, arguments: tuple[str, ...]) -> None:
    assert wfm("workflows", *arguments, "--cause").code == 2


def test_nothing_is_cut_in_a_pipe(wfm: Run, service: FakeService) -> None:
    """Programs read what is there: in lists, in details and while following."""
    reason, text = " ".join(["why"] * 200), '{"a": "' + "x" * 1000 + '"}'
    failed = workflow_json("failed", input=text, statusReason=reason, jobs=[job_json(statusReason=reason)])
    service.on("GET /workflows", [failed])
    service.on("GET /workflows/w", failed)
    assert wfm("workflows").out.endswith(f"  {reason}\n")
    details = wfm(*SHOW).out
    assert (details.count(reason), details.count(text), details.count("…")) == (2, 1, 0)
    assert wfm(*SHOW, "--follow").out.count(reason) == 2
    service.on("GET /workflows/w", workflow_json("succeeded", output=text))
    assert wfm(*SHOW, "--follow").out.endswith(f"\nOutput: {text}\n")


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "yaml"])
def test_control_characters_never_reach_the_terminal(output: str, wfm: Run, service: FakeService) -> None:
    """Escapes, C1 controls, marks that reorder text and lone surrogates are written out."""
    hostile = EVIL.replace("\ud800", "")
    job = job_json(state=hostile, output=hostile, statusReason=hostile, container=hostile)
    workflow = workflow_json("failed", output=hostile, statusReason=hostile, jobs=[job], tags={hostile: hostile})
    service.on("GET /workflows/w", workflow)
    service.on("GET /workflows", [workflow])
    for arguments in ((*SHOW,), (*SHOW, "--full"), ("workflows",), (*SHOW, "--follow")):
        out = wfm(*arguments, "-o", output).out
        assert "red" in out
        assert not has_control_characters(out), arguments


def test_control_characters_of_an_error_are_written_out(wfm: Run, service: FakeService) -> None:
    """Error messages quote what others sent."""
    service.on("GET /workflow-definitions", {"message": f"no {EVIL[:20]}\nsecond line"}, status=400)
    outcome = wfm("definitions", "list")
    assert outcome.err == f"workflow-manager: no {escape(EVIL[:20])}\\nsecond line\n"


def test_square_brackets_are_no_markup(wfm: Run, service: FakeService) -> None:
    """What looks like a style is text."""
    service.on("GET /workflows", [workflow_json("failed", statusReason="[bold]x[/] :smile:")])
    assert "[bold]x[/] :smile:" in wfm("workflows").out


def test_a_terminal_that_lacks_a_letter_gets_an_escape(process: Run, service: FakeService) -> None:
    """A name in another alphabet does not end the command."""
    service.on("GET /workflow-definitions", [definition_json(defaultTags={"k": "значение"})])
    outcome = process("definitions", "list", extra={"PYTHONIOENCODING": "latin-1"})
    assert outcome.code == 0
    assert "\\u0437\\u043d" in outcome.out


def test_escapes_are_readable() -> None:
    """One cell stays one line; layout stays where lines are wanted."""
    assert escape("a\tb\nc\x1b\u202e\U000e0041") == "a\\tb\\nc\\x1b\\u202e\\U000e0041"
    assert escape_lines("a\tb\nc\x1b") == "a\tb\nc\\x1b"
    assert escape("zażółć 🙂 👩‍🚀") == "zażółć 🙂 👩‍🚀"


def test_escaped_json_is_the_same_json() -> None:
    """Steering characters stay what they are for a program."""
    text = EVIL + "\U000e0041"
    written = escape_json(json.dumps({"a": text}, ensure_ascii=False))
    assert json.loads(written) == {"a": text}
    assert not has_control_characters(written)
