"""How ``sfncli`` keeps tasks alive, loses them, and stops, with worker processes on the embedded AWS.

The first paragraph of each docstring is a row of the table in ``docs/worker.md``.

Covers `workflow_manager.cli.worker.sfncli` and `workflow_manager.worker.host.signals`.
"""

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.eventually import eventually
from tests.sdk.worker.conftest import alive, sfn_client
from tests.sdk.worker.executions import Execution, Machine
from tests.sdk.worker.processes import PYTHON, STUBBORN, Nursery, arguments, puppet, write_script
from tests.sdk.worker.recording_proxy import Recorder, recording
from workflow_manager.worker.host.signals import FORWARDED, KEPT


@pytest.fixture(scope="module")
def beating(nursery: Nursery, local_aws_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Beating"]:
    """Start a worker that beats twice a second, behind a recorder."""
    directory = tmp_path_factory.mktemp("beating")
    with recording(local_aws_url) as recorder, sfn_client(local_aws_url) as client:
        machine = Machine(client)
        flags = ("-heartbeat-seconds", "0.5", "-concurrency", str(SLOTS))
        worker = nursery.start(
            *arguments(machine.name, str(puppet(directory)), *flags), AWS_ENDPOINT_URL=recorder.url
        ).until_logged("worker-started")
        yield Beating(recorder, machine, directory)
        worker.end()


@dataclass
class Beating:
    """A worker with a quick heart."""

    recorder: Recorder
    machine: Machine
    directory: Path

    def start(self, script: str) -> tuple[Execution, int]:
        """Start a task, and return it with the process number that its command tells."""
        name, pid = f"run-{uuid.uuid4()}", self.directory / f"{uuid.uuid4()}.pid"
        write_script(self.directory / name, f'echo $$ > "{pid}.new"; mv "{pid}.new" "{pid}"; {script}')
        execution = self.machine.start(name=name)
        eventually(pid.exists, what="the command has started")
        return execution, int(pid.read_text())


def test_heartbeat(beating: Beating) -> None:
    """A heartbeat goes out at once and then regularly, by default every 20 s."""
    before = len(beating.recorder.of("SendTaskHeartbeat"))
    started = time.monotonic()
    execution, _ = beating.start("sleep 0.8")
    assert execution.ended().output
    first, second, *_ = [call.at for call in beating.recorder.of("SendTaskHeartbeat")[before:]]
    assert first - started < 2
    assert 0.3 < second - first < 2.5


SLOTS = 4
JITTER_SECONDS = 0.5
"""What a call may need longer on its way than another."""


def test_poll_rate_of_slots(beating: Beating) -> None:
    """With `-concurrency N`, AWS is asked N times within a second at most, all slots counted together."""
    for run in [beating.start("true")[0] for _ in range(2 * SLOTS)]:
        run.ended()
    times = [call.at for call in beating.recorder.of("GetActivityTask")]
    assert len(times) >= 2 * SLOTS
    assert times[-1] - times[0] > (len(times) - 1) // SLOTS - JITTER_SECONDS


TELLING = "trap 'touch \"{0}.term\"' TERM; while :; do sleep 0.05; done"
"""A script that tells of SIGTERM by a file, and goes on until it is killed."""


@dataclass
class Stray:
    """A command that goes on after SIGTERM, though its task was lost."""

    seconds_to_live: Future[float]
    """From SIGTERM to its end."""


@pytest.fixture(scope="module", autouse=True)
def stray(beating: Beating) -> Iterator[Stray]:
    """Lose the task of a command that goes on after SIGTERM."""
    told = beating.directory / "stray"
    execution, pid = beating.start(TELLING.format(told))
    execution.stop()
    with ThreadPoolExecutor(1) as watching:
        yield Stray(watching.submit(_seconds_to_live, pid, told.with_suffix(".term")))


def _seconds_to_live(pid: int, told: Path) -> float:
    eventually(lambda: not alive(pid), what=f"the end of {pid}")
    return time.time() - told.stat().st_mtime


def test_lost(beating: Beating) -> None:
    """When AWS answers TaskDoesNotExist, TaskTimedOut or InvalidToken, the command gets SIGTERM."""
    reported = len(beating.recorder.of("SendTaskFailure"))
    files = [beating.directory / f"lost-{number}" for number in range(3)]
    begun = [beating.start(f"trap 'touch \"{file}\"; exit' TERM; while :; do sleep 0.05; done") for file in files]
    beating.recorder.refuse("SendTaskHeartbeat", "TaskDoesNotExist", "TaskTimedOut", "InvalidToken")
    eventually(lambda: all(file.exists() for file in files), what="the commands get SIGTERM")
    eventually(lambda: not any(alive(pid) for _, pid in begun), what="the commands end")
    assert len(beating.recorder.of("SendTaskFailure")) == reported
    for execution, _ in begun:
        execution.stop()


@dataclass
class Ending:
    """A worker that got SIGTERM while it was busy with five tasks."""

    runs: dict[str, Execution]
    late: Execution
    work_dir: Path
    exit_code: int
    seconds: float


OWN = """trap 'echo {\\"error\\":\\"App.Stopped\\",\\"cause\\":\\"c\\"}; exit 1' TERM; while :; do sleep 0.05; done"""

ENDINGS = {
    "plain": "sleep 60",
    "clean": "trap 'exit 0' TERM; while :; do sleep 0.05; done",
    "own": OWN,
    "logging": 'trap \'echo {\\"level\\":\\"info\\"}; exit 0\' TERM; while :; do sleep 0.05; done',
    "stubborn": STUBBORN,
}
GRACE_SECONDS = 0.5

ENDED_BEFORE = ("exit 3", "kill -KILL $$")


@pytest.fixture(scope="module")
def ending(nursery: Nursery, sfn: Any, tmp_path_factory: pytest.TempPathFactory) -> Ending:
    """Send SIGTERM to a busy worker, and a task that comes too late."""
    directory = tmp_path_factory.mktemp("ending")
    work_dir = directory / "work"
    machine = Machine(sfn)
    flags = ("-concurrency", str(len(ENDINGS)), "-grace-seconds", str(GRACE_SECONDS), "-workdirectory", str(work_dir))
    worker = nursery.start(*arguments(machine.name, str(puppet(directory)), *flags))
    before = []
    for script in ENDED_BEFORE:
        name = f"run-{uuid.uuid4()}"
        write_script(directory / name, f'touch "$WORK_DIR/file"; {script}')
        before.append(machine.start(name=name))
    assert all(run.ended().error for run in before)
    runs = {}
    for what, script in ENDINGS.items():
        name = f"run-{uuid.uuid4()}"
        write_script(directory / name, f'touch "$WORK_DIR/file" "{directory}/{what}.started"; {script}')
        runs[what] = machine.start(name=name)
    eventually(lambda: len(list(directory.glob("*.started"))) == len(ENDINGS), what="all commands have started")
    worker.signal(signal.SIGTERM)
    signalled = time.monotonic()
    late = machine.start()
    exit_code = worker.wait()
    seconds = time.monotonic() - signalled
    return Ending({what: run.ended() for what, run in runs.items()}, late, work_dir, exit_code, seconds)


def test_sigterm(ending: Ending) -> None:
    """SIGTERM to the worker is passed on to its commands; their tasks fail with `sfncli.CommandTerminated`."""
    assert ending.runs["plain"].error[0] == "sfncli.CommandTerminated"
    assert ending.exit_code == 0


def test_sigterm_and_clean_exit(ending: Ending) -> None:
    """So does the task of a command that answers SIGTERM with exit status 0, whatever it wrote last."""
    assert ending.runs["clean"].error[0] == "sfncli.CommandTerminated"
    assert ending.runs["logging"].error[0] == "sfncli.CommandTerminated"


def test_sigterm_and_own_error(ending: Ending) -> None:
    """So does that of a command which reports an error of its own after SIGTERM; name and cause become the cause."""
    assert ending.runs["own"].error == ("sfncli.CommandTerminated", "App.Stopped: c")


def test_sigterm_and_sigkill(ending: Ending) -> None:
    """Commands that go on are killed 25 s after SIGTERM, and still reported as terminated."""
    assert ending.runs["stubborn"].error[0] == "sfncli.CommandTerminated"
    assert GRACE_SECONDS <= ending.seconds < GRACE_SECONDS + 10


def test_work_dirs(ending: Ending) -> None:
    """The `WORK_DIR` is removed too when the command fails, is killed, or is asked to stop."""
    assert ending.work_dir.is_dir()
    assert list(ending.work_dir.iterdir()) == []


def test_no_new_task(ending: Ending) -> None:
    """After SIGTERM no task is taken."""
    assert "ActivityStarted" not in ending.late.events
    ending.late.stop()


def test_late_task(nursery: Nursery, sfn: Any) -> None:
    """A task that AWS hands to the open poll of a stopping worker is handed back, not lost. AWS holds a poll for 60 s,
    and the worker waits for it as long as it may take to stop, 25 s by default. With `-grace-seconds 65` or more no
    task is lost; with less, one that AWS gives to the poll when the worker is gone is tried again after its
    `HeartbeatSeconds`.
    """
    machine = Machine(sfn)
    worker = nursery.start(*arguments(machine.name, "true")).until_logged("worker-started")
    worker.signal(signal.SIGTERM)
    worker.until_logged("poll-draining")
    assert machine.start().ended().error[0] == "sfncli.CommandTerminated"
    assert worker.wait() == 0


SIGNALLED = """
import signal, time
wanted = set(signal.valid_signals()) - set(json.loads(os.environ["KEPT"]))
got = set()
for number in wanted:
    signal.signal(number, lambda number, _: got.add(number))
open(os.environ["READY"], "w").close()
while got < wanted:
    time.sleep(0.02)
print(json.dumps({"got": len(got)}))
"""


def test_signals(nursery: Nursery, sfn: Any, tmp_path: Path) -> None:
    """Every other signal is passed on to the command, such as SIGHUP, SIGUSR1, SIGALRM and those of real time. SIGCHLD,
    SIGPIPE and SIGXFSZ, those of job control (SIGTSTP, SIGTTIN, SIGTTOU) and those of a fault (SIGABRT, SIGBUS, SIGFPE,
    SIGILL, SIGSEGV, SIGSYS, SIGTRAP) stay what they are to the worker.
    """
    machine = Machine(sfn)
    command = write_script(tmp_path / "command", PYTHON + SIGNALLED)
    kept = json.dumps([int(number) for number in KEPT])
    worker = nursery.start(*arguments(machine.name, str(command)), READY=str(tmp_path / "ready"), KEPT=kept)
    execution = machine.start()
    eventually((tmp_path / "ready").exists, what="the command is ready")
    for number in FORWARDED:
        worker.signal(number)
    assert json.loads(execution.ended().output)["got"] == len(FORWARDED) > 40


def test_hang_up(nursery: Nursery, sfn: Any) -> None:
    """SIGHUP ends a worker that runs no command, in order, unless it was started with `nohup`."""
    worker = nursery.start(*arguments(Machine(sfn).name, "true")).until_logged("worker-started")
    worker.signal(signal.SIGHUP)
    assert worker.wait() == 0


def test_helpers(nursery: Nursery, sfn: Any, tmp_path: Path) -> None:
    """Signals go to the command alone, and not to processes that it has started. Those that outlive it are killed, and
    a line of the log names them. `sfncli` leaves them running.
    """
    machine, pid = Machine(sfn), tmp_path / "pid"
    script = f'sleep 600 >&- 2>&- & echo $! > "{pid}.new"; mv "{pid}.new" "{pid}"; echo "{{}}"'
    worker = nursery.start(*arguments(machine.name, str(write_script(tmp_path / "command", script))))
    assert machine.start().ended().output
    worker.until_logged("helpers-killed")
    assert f'"sleep ({pid.read_text().strip()})"' in worker.stderr
    assert not alive(int(pid.read_text()))


def test_killed_worker(nursery: Nursery, sfn: Any, tmp_path: Path) -> None:
    """When the worker is killed, so are its commands and what they have started, before their retry can begin."""
    machine, pids = Machine(sfn), tmp_path / "pids"
    script = f'sleep 600 & echo "$$ $!" > "{pids}.new"; mv "{pids}.new" "{pids}"; exec sleep 600'
    worker = nursery.start(*arguments(machine.name, str(write_script(tmp_path / "command", script))))
    execution = machine.start()
    eventually(pids.exists, what="the command has started")
    worker.signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    eventually(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()), what="the end of the command")
    execution.stop()


