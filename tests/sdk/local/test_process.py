"""The process of the embedded AWS: how it starts, how it ends, and that it never outlives its owner.

Covers `workflow_manager.local.process`.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from tests.eventually import eventually
from tests.sdk.local.conftest import CREDENTIALS, PATIENT
from tests.sdk.local.workbench import PASS, Workbench, task
from workflow_manager import errors
from workflow_manager.local import LocalAWS, handshake, listening, process

SERVE = (
    "from workflow_manager import local; local.serve('127.0.0.1', {port}, on_ready=lambda url: print(url, flush=True))"
)

OWNER = """
import asyncio, workflow_manager.local
async def main():
    async with workflow_manager.local.LocalAWS() as aws:
        print(aws.pid, flush=True)
        await aws.wait()
asyncio.run(main())
"""

STAND_IN = 'import sys; print(\'{"url": "http://127.0.0.1:9"}\', flush=True); sys.stdin.read()'
"""A child that is ready at once, for tests of what its owner does."""

RESTLESS: dict[str, Any] = {
    "StartAt": "Again",
    "States": {
        "Again": {"Type": "Map", "ItemProcessor": {"StartAt": "A", "States": {"A": PASS}}, "Next": "And"},
        "And": {
            "Type": "Choice",
            "Choices": [{"Variable": "$[9]", "IsPresent": True, "Next": "End"}],
            "Default": "Again",
        },
        "End": {"Type": "Succeed"},
    },
}
"""A machine that never rests."""


def workbench(url: str) -> Workbench:
    client: Any = boto3.client("stepfunctions", endpoint_url=url, config=PATIENT, **CREDENTIALS)  # type: ignore[call-overload]
    return Workbench(client)


def python(code: str) -> "subprocess.Popen[bytes]":
    """Run code in a Python process of its own."""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def alive(pid: int) -> bool:
    """Tell whether a process is there and not merely waiting to be reaped."""
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def taken_port() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


async def test_the_embedded_aws_answers_inside_the_block_and_is_gone_after_it() -> None:
    async with LocalAWS() as aws:
        bench = workbench(aws.url)
        status = (await asyncio.to_thread(bench.run, PASS)).status
        pid, was_alive = aws.pid, alive(aws.pid)
        session = os.getsid(aws.pid)
    bench.client.close()

    assert (status, was_alive, alive(pid)) == ("SUCCEEDED", True, False)
    assert session == pid, "a Ctrl-C at the terminal would reach it"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "command", lambda *_: [sys.executable, "-c", STAND_IN])


@pytest.mark.usefixtures("stand_in")
async def test_a_child_that_dies_is_noticed() -> None:
    async with LocalAWS() as aws:
        waiting = asyncio.create_task(aws.wait())
        os.kill(aws.pid, signal.SIGKILL)

        assert await asyncio.wait_for(waiting, 10) == -signal.SIGKILL


@pytest.mark.usefixtures("stand_in")
async def test_a_child_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TERMINATE_SECONDS", 0.2)
    async with LocalAWS() as aws:
        os.kill(aws.pid, signal.SIGSTOP)
        pid = aws.pid

    assert not alive(pid)


def test_a_child_has_less_than_five_seconds_to_end() -> None:
    assert process.TERMINATE_SECONDS < 5


async def test_a_taken_port_is_named() -> None:
    with taken_port() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(errors.StartupError, match=f"^Cannot listen on port {port} of 127.0.0.1: .*in use"):
            await LocalAWS(port=port).__aenter__()


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 70_000), ("127.0.0.1", -1), ("192.0.2.1", 0), ("no such host", 0)]
)
async def test_a_place_to_listen_that_does_not_exist_is_a_startup_error(host: str, port: int) -> None:
    with pytest.raises(errors.StartupError, match=f"Cannot listen on port {port} of {host}: "):
        await LocalAWS(host=host, port=port).__aenter__()


async def test_a_start_that_is_given_up_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    create = asyncio.create_subprocess_exec

    async def remember(*command: Any, **options: Any) -> Any:
        child = await create(*command, **options)
        started.append(child.pid)
        return child

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await LocalAWS().__aenter__()

    assert [alive(pid) for pid in started] == [False]


def test_sigterm_ends_it_at_once_whatever_it_is_doing() -> None:
    """Dozens of executions wait, some never rest, and polls are open."""
    with python(SERVE.format(port=0)) as child, ThreadPoolExecutor(30) as pool:
        bench = workbench(first_line(child))
        machine_arn = bench.machine(task(bench.activity()))
        idle = bench.activity()
        polls = [pool.submit(bench.take, idle) for _ in range(5)]
        list(pool.map(lambda _: bench.client.start_execution(stateMachineArn=machine_arn), range(50)))

        for _ in range(5):
            bench.start(RESTLESS, [1, 2, 3])

        seconds = seconds_to_end(child, signal.SIGTERM)

        assert seconds < 2
        assert (child.returncode, child.communicate()[1]) == (0, b"")
        assert all(isinstance(poll.exception(10), BotoCoreError) for poll in polls)
    bench.client.close()


def test_sigint_ends_it_without_a_traceback_and_its_port_is_free_again() -> None:
    with python(SERVE.format(port=0)) as child:
        url = first_line(child)

        assert seconds_to_end(child, signal.SIGINT) < 2
        assert (child.returncode, child.communicate()[1]) == (0, b"")
    socket.create_server(("127.0.0.1", int(url.rsplit(":", 1)[1]))).close()


def test_sigint_while_it_loads_leaves_no_traceback() -> None:
    with taken_port() as taken:
        port = taken.getsockname()[1]
    with python(SERVE.format(port=port)) as child:
        eventually(lambda: connects(port), what="the port is taken")

        seconds_to_end(child, signal.SIGINT)

        assert (child.returncode, child.communicate()[1]) == (0, b"")


def test_it_ends_when_its_owner_is_killed() -> None:
    with python(OWNER) as owner:
        pid = int(first_line(owner))
        owner.kill()

    eventually(lambda: not alive(pid), what="the end of the embedded AWS", timeout_seconds=5)


@pytest.mark.parametrize(
    "expression",
    ["($f := function($n) { $f($n + 1) }; $f(1))", "$match('" + "a" * 60 + "!', /^(a|aa|a*a*)+$/)"],
    ids=["recursion", "regular-expression"],
)
def test_no_expression_keeps_it_alive_after_its_owner(expression: str) -> None:
    with python(OWNER.replace("aws.pid", "aws.pid, aws.url")) as owner:
        pid, url = first_line(owner).split()
        bench = workbench(url)
        endless = {"Type": "Pass", "Output": "{% " + expression + " %}", "End": True}
        for _ in range(3):
            bench.start({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": endless}})

        bench.client.close()
        owner.kill()

        eventually(lambda: not alive(int(pid)), what="the end of the embedded AWS", timeout_seconds=20)


def test_it_ends_when_its_owner_is_gone_before_it_is_ready() -> None:
    child = subprocess.Popen(handshake.command("127.0.0.1", 0), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    child.communicate(timeout=20)

    assert child.returncode == 0


def test_without_the_extra_it_says_what_to_install() -> None:
    blocked = (
        "import sys; sys.modules['moto'] = None\n"
        "from workflow_manager import errors, local\n"
        "try: local.serve('127.0.0.1', 0)\n"
        "except errors.StartupError as error: print(error.message)"
    )

    with python(blocked) as child:
        said = child.communicate(timeout=20)

    assert said == (b"The embedded AWS needs the extra: pip install 'sfn-workflow-manager[local]'\n", b"")


def test_importing_the_package_does_not_load_moto() -> None:
    heavy = (
        "import sys, workflow_manager.local; "
        "print(sorted({'moto', 'boto3', 'botocore', 'werkzeug', 'flask'} & set(sys.modules)))"
    )

    with python(heavy) as child:
        assert child.communicate(timeout=20) == (b"[]\n", b"")


SPARED = """
import sys
from workflow_manager.local.stepfunctions.skip_batch import spare_batch

