"""Every exit code, each from a real process; every error is one line.

Covers `workflow_manager.cli.exit_codes` and `workflow_manager.cli.main`.
"""

import pytest

from tests.sdk.cli.conftest import OpenTerminal, Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.cli.terminal import CTRL_C
from tests.sdk.client.documents import workflow_json
from workflow_manager import errors
from workflow_manager.cli.exit_codes import ExitCode, exit_code_of

FOLLOW = ("workflows", "--workflow-id", "w", "--follow")


def error_classes(kind: type[errors.WorkflowManagerError]) -> list[type[errors.WorkflowManagerError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in error_classes(child))]


@pytest.mark.parametrize(
    ("status", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 6)], ids=["succeeded", "failed", "cancelled"]
)
def test_following_ends_as_the_workflow_did(status: str, code: int, service: FakeService, wfm: Run) -> None:
    """Scripts branch on the exit code."""
    service.on("GET /workflows/w", workflow_json("running"), workflow_json(status))
    outcome = wfm(*FOLLOW)
    assert (outcome.code, outcome.err) == (code, "")


def test_showing_a_failed_workflow_is_no_failure(service: FakeService, wfm: Run) -> None:
    """Only following tells how it ended by the exit code."""
    service.on("GET /workflows/w", workflow_json("failed"))
    assert wfm("workflows", "--workflow-id", "w").code == 0


USAGE = [
    (("nonsense",), "No such command 'nonsense'"),
    (("submit",), "Missing argument 'NAME[:VERSION]'. (see "),
    (("submit", "x", "{"), "The input is not valid JSON"),
    (("submit", "x", "[]"), "must be a JSON object"),
    (("submit", "x", '{"a":1,"a":2}'), "given twice"),
    (("submit", "x", '{"a":NaN}'), "NaN"),
    (("submit", "x", "@/nowhere/at/all"), "Cannot read /nowhere/at/all: No such file or directory."),
    (("submit", "x", "--tag", "novalue"), "KEY=VALUE"),
    (("submit", "", "{}"), "name: "),
    (("submit", "x", "--queue", "a b"), "queue: "),
    (("workflows", "--workflow-id", "w", "--follow", "--full"), "exclude each other"),
    (("workflows", "--workflow-id", ""), "not a valid name or id"),
    (("workflows", "--status", "bogus"), "--status takes"),
    (("workflows", "--limit", "0"), "'--limit'"),
    (("workflows", "--url", "localhost:8080"), "must be like http://localhost:8080"),
    (("resources", "put", "dev", "a b", "uri"), "name: "),
    (("definitions", "lint", "/nowhere"), "Cannot read /nowhere"),
    (("serve", "--aws-port", "1"), "--aws-port needs --local"),
    (("serve", "--keep", "1"), "--keep needs --local"),
]


@pytest.mark.parametrize(("arguments", "words"), USAGE, ids=[" ".join(row[0]) or "nothing" for row in USAGE])
def test_wrong_usage_is_two(arguments: tuple[str, ...], words: str, wfm: Run, service: FakeService) -> None:
    """An error before any request, in one line that says what to do."""
    outcome = wfm(*arguments)
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""
    assert service.asked == []


@pytest.mark.parametrize(
    ("status", "code"), [(400, 2), (413, 2), (404, 3), (409, 3), (401, 4), (403, 4), (500, 5)], ids=str
)
def test_a_refusal_has_the_code_of_its_kind(status: int, code: int, wfm: Run, service: FakeService) -> None:
    """The service's own words are shown, in one line."""
    service.on("POST /workflows/w/resolved", {"message": "it said no"}, status=status)
    outcome = wfm("resolve", "w")
    assert (outcome.code, outcome.err.splitlines()[0]) == (code, "workflow-manager: it said no")
    assert ("wfm whoami" in outcome.err) == (code == 4)


def test_a_cancel_that_comes_too_late_is_refused(wfm: Run, service: FakeService) -> None:
    """As one of many is: there is a conflict, not a wrong usage."""
    service.on("DELETE /workflows/w", {"message": "it has already ended"}, status=400)
    assert wfm("cancel", "w") == (3, "", "workflow-manager: it has already ended\n")