def test_lost_and_killed(stray: Stray) -> None:
    """The command of a lost task that goes on after SIGTERM is killed after 5 s."""
    assert 4.5 < stray.seconds_to_live.result() < 10


REUSING = """
import asyncio, signal, subprocess
from pathlib import Path
from workflow_manager.worker.commands.process import ChildProcess
from workflow_manager.worker.commands.watchdog import Unguarded
from tests.sdk.worker.conftest import alive

def next_number(number):
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(number - 1))

class Sink:
    async def feed(self, chunk):
        pass
    def command_ended(self):
        pass

async def main():
    process = ChildProcess.start(["true"], env={}, stdin=subprocess.DEVNULL, guard=Unguarded())
    while alive(process.pid):
        pass
    next_number(process.pid)
    with subprocess.Popen(["true"]) as other:
        assert other.pid != process.pid, "the number of a process that was not collected was given away"
    await process.run(stdout=Sink(), stderr=Sink(), drain_seconds=1)
    next_number(process.pid)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["cat"], start_new_session=True, **pipes) as stranger:
        assert stranger.pid == process.pid, "the number was not reused"
        process.end(grace_seconds=0)
        process.signal(signal.SIGKILL)
        await asyncio.sleep(0)
        answer, _ = stranger.communicate(b"alive")
        print(answer.decode())

asyncio.run(main())
"""