spare_batch()
import workflow_manager.local.server

print(sorted({"moto.batch", "moto.batch.models", "moto.ec2"} & set(sys.modules)))
"""


def test_the_server_loads_without_the_models_of_batch_and_ec2() -> None:
    with python(SPARED) as child:
        assert child.communicate(timeout=20) == (b"[]\n", b"")


def test_batch_is_there_for_those_who_ask(local_aws_url: str) -> None:
    batch: Any = boto3.client("batch", endpoint_url=local_aws_url, config=PATIENT, **CREDENTIALS)  # type: ignore[call-overload]

    assert batch.describe_job_queues()["jobQueues"] == []
    batch.close()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
        ("::", "http://[::1]:"),
    ],
)
def test_the_url_is_one_that_clients_of_the_machine_can_use(host: str, url: str) -> None:
    with listening.listen(host, 0) as listener:
        assert listening.url(host, listener) == f"{url}{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (handshake.failed("The port is taken"), "^The port is taken$"),
        (b"", "ended before it was ready"),
        (b"rubbish\n", "ended before it was ready"),
    ],
)
def test_a_child_that_is_not_ready_is_a_startup_error(line: bytes, reason: str) -> None:
    with pytest.raises(errors.StartupError, match=reason):
        handshake.read(line)


def first_line(child: "subprocess.Popen[bytes]") -> str:
    """Return the first line that a process writes."""
    assert child.stdout is not None
    return child.stdout.readline().decode().strip()


def seconds_to_end(child: "subprocess.Popen[bytes]", number: signal.Signals) -> float:
    """Send a signal and return how long the process took to end."""
    began = time.monotonic()
    child.send_signal(number)
    child.wait(20)
    return time.monotonic() - began


def connects(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
