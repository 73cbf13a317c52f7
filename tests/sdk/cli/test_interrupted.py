"""Commands that are interrupted: by keys, by signals, and by a reader that goes away.

Covers `workflow_manager.cli.main` and `workflow_manager.cli.async_runner`.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.fork_server import ForkServer
from tests.sdk.cli.bulk.many_workflows import OF_X, listed
from tests.sdk.cli.conftest import OpenTerminal
from tests.sdk.cli.fake_service import FakeService
from tests.sdk.cli.piped import Piped
from tests.sdk.cli.terminal import CTRL_C
from tests.sdk.cli.workflow_stories import FOLLOW
from tests.sdk.client.documents import job_json, workflow_json

WAY_BACK = ["Detached; the workflow continues. To follow it again:", "  workflow-manager workflows w --follow"]


@pytest.mark.parametrize(
    ("interrupt", "code"),
    [
        (lambda terminal: terminal.press(CTRL_C), 130),
        (lambda terminal: os.kill(terminal.pid, signal.SIGTERM), 143),
    ],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_an_interruption_detaches(
    interrupt: Callable[[object], None], code: int, open_terminal: OpenTerminal, service: FakeService
) -> None:
    """The workflow continues; the command to follow it again is printed on its own line; the cursor is back."""
    service.on("GET /workflows/w", workflow_json("running", jobs=[job_json()]))
    with open_terminal(*FOLLOW) as terminal:
        terminal.see("echo")
        interrupt(terminal)
        assert terminal.end() == code
    assert terminal.lines[-2:] == WAY_BACK
    assert not terminal.cursor_is_hidden
    assert "Traceback" not in terminal.shown
    assert {asked.line.split()[0] for asked in service.asked} == {"GET"}


def test_a_terminated_pipe_tells_the_way_back(forks: ForkServer, env: dict[str, str], service: FakeService) -> None:
    """In a script as on a terminal."""
    service.on("GET /workflows/w", workflow_json("running"))
    ended = Piped(forks, FOLLOW, env).signal(signal.SIGTERM)
    assert (ended.code, ended.err.splitlines()) == (143, WAY_BACK)


def test_a_terminated_bulk_tells_how_far_it_came(open_terminal: OpenTerminal, service: FakeService) -> None:
    """As Ctrl-C does."""
    ids = [f"w{number:03}" for number in range(100)]
    listed(service, *ids)
    for each in ids:
        service.on(f"DELETE /workflows/{each}", {})
    with open_terminal("cancel", *OF_X, "--yes", "--rate", "50") as terminal:
        terminal.see("w005  done")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.end() == 143
    assert not terminal.cursor_is_hidden
    assert " of 100 workflows cancelled. Rerun the command for the rest." in terminal.lines[-1]


def test_a_reader_that_takes_one_line_ends_a_follow(
    forks: ForkServer, env: dict[str, str], service: FakeService
) -> None:
    """`workflow-manager ... --follow | head -1` is no reason for a traceback."""
    service.on("GET /workflows/w", *[workflow_json("running", statusReason=str(number)) for number in range(50)])
    following = Piped(forks, FOLLOW, env)
    assert "running" in following.line()
    assert following.leave() == (141, "", "")


@pytest.mark.parametrize("words", [("--follow",), ("-o", "jsonl"), ()])
def test_a_reader_that_was_never_there_is_141(words: tuple[str, ...], service: FakeService) -> None:
    """With a whole interpreter, which complains at its end when something was left open."""
    service.on("GET /workflows/w", workflow_json("running", jobs=[job_json(f"j{number}") for number in range(500)]))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "app", "workflows", "w", *words, "--url", service.url],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
