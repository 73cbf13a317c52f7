"""Log lines, as a process writes them.

Covers `workflow_manager.logs.setup`.
"""

import json
import os
import socket
import subprocess
import sys
from typing import Any

import pytest

PREPARE = """
import logging, os, sys
import structlog
from workflow_manager.logs import nonblocking
from workflow_manager.logs.setup import configure
configure(sys.argv[1], "info")
log = structlog.get_logger("app.somewhere")
"""


def run(script: str, log_format: str = "json", **options: Any) -> "subprocess.CompletedProcess[Any]":
    """Run a script after the set-up."""
    options = {"stderr": subprocess.PIPE} | options
    command = [sys.executable, "-c", PREPARE + script, log_format]
    return subprocess.run(command, check=True, timeout=60, **options)


def lines(script: str) -> list[dict[str, Any]]:
    """Return what a script logs; every line must be JSON."""
    return [json.loads(line) for line in run(script).stderr.splitlines()]


def test_a_line_holds_what_was_said_when_and_where() -> None:
    (line,) = lines(
        "structlog.contextvars.bind_contextvars(request_id='r-1')\n"
        "log.info('workflow started', action='start', workflow_id='é')\n"
    )

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "workflow started",
        "level": "info",
        "action": "start",
        "workflow_id": "é",
        "request_id": "r-1",
    }


def test_libraries_write_the_same_form() -> None:
    ours, theirs = lines("log.warning('one')\nlogging.getLogger('uvicorn.error').warning('two', extra={'n': 1})\n")

    assert ours.keys() | {"n"} == theirs.keys()
    assert (theirs["event"], theirs["n"]) == ("two", 1)


def test_lines_below_the_level_are_left_out() -> None:
    assert lines("log.debug('no')\nlogging.getLogger('botocore').info('no')\n") == []


def test_a_crash_is_told_without_local_variables() -> None:
    (line,) = lines(
        "def crash():\n"
        "    secret = 'hunter2'\n"
        "    raise ValueError('it broke')\n"
        "try:\n    crash()\nexcept ValueError:\n    log.exception('crashed')\n"
    )

    assert line["exception"][0]["exc_value"] == "it broke"
    assert "hunter2" not in json.dumps(line)


def test_anything_can_be_logged() -> None:
    odd, bad, loop = lines(
        "log.info('odd', value=object, texts={'a'}, number=float('inf'))\n"
        "log.info('bad \\ud800', value=b'\\xff')\n"
        "own = []\nown.append(own)\nlog.info('loop', value=own)\n"
    )

    assert odd["texts"] == ["a"]
    assert (bad["event"], bad["value"]) == ("bad \ud800", "b'\\xff'")
    assert loop["value"] == "[[...]]"


@pytest.mark.parametrize("buffered", [True, False])
def test_a_process_whose_log_nobody_reads_goes_on(buffered: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    environment |= {} if buffered else {"PYTHONUNBUFFERED": "1"}
    reader, writer = os.pipe()
    os.close(reader)
    try:
        finished = run(
            "log.info('into the void')\nlogging.getLogger('other').warning('too')\nprint('still here')\n",
            stderr=writer,
            stdout=subprocess.PIPE,
            env=environment,
        )
    finally:
        os.close(writer)

    assert (finished.stdout, finished.returncode) == (b"still here\n", 0)


def test_a_process_whose_log_nobody_reads_is_not_held_up() -> None:
    reader, writer = os.pipe()
    try:
        finished = run(
            "for _ in range(5_000):\n"
            "    log.info('x' * 100)\n"
            "    logging.getLogger('other').warning('y' * 100)\n"
            "print('still here')\n",
            stderr=writer,
            stdout=subprocess.PIPE,
        )
    finally:
        os.close(writer)
        os.close(reader)

    assert (finished.stdout, finished.returncode) == (b"still here\n", 0)


def test_the_last_words_of_a_crash_are_written() -> None:
    said = lines("log.info('one')\nlog.info('two', filling='x' * 50_000)\nos._exit(0)\n")
    assert [line["event"] for line in said] == ["one", "two"]


def test_what_waits_is_written_before_the_end_that_flushes() -> None:
    said = lines("for number in range(1000):\n    log.info(str(number))\nnonblocking.flush()\nos._exit(0)\n")
    assert [int(line["event"]) for line in said] == list(range(1000))


def test_a_log_to_a_socket_is_whole_at_the_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.makefile("rb") as reading:
        script = "for number in range(100):\n    log.info(str(number), filling='x' * 1000)\n"
        with subprocess.Popen([sys.executable, "-c", PREPARE + script, "json"], stderr=ours.fileno()) as process:
            ours.close()
            said = [json.loads(line) for line in reading]
    assert process.returncode == 0
    assert [int(line["event"]) for line in said] == list(range(100))


def test_on_a_console_lines_are_for_people() -> None:
    finished = run("log.info('workflow started', action='start')\n", "console")

    assert b"workflow started" in finished.stderr
    assert b"action=start" in finished.stderr
