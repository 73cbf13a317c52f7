"""Watching a workflow: lines in a pipe, a live tree on a terminal."""

import json
import re

from tests.cli.conftest import OpenTerminal, Run
from tests.cli.fake_service import FakeService
from tests.cli.terminal import CTRL_C
from tests.client.documents import job_json, workflow_json

FOLLOW = ("workflows", "--workflow-id", "w", "--follow")
STARTED = "2026-01-02T03:04:06.000Z"
STOPPED = "2026-01-02T03:04:09.500Z"


def story() -> list[dict[str, object]]:
    """A workflow with a task that is tried twice and one inside a Parallel, from start to end."""
    first_try = job_json("load", startedAt=STARTED, attempts=[{}])
    second_try = job_json("load", startedAt=STARTED, attempts=[{}, {}])
    loaded = job_json("load", "succeeded", startedAt=STARTED, stoppedAt=STOPPED, attempts=[{}, {}])
    both = job_json("both", "failed", type="Parallel", stoppedAt=STOPPED)
    fetched = job_json("fetch", "succeeded", stoppedAt=STOPPED, parent="both", branch=0)
    broken = job_json("store", "failed", stoppedAt=STOPPED, parent="both", branch=1, statusReason="Boom: no\nroom")
    return [
        workflow_json("queued"),
        workflow_json("running", startedAt=STARTED, jobs=[first_try]),
        workflow_json("running", startedAt=STARTED, jobs=[second_try]),
        workflow_json("running", startedAt=STARTED, jobs=[loaded]),
        workflow_json(
            "failed",
            startedAt=STARTED,
            stoppedAt=STOPPED,
            jobs=[loaded, both, fetched, broken],
            statusReason="Boom: no room",
        ),
    ]


def screen(shown: str) -> str:
    """Drop colours and movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


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
        "2026-01-02T03:04:09.500Z  failed     Task store (branch 1): Boom: no room",
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
    """The tree is drawn while it runs, stays at the end, and leaves the cursor visible."""
    service.on("GET /workflows/w", *story())
    with open_terminal(*FOLLOW) as terminal:
        terminal.read_until(lambda shown: "running" in screen(shown), "a running job")
        assert terminal.end() == 1
    final = screen(terminal.shown)[-1500:]
    assert re.search(r"w  sfncli-test:master:0  failed  3.5s  Boom: no room", final)
    assert re.search(r"load +Task +succeeded +2 +3.5s", final)
    assert re.search(r"both +Parallel +failed", final)
    assert re.search(r"├─ branch 0: fetch +Task +succeeded", final)
    assert re.search(r"└─ branch 1: store +Task +failed +- +3.8s +Boom: no room", final)
    assert "\x1b[31m" in terminal.shown or "\x1b[1;31m" in terminal.shown
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")


def test_no_color_is_honoured(open_terminal: OpenTerminal, service: FakeService) -> None:
    """https://no-color.org: a table without colours."""
    service.on("GET /workflows", [workflow_json("failed", statusReason="Boom")])
    with open_terminal("workflows", extra={"NO_COLOR": "1"}) as terminal:
        assert terminal.end() == 0
    assert "Boom" in terminal.shown
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.shown) is None


def test_more_jobs_than_lines_show_the_last(open_terminal: OpenTerminal, service: FakeService) -> None:
    """The live tree never outgrows the screen; the one that stays has all."""
    jobs = [job_json(f"job-{number}", "succeeded", stoppedAt=STOPPED) for number in range(200)]
    service.on("GET /workflows/w", workflow_json("running", jobs=jobs))
    with open_terminal(*FOLLOW, rows=16) as terminal:
        terminal.read_until(lambda shown: "191 more lines" in shown and "job-199" in shown, "the last lines")
        live = terminal.shown
        service.on("GET /workflows/w", workflow_json("succeeded", jobs=jobs))
        assert terminal.end() == 0
    assert "job-199" in live
    assert "job-100" not in live
    assert all(f"job-{number} " in screen(terminal.shown) for number in range(200))


def test_ctrl_c_detaches(open_terminal: OpenTerminal, service: FakeService) -> None:
    """The workflow goes on; the way back is printed; the exit code is 130."""
    service.on("GET /workflows/w", workflow_json("running", jobs=[job_json()]))
    with open_terminal(*FOLLOW) as terminal:
        terminal.read_until(lambda shown: "echo" in screen(shown), "the job")
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    words = " ".join(screen(terminal.shown).split())
    assert "Detached; the workflow goes on." in words
    assert "workflow-manager workflows --workflow-id w --follow" in words
    assert "Traceback" not in words
    assert {asked.line.split()[0] for asked in service.asked} == {"GET"}


def test_the_way_back_names_the_service_when_the_shell_does_not(wfm: Run, service: FakeService) -> None:
    """What is printed works when it is pasted."""
    service.on("GET /workflows/w", workflow_json("running"))
    known = wfm(*FOLLOW, "--timeout", "0").err
    unknown = wfm(*FOLLOW, "--timeout", "0", "--url", f"{service.url}/").err
    assert "--url" not in known
    assert f"--follow --url {service.url}/\n" in unknown