def test_no_service_is_five(process: Run) -> None:
    """The first line names the URL that did not answer; the others are commands to start or find a service."""
    outcome = process("definitions", "list", "--url", "http://127.0.0.1:1", "--request-timeout", "0.2")
    assert outcome.code == 5
    message, *ways = outcome.err.splitlines()
    assert message.startswith("workflow-manager: ")
    assert "http://127.0.0.1:1" in message
    assert [way.split()[0] for way in ways] == ["make", "workflow-manager", "workflow-manager"]


def test_a_person_is_told_at_once_that_the_command_waits(open_terminal: OpenTerminal) -> None:
    """Not after eight seconds; and how to stop it."""
    with open_terminal("definitions", "list", "--url", "http://127.0.0.1:1") as terminal:
        terminal.see("Waiting for http://127.0.0.1:1 (Ctrl-C to stop) ...")
        terminal.press(CTRL_C)
        assert terminal.end() == 130


@pytest.mark.parametrize("name", ["wfm", "workflow-manager"])
def test_errors_begin_with_the_name_that_was_typed(name: str, wfm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """So do commands to paste."""
    monkeypatch.setattr("sys.argv", [f"/usr/bin/{name}"])
    assert wfm("nonsense").err.startswith(f"{name}: No such command")
    assert f"  {name} resume ID" in wfm("rerun").err.splitlines()


def test_another_server_is_five(wfm: Run, service: FakeService) -> None:
    """A 200 that is not ours is no crash."""
    service.on("GET /workflow-definitions", {"hello": "world"})
    outcome = wfm("definitions", "list")
    assert outcome.code == 5
    assert "is not from workflow-manager" in outcome.err


def test_waiting_too_long_is_124(process: Run, service: FakeService) -> None:
    """The workflow continues, and the command to follow it again is printed."""
    service.on("GET /workflows/w", workflow_json("running"))
    outcome = process(*FOLLOW, "--timeout", "0.1")
    assert outcome.code == 124
    assert outcome.err.splitlines()[-1] == "  workflow-manager workflows w --follow"


def test_findings_are_listed_below_the_error(wfm: Run, service: FakeService) -> None:
    """What the message does not say already is on lines of its own."""
    findings = [{"pointer": "/uri", "message": "too short"}, {"pointer": "/name", "message": "odd"}]
    service.on("PUT /state-resources/dev/x", {"message": "/uri: too short (1 more)", "errors": findings}, status=400)
    outcome = wfm("resources", "put", "dev", "x", "u")
    assert outcome.err == "workflow-manager: /uri: too short (1 more)\n  /name: odd\n"


def test_a_fault_of_ours_is_seventy_and_shows_no_traceback(
    wfm: Run, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The traceback is shown on request."""
    service.on("GET /workflow-definitions", [])
    monkeypatch.setattr("workflow_manager.cli.output.formats.write_results", lambda *_, **__: 1 / 0)
    quiet = wfm("definitions", "list")
    assert quiet.code == 70
    assert (
        quiet.err
        == "workflow-manager: unexpected ZeroDivisionError: division by zero (set WFM_DEBUG=1 for the traceback)\n"
    )
    monkeypatch.setenv("WFM_DEBUG", "1")
    assert "Traceback (most recent call last)" in wfm("definitions", "list").err


@pytest.mark.parametrize("kind", error_classes(errors.WorkflowManagerError))
def test_every_error_class_has_a_code(kind: type[errors.WorkflowManagerError]) -> None:
    """The code follows the HTTP status, except that wrong settings are wrong usage, and that it has ended is none."""
    by_status = {400: 2, 413: 2, 401: 4, 403: 4, 404: 3, 409: 3}
    exceptions: dict[type[errors.WorkflowManagerError], int] = {errors.SettingsError: 2, errors.WorkflowEnded: 3}
    expected = exceptions.get(kind, by_status.get(kind.status, 5))
    assert exit_code_of(kind()) == expected


def test_no_two_meanings_share_a_code() -> None:
    """Aliases in the enumeration would hide one."""
    assert len(ExitCode) == len(ExitCode.__members__)
