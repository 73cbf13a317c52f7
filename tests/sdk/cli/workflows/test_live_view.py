"""The live tree on small screens, in outages, with hostile texts.

Covers `workflow_manager.cli.workflows.live_view`.
"""

import pytest

from tests.sdk.cli.conftest import OpenTerminal, Run
from tests.sdk.cli.fake_service import Answer, FakeService
from tests.sdk.cli.workflow_stories import FOLLOW, STARTED, STOPPED, many_jobs
from tests.sdk.client.documents import definition_json, job_json, workflow_json
from workflow_manager.cli.output.escaping import has_control_characters
from workflow_manager.cli.workflows.live_view import LASTING_LINES

ID = "7c5f0a52-8a8f-4d4e-9f3b-0d5a5b3c1e2f"
LONG = "the-name-of-a-state-that-somebody-thought-about-for-a-very-long-time"
REASON = "States.TaskFailed: the worker was gone when the task was given to it, and nobody else came by"
EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202egnp.exe\u2028next\x00 end"


@pytest.mark.parametrize(("columns", "rows"), [(60, 12), (80, 24), (140, 40)])
def test_a_line_is_a_line_on_a_small_screen(
    columns: int, rows: int, open_terminal: OpenTerminal, service: FakeService
) -> None:
    """Labels and reasons are cut, nothing wraps, and where something happened last is to be seen."""
    jobs = [
        *many_jobs(30),
        job_json(LONG, "failed", startedAt=STARTED, stoppedAt=STOPPED, statusReason=REASON),
        job_json("newest", "running", startedAt="2026-01-02T04:04:06.000Z"),
    ]
    definition = definition_json(name="d" * 128)
    service.on("GET /workflows/w", workflow_json("running", id=ID, workflowDefinition=definition, jobs=jobs))
    with open_terminal(*FOLLOW, columns=columns, rows=rows) as terminal:
        terminal.see("newest")
        drawn = [line for line in terminal.screen if line]
        terminal.see("newest")
    headline, titles, *lines = drawn
    assert f" {ID}  running  " in headline
    assert headline.endswith("…")
    assert titles.split()[0] == "STATE"
    assert len(drawn) < rows
    assert sum("failed" in line for line in lines) == 1
    assert [line.split()[0] for line in lines][-1] == "newest"
    assert all("  " in line or line.startswith(("…", "└─", "   └─")) for line in lines)


def test_the_newest_is_seen_wherever_it_is(open_terminal: OpenTerminal, service: FakeService) -> None:
    """In the first branch as well, when the second one is long."""
    jobs = [job_json("both", "running", type="Parallel", startedAt=STARTED)]
    jobs += [
        job_json(f"r{number}", "failed", parent="both", branch=1, startedAt=STARTED, stoppedAt=STOPPED)
        for number in range(50)
    ]
    jobs += [job_json("newest", "running", parent="both", branch=0, startedAt="2026-01-02T04:04:06.000Z")]
    service.on("GET /workflows/w", workflow_json("running", jobs=jobs))
    with open_terminal(*FOLLOW, rows=12) as terminal:
        terminal.see("newest")
        assert any("both" in line for line in terminal.screen)


def test_an_outage_is_told_and_waited_out(open_terminal: OpenTerminal, service: FakeService) -> None:
    """The tree stays, and what has happened meanwhile is shown as soon as the service is back."""
    running = workflow_json("running", jobs=[job_json()])
    service.on("GET /workflows/w", running, *[Answer({"message": "restarting"}, 503)] * 4, running)
    with open_terminal(*FOLLOW) as terminal:
        terminal.see("The service is unavailable; retrying. restarting")
        assert any("echo" in line for line in terminal.screen)
        terminal.read_until(lambda _: not any("is away" in line for line in terminal.screen), "that it is back")
        service.on("GET /workflows/w", workflow_json("succeeded"))
        assert terminal.end() == 0


def test_an_outage_is_told_beside_the_lines(wfm: Run, service: FakeService) -> None:
    """Once, and again when it is over."""
    running = workflow_json("running")
    service.on("GET /workflows/w", running, *[Answer({"message": "no"}, 503)] * 4, workflow_json("succeeded"))
    outcome = wfm(*FOLLOW)
    assert outcome.code == 0
    assert outcome.err == "The service is unavailable; retrying. no\nThe service is available again.\n"


def test_a_service_that_is_not_there_tells_the_way_back(wfm: Run, service: FakeService) -> None:
    """Even on the first request, after a submit."""
    service.on("POST /workflows", workflow_json("queued"))
    service.on("GET /workflows/w", {"message": "down"}, status=500)
    outcome = wfm("submit", "x", "--follow")
    assert (outcome.code, outcome.err.splitlines()) == (
        5,
        [
            "The service is unavailable; the workflow continues. To follow it again:",
            "  workflow-manager workflows w --follow",
            "workflow-manager: down",
        ],
    )


def test_text_of_others_does_not_steer_the_live_tree(open_terminal: OpenTerminal, service: FakeService) -> None:
    """Neither while it is drawn nor in what stays."""
    job = job_json(EVIL, "failed", type=EVIL, statusReason=EVIL, container=EVIL, startedAt=STARTED, stoppedAt=STOPPED)
    workflow = workflow_json("running", jobs=[job], workflowDefinition=definition_json(name=EVIL))
    service.on("GET /workflows/w", workflow)
    with open_terminal(*FOLLOW, columns=300) as terminal:
        terminal.see("gnp.exe")
        service.on("GET /workflows/w", {**workflow, "status": "failed", "statusReason": EVIL})
        assert terminal.end() == 1
    assert not has_control_characters("\n".join(terminal.lines))
    assert "\x1b]0;" not in terminal.shown
    assert "\x9b" not in terminal.shown
    assert "Reason: \\x1b[31mred" in terminal.lines[-1]


def test_ten_thousand_jobs_are_no_flood(open_terminal: OpenTerminal, service: FakeService) -> None:
    """What has succeeded is counted, in what stays as well."""
    service.on("GET /workflows/w", workflow_json("succeeded", jobs=many_jobs(10_000)))
    with open_terminal(*FOLLOW) as terminal:
        assert terminal.end() == 0
    assert len(terminal.lines) <= LASTING_LINES + 2
    assert terminal.lines[-1] == "└─ 10000 succeeded"
