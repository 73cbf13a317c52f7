"""The service and the embedded AWS as processes: ready, stopped, refused, orphaned.

Covers `app.cli.serve`, `app.cli.service_process` and `workflow_manager.cli.admin.local_aws`.
"""

import json
import os
import signal
import socket
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from app.cli.service_process import Listen, bind, use_embedded_aws
from tests.fork_server import ForkServer
from tests.sdk.cli.conftest import OpenTerminal, Run
from tests.sdk.cli.terminal import CTRL_C
from workflow_manager import errors

SERVE = ("serve", "--local", "--port", "0")
STOP_SECONDS = 10.0


class Server:
    """A command that serves until a signal."""

    def __init__(self, forks: ForkServer, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        reader, writer = os.pipe()
        self._out = os.fdopen(reader, encoding="utf-8")
        self._err = tempfile.TemporaryFile()  # noqa: SIM115  closed with the server
        with Path(os.devnull).open("rb") as nothing:
            self.process = forks.start(
                arguments,
                streams=[nothing.fileno(), writer, self._err.fileno()],
                env={"PATH": os.environ["PATH"], **(env or {})},
                tty=False,
            )
        os.close(writer)

    def read_urls(self, *names: str) -> dict[str, str]:
        """Wait for the lines that tell where it is."""
        lines = [self._out.readline().partition(":") for _ in names]
        urls = {name: url.strip() for name, _, url in lines}
        assert tuple(urls) == names, (urls, self._said())
        return urls

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; return exit code and standard error, both within the time that is promised."""
        os.kill(self.process.pid, number)
        return self.end()

    def end(self) -> tuple[int, str]:
        """Wait for the end."""
        return self.process.wait(STOP_SECONDS), self._said()

    def close(self) -> None:
        """End it, if it has not ended, and close its streams."""
        self.process.kill()
        self._out.close()
        self._err.close()

    def _said(self) -> str:
        self._err.seek(0)
        return self._err.read().decode()

    def children(self) -> list[int]:
        """Return the processes that it has started."""
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if not listing.exists():
            pytest.skip("needs Linux with lists of children in /proc")
        return [int(pid) for pid in listing.read_text().split()]


Started = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def started(forks: ForkServer) -> Started:
    """Run a server for as long as a context lasts."""

    @contextmanager
    def start(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Server]:
        server = Server(forks, *arguments, env=env)
        try:
            yield server
        finally:
            server.close()

    return start


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return int(answer.status)


def wait_for_child(server: Server) -> int:
    deadline = time.monotonic() + STOP_SECONDS
    while not (children := server.children()):
        assert time.monotonic() < deadline, "the embedded AWS was never started"
        time.sleep(0.01)
    return children[0]


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"process {pid} was left behind"
        time.sleep(0.05)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def test_a_service_that_keeps_keys_in_memory_prints_the_first_one(started: Started) -> None:
    """No other process could create it; logs do not hold it."""
    with started(*SERVE, "--store", "memory", env={"WFM_AUTH": "keys"}) as server:
        urls = server.read_urls("API", "Docs", "AWS", "Key")
        key = urls["Key"].split()[0]
        request = urllib.request.Request(f"{urls['API']}/keys", headers={"X-Api-Key": key})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert [each["name"] for each in json.load(answer)] == ["first"]
        _, err = server.stop(signal.SIGTERM)
    assert key.rsplit("_", 1)[1] not in err


def test_a_local_service_needs_nothing_and_leaves_nothing(started: Started) -> None:
    """It tells its URLs once they answer; SIGTERM ends it in order, and the embedded AWS with it."""
    with started(*SERVE) as server:
        urls = server.read_urls("API", "Docs", "AWS")
        assert urls["Docs"] == f"{urls['API']}/docs"
        assert [status(f"{urls['API']}/_health"), status(urls["Docs"])] == [200, 200]
        [embedded] = server.children()
        code, err = server.stop(signal.SIGTERM)
        assert (code, "Traceback" in err) == (0, False)
        wait_until_gone(embedded)


def test_the_embedded_aws_keeps_as_many_executions_as_were_chosen(started: Started) -> None:
    """The option is that of local-aws, and is handed on to it."""
    with started(*SERVE, "--keep", "3") as server:
        server.read_urls("API", "Docs", "AWS")
        [embedded] = server.children()
        command = Path(f"/proc/{embedded}/cmdline").read_text().split("\0")
        assert command[command.index("--keep") + 1] == "3"
        server.stop(signal.SIGTERM)


def test_the_end_of_the_embedded_aws_ends_the_service(started: Started) -> None:
    """A service without its AWS must not look alive."""
    with started(*SERVE) as server:
        server.read_urls("API", "Docs", "AWS")
        [embedded] = server.children()
        os.kill(embedded, signal.SIGKILL)
        code, err = server.end()
    assert code == 5
    assert err.splitlines()[-1] == "workflow-manager: The embedded AWS ended unexpectedly, with exit code -9."


def test_ctrl_c_ends_the_service(open_terminal: OpenTerminal) -> None:
    """The exit code is that of an interruption; an AWS that is not there is no hindrance."""
    elsewhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "WFM_ACCOUNT_ID": "123456789012"}
    with open_terminal("serve", "--port", "0", extra=elsewhere) as terminal:
        terminal.read_until(lambda shown: "Docs:" in shown, "where the docs are")
        terminal.press(CTRL_C)
        assert terminal.end(seconds=STOP_SECONDS) == 130
    assert "Traceback" not in terminal.shown
    assert "AWS:" not in terminal.shown


def test_a_signal_during_the_start_ends_it(started: Started) -> None:
    """Nothing has to be waited for first."""
    with started(*SERVE) as server:
        embedded = wait_for_child(server)
        code, err = server.stop(signal.SIGTERM)
        wait_until_gone(embedded)
    assert (code, err) == (0, "")


def test_a_port_in_use_is_one_line(process: Run, taken_port: int) -> None:
    """It names the port, and nothing else was started."""
    outcome = process("serve", "--local", "--port", str(taken_port))
    assert outcome.code == 5
    assert outcome.err == f"workflow-manager: Port {taken_port} on 127.0.0.1 is in use; choose another with --port.\n"


def test_a_port_of_the_embedded_aws_in_use_is_one_line(process: Run, taken_port: int) -> None:
    """It names the option that chose it."""
    outcome = process(*SERVE, "--aws-port", str(taken_port))
    message = f"workflow-manager: Port {taken_port} on 127.0.0.1 is in use; choose another with --aws-port.\n"
    assert (outcome.code, outcome.err) == (5, message)


def test_a_missing_setting_is_one_line(process: Run) -> None:
    """Without region and without --local there is nothing to talk to."""
    outcome = process("serve", "--port", "0", extra={"AWS_CONFIG_FILE": os.devnull})
    assert outcome.code == 2
    assert "AWS_REGION" in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("verb", ["serve", "poll"])
def test_a_store_that_is_not_set_stops_the_start_on_aws(process: Run, verb: str) -> None:
    """Nothing is kept in memory by mistake; the line says what to set."""
    on_aws = {"AWS_REGION": "us-west-2", "WFM_ACCOUNT_ID": "123456789012"}
    outcome = process(verb, "--port", "0", extra=on_aws)
    assert outcome.code == 2
    assert outcome.err.startswith("workflow-manager: WFM_STORE is not set")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("verb", ["serve", "poll"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "service.example"])
def test_a_door_that_others_reach_is_not_opened_by_mistake(process: Run, verb: str, host: str) -> None:
    """The line says what to set; nothing is started first."""
    environment = {"AWS_REGION": "us-west-2", "WFM_STORE": "dynamodb", "WFM_ACCOUNT_ID": "123456789012"}
    outcome = process(verb, "--host", host, "--port", "0", extra=environment)
    assert outcome.code == 2
    assert outcome.err.startswith("workflow-manager: WFM_AUTH is not set")
    assert outcome.err.count("\n") == 1


def test_a_poller_of_its_own_shares_no_memory(process: Run) -> None:
    """The service could not see its results, wherever the setting comes from."""
    outcome = process("poll", "--port", "0", extra={"AWS_REGION": "us-west-2", "WFM_STORE": "memory"})
    assert (outcome.code, "WFM_STORE is memory" in outcome.err) == (2, True)


def test_a_wrong_setting_is_one_line(process: Run) -> None:
    """It names the variable, before anything is started."""
    outcome = process("serve", "--local", "--port", "0", extra={"WFM_RETENTION_DAYS": "soon"})
    assert outcome.code == 2
    assert "WFM_RETENTION_DAYS" in outcome.err


def test_the_embedded_aws_runs_alone(started: Started) -> None:
    """For tests of others, and for a service that is started apart."""
    with started("local-aws", "--port", "0") as server:
        urls = server.read_urls("AWS")
        assert urls["AWS"].startswith("http://127.0.0.1:")
        code, err = server.stop(signal.SIGTERM)
    assert (code, "Traceback" in err) == (0, False)


def test_real_credentials_never_reach_the_embedded_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever of AWS the shell has set, --local means the embedded one."""
    shell = {
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_SFN": "https://states.eu-west-1.amazonaws.com",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    environ = dict(shell)
    monkeypatch.setattr(os, "environ", environ)
    use_embedded_aws("http://127.0.0.1:1")
    assert environ == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
    }


@pytest.mark.parametrize("host", ["not a host", "host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    """The sentence names it."""
    with pytest.raises(errors.StartupError, match=f"Cannot listen on {host}"):
        bind(Listen(host, 0))


def test_an_address_that_is_not_ours_is_written_as_it_was_typed() -> None:
    with pytest.raises(
        errors.StartupError, match=r"^Cannot listen on 192\.0\.2\.1:0: Cannot assign requested address\.$"
    ):
        bind(Listen("192.0.2.1", 0))
