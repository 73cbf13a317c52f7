"""Watching a workflow: lines in a pipe, a live tree on a terminal.

Covers `workflow_manager.cli.workflows.follow` and `workflow_manager.cli.workflows.change_lines`.
"""

import json
import re

from tests.sdk.cli.conftest import OpenTerminal, Run
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.cli.workflow_stories import FOLLOW, STOPPED, story
from tests.sdk.client.documents import job_json, workflow_json
from workflow_manager.cli.workflows.live_view import LASTING_LINES


def test_a_pipe_gets_one_line_per_change(wfm: Run, service: FakeService) -> None:
    """When, how it is, what it is."""
    service.on("GET /workflows/w", *story())
    outcome = wfm(*FOLLOW)
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "2026-01-02T03:04:05.678Z  queued     workflow w sfncli-test:master:0",
        "2026-01-02T03:04:06.000Z  running    workflow w sfncli-test:master:0",
        "2026-01-02T03:04:06.000Z  running    Task load",
        "2026-01-02T03:04:06.000Z  running    Task load attempt 2",
        "2026-01-02T03:04:09.500Z  succeeded  Task load attempt 2",
        "2026-01-02T03:04:09.500Z  failed     Parallel both",
        "2026-01-02T03:04:09.500Z  succeeded  Task fetch (branch 0)",
        "2026-01-02T03:04:09.500Z  failed     Task store (branch 1): Boom: no",
        "2026-01-02T03:04:09.500Z  failed     workflow w sfncli-test:master:0: Boom: no room",
    ]


def test_json_lines_get_one_snapshot_per_change(wfm: Run, service: FakeService) -> None:
    """A stream for programs."""
    service.on("GET /workflows/w", *story())
    lines = [json.loads(line) for line in wfm(*FOLLOW, "-o", "jsonl").out.splitlines()]
    assert [line["status"] for line in lines] == ["queued", "running", "running", "running", "failed"]


def test_json_gets_the_end(wfm: Run, service: FakeService) -> None:
    """One document, once there is one."""
    service.on("GET /workflows/w", *story())
    assert json.loads(wfm(*FOLLOW, "-o", "json").out)["status"] == "failed"


def test_a_submitted_workflow_is_followed(wfm: Run, service: FakeService) -> None:
    """--follow of submit and of resume is the same watching."""
    service.on("POST /workflows", workflow_json("queued"))
    service.on("POST /workflows/old", workflow_json("queued"))
    service.on("GET /workflows/w", workflow_json("succeeded", jobs=[job_json(status="succeeded")]))
    submitted, resumed = wfm("submit", "x", "--follow"), wfm("resume", "old", "--start-at", "s", "--follow")
    assert (submitted.code, resumed.code) == (0, 0)
    assert submitted.out == resumed.out
    assert "succeeded  Task echo" in submitted.out


def test_a_terminal_gets_a_live_tree(open_terminal: OpenTerminal, service: FakeService) -> None:
    """The tree is drawn while it runs, stays at the end with the result, and leaves the cursor visible."""
    service.on("GET /workflows/w", *story())
    with open_terminal(*FOLLOW) as terminal:
        terminal.see("running")
        assert terminal.end() == 1
    headline, titles, *rows, reason = terminal.lines
    assert headline == "w  failed  3.5s  sfncli-test:master:0"
    assert titles.split() == ["STATE", "TYPE", "STATUS", "ATTEMPTS", "DURATION", "REASON"]
    assert [line.split() for line in rows] == [
        ["load", "Task", "succeeded", "2", "3.5s", "-"],
        ["both", "Parallel", "failed", "1", "3.8s", "-"],
        ["├─", "branch", "0:", "fetch", "Task", "succeeded", "1", "3.8s", "-"],
        ["└─", "branch", "1:", "store", "Task", "failed", "1", "3.8s", "Boom:", "no"],
    ]
    assert reason == "Reason: Boom: no room"
    assert "\x1b[31m" in terminal.shown or "\x1b[1;31m" in terminal.shown
    assert not terminal.cursor_is_hidden


def test_no_color_is_honoured(open_terminal: OpenTerminal, service: FakeService) -> None:
    """https://no-color.org: a table without colours."""
    service.on("GET /workflows", [workflow_json("failed", statusReason="Boom")])
    with open_terminal("workflows", extra={"NO_COLOR": "1"}) as terminal:
        assert terminal.end() == 0
    assert "Boom" in terminal.shown
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.shown) is None


def test_more_jobs_than_lines_show_the_last(open_terminal: OpenTerminal, service: FakeService) -> None:
    """The live tree never outgrows the screen, and what stays is no flood."""
    jobs = [job_json(f"job-{number}", "succeeded", stoppedAt=STOPPED) for number in range(200)]
    service.on("GET /workflows/w", workflow_json("running", jobs=jobs))
    with open_terminal(*FOLLOW, rows=16) as terminal:
        terminal.see("job-199")
        assert terminal.screen[2] == "… and 189 more lines"
        assert "job-100" not in terminal.shown
        service.on("GET /workflows/w", workflow_json("succeeded", jobs=jobs))
        assert terminal.end() == 0
    lasting = terminal.lines[-LASTING_LINES - 2 :]
    assert lasting[0].startswith("w  succeeded")
    assert lasting[2] == "… and 101 more lines"
    assert [line.split()[0] for line in lasting[3:]] == [f"job-{number}" for number in range(101, 200)]


def test_the_output_is_shown_at_the_end(open_terminal: OpenTerminal, wfm: Run, service: FakeService) -> None:
    """Of a workflow that succeeded; where it is cut, with the command that shows all of it."""
    service.on("GET /workflows/w", workflow_json("succeeded", output='{"greeting": "hello"}'))
    assert wfm(*FOLLOW).out.splitlines()[1:] == ['Output: {"greeting": "hello"}']
    service.on("GET /workflows/w", workflow_json("succeeded", output='{"a": "' + "x" * 2000 + '"}'))
    with open_terminal(*FOLLOW) as terminal:
        assert terminal.end() == 0
    assert "".join(terminal.lines).count("x") < 600
    assert terminal.lines[-1] == "Full text: workflow-manager workflows w --full"


def test_a_long_reason_is_shown_at_the_end(open_terminal: OpenTerminal, service: FakeService) -> None:
    """The tree has no room for it."""
    service.on("GET /workflows/w", workflow_json("failed", statusReason="because " * 200))
    with open_terminal(*FOLLOW) as terminal:
        assert terminal.end() == 1
    assert any(line.startswith("Reason: because because") for line in terminal.lines)
    assert terminal.lines[-1].startswith("Full text: ")


def test_a_dumb_terminal_gets_lines(open_terminal: OpenTerminal, service: FakeService) -> None:
    """It cannot draw anything anew."""
    service.on("GET /workflows/w", *story())
    with open_terminal(*FOLLOW, extra={"TERM": "dumb"}) as terminal:
        assert terminal.end() == 1
    assert "\x1b" not in terminal.shown
    assert "  running    Task load attempt 2" in terminal.shown


def test_the_way_back_names_the_service_when_the_shell_does_not(wfm: Run, service: FakeService) -> None:
    """What is printed works when it is pasted."""
    service.on("GET /workflows/w", workflow_json("running"))
    known = wfm(*FOLLOW, "--timeout", "0").err
    unknown = wfm(*FOLLOW, "--timeout", "0", "--url", f"{service.url}/").err
    assert "--url" not in known
    assert f"--follow --url {service.url}/\n" in unknown
    assert unknown.splitlines()[-1].startswith("  workflow-manager workflows w ")