@pytest.mark.slow
def test_pid_reuse() -> None:
    """SIGKILL never hits a process that got the number of a command which has ended."""
    namespace = ["unshare", "-Urpf", "--mount-proc"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("numbers cannot be chosen here: no namespace can be made")
    command = [*namespace, sys.executable, "-c", REUSING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("alive\n", 0), done.stderr


@pytest.mark.slow
def test_default_times(nursery: Nursery, local_aws_url: str, tmp_path: Path) -> None:
    """CloudWatch gets `ActivityActivePercent` every minute, in `-cloudwatchregion`, where variables are expanded."""
    with recording(local_aws_url) as recorder, sfn_client(local_aws_url) as client:
        machine = Machine(client)
        command = write_script(tmp_path / "command", f'touch "{tmp_path}/started"; {STUBBORN}')
        worker = nursery.start(
            *arguments(machine.name, str(command), "-cloudwatchregion", "${_POD_REGION}"),
            AWS_ENDPOINT_URL=recorder.url,
            _POD_REGION="eu-central-1",
        )
        execution = machine.start()
        eventually(lambda: recorder.of("PutMetricData"), what="the metric", timeout_seconds=70)
        (call,) = recorder.of("PutMetricData")
        assert call.region == "eu-central-1"
        assert call.body["Namespace"] == "StatesCustom"
        assert call.body["MetricData.member.1.MetricName"] == "ActivityActivePercent"
        assert float(call.body["MetricData.member.1.Value"]) > 90
        beats = [beat.at for beat in recorder.of("SendTaskHeartbeat")]
        assert [round(beat - beats[0]) for beat in beats[:3]] == [0, 20, 40]
        worker.signal(signal.SIGTERM)
        signalled = time.monotonic()
        eventually(lambda: execution.description["status"] != "RUNNING", what="the end", timeout_seconds=40)
        assert 24.5 < time.monotonic() - signalled < 28
        assert execution.error[0] == "sfncli.CommandTerminated"
