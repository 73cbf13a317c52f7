"""Doing something to many: the pace, and what a person sees of it.

Covers `workflow_manager.cli.bulk.runner` and `workflow_manager.cli.bulk.commands`.
"""

import asyncio
from pathlib import Path

import pytest

from tests.sdk.cli.bulk.many_workflows import OF_X, changes, listed
from tests.sdk.cli.conftest import OpenTerminal
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.cli.terminal import CTRL_C
from tests.sdk.client.documents import definition_json, workflow_json
from workflow_manager.cli.bulk.journal import Journal
from workflow_manager.cli.bulk.runner import Pacer
from workflow_manager.cli.output.escaping import escape, has_control_characters


@pytest.mark.looptime
async def test_so_many_a_second() -> None:
    """However many want to go at once."""
    clock = asyncio.get_running_loop().time
    pace = Pacer(10, clock=clock)
    await asyncio.gather(*(pace.wait() for _ in range(101)))
    assert clock() == pytest.approx(10, abs=0.2)


@pytest.mark.looptime
async def test_a_pause_is_not_made_up_for() -> None:
    """No burst after a slow answer."""
    clock = asyncio.get_running_loop().time
    pace = Pacer(10, clock=clock)
    await pace.wait()
    await asyncio.sleep(5)
    await asyncio.gather(*(pace.wait() for _ in range(11)))
    assert clock() == pytest.approx(6, abs=0.2)


def test_a_person_is_asked_and_sees_a_bar(open_terminal: OpenTerminal, service: FakeService) -> None:
    """Count, rate and time left while it runs; a line for each, and a count at the end."""
    ids = [f"w{number:02}" for number in range(12)]
    listed(service, *ids)
    for each in ids:
        service.on(f"DELETE /workflows/{each}", {})
    with open_terminal("cancel", *OF_X, "--rate", "20") as terminal:
        terminal.see("Cancel 12 workflows? [y/N]")
        assert changes(service) == []
        terminal.press(b"y\n")
        terminal.read_until(lambda shown: "12/12" in shown or "11/12" in shown, "the bar")
        assert terminal.end() == 0
    assert "/s" in terminal.shown
    assert "left" in terminal.shown
    question = next(number for number, line in enumerate(terminal.lines) if "[y/N]" in line)
    *results, end = terminal.lines[question + 1 :]
    assert sorted(results) == [f"{each}  done     cancelled" for each in ids]
    assert end == "12 of 12 workflows cancelled."
    assert not terminal.cursor_is_hidden


def test_the_question_says_what_it_is_about(open_terminal: OpenTerminal, service: FakeService) -> None:
    """Where, and how many of which definition in which namespace: the wrong profile is seen in time."""
    few = [workflow_json("running", id=f"a{number}") for number in range(2)]
    production = {"namespace": "production", "workflowDefinition": definition_json(7, name="x\x1b[2J")}
    most = [workflow_json("running", id=f"b{number}", **production) for number in range(12)]
    others = [
        workflow_json("running", id=f"c{number}", workflowDefinition=definition_json(number, name="y"))
        for number in range(10)
    ]
    service.on("GET /workflows?status=running", [*few, *most, *others])
    service.on("GET /workflows?status=queued", [])
    with open_terminal("cancel", "--queue", "slow") as terminal:
        terminal.see("Cancel 24 workflows? [y/N]")
        terminal.press(b"n\n")
        assert terminal.end() == 130
    assert terminal.lines[:3] == [
        f"At {service.url}:",
        "    12  production  x\\x1b[2J:7",
        "     2  dev  sfncli-test:master:0",
    ]
    assert terminal.lines[11] == "        and 2 more definitions"


def test_a_person_may_say_no(open_terminal: OpenTerminal, service: FakeService) -> None:
    """Nothing is done without a yes."""
    listed(service, "a")
    with open_terminal("cancel", *OF_X) as terminal:
        terminal.read_until(lambda shown: "Cancel 1 workflow? [y/N]" in shown, "the question")
        terminal.press(b"\n")
        assert terminal.end() == 130
    assert "Nothing was done." in terminal.shown
    assert changes(service) == []


def test_ctrl_c_tells_how_far_it_came(open_terminal: OpenTerminal, service: FakeService, tmp_path: Path) -> None:
    """And how to go on."""
    ids = [f"w{number:03}" for number in range(100)]
    listed(service, *ids)
    for each in ids:
        service.on(f"DELETE /workflows/{each}", {})
    journal = tmp_path / "journal"
    with open_terminal("cancel", *OF_X, "--yes", "--rate", "50", "--journal", str(journal)) as terminal:
        terminal.read_until(lambda shown: "w005  done" in shown, "some results")
        terminal.press(CTRL_C)
        assert terminal.end() == 130
    words = " ".join(terminal.shown.split())
    assert "Interrupted: " in words
    assert f"of 100 workflows cancelled. Rerun the command with --journal {journal} for the rest." in words
    assert "Traceback" not in words
    with Journal("cancel", journal) as read:
        assert 6 <= len(read.done) < 100


def test_text_of_others_does_not_steer_the_results(open_terminal: OpenTerminal, service: FakeService) -> None:
    """Above the bar, where it passes through what draws the bar, and in an error."""
    evil = "\x1b[2Jno\x9b2J\x1b]0;title\x07\u202e\rover"
    listed(service, "a", "b")
    for each in ("a", "b"):
        service.on(f"DELETE /workflows/{each}", {"message": evil}, status=409)
    with open_terminal("cancel", *OF_X, "--yes", "--rate", "20", columns=200) as bulk:
        assert bulk.end() == 3
    with open_terminal("cancel", "a", columns=200) as single:
        assert single.end() == 3
    for terminal in (bulk, single):
        assert "\x1b[2J" not in terminal.shown
        assert not has_control_characters("\n".join(terminal.lines))
    assert sorted(bulk.lines[:2]) == [f"{each}  refused  {escape(evil)}" for each in ("a", "b")]
    assert single.lines == [f"workflow-manager: {escape(evil)}"]
